"""Copies of an example that still show the same action: other speed, part of the picture, side, light and noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

SLOW = 12.0
"""Frames a second of a slow camera. A path lasts as many frames whatever their rate: what it shows depends on that."""

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Change:
    """One way to change a clip. `speed` above 1 is faster; `rate` is that of the camera, frames a second at most, where
    it matters (to methods that follow motion from frame to frame); `crop` (left, top, right, bottom) are fractions of
    the picture; `gain` and `gamma` change the light; `noise` is the standard deviation of the grain, of 255.

    >>> Change().is_none
    True
    """

    speed: float = 1.0
    rate: float = float("inf")
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    flip: bool = False
    gain: float = 1.0
    gamma: float = 1.0
    noise: float = 0.0
    seed: int = 0

    @property
    def is_none(self) -> bool:
        """Whether it leaves the clip as it is."""
        return self == Change(seed=self.seed)

    def of_pictures(self, images: Images) -> Images:
        """All but speed and rate, on uint8 frames `(time, height, width, 3)`."""
        height, width = images.shape[1:3]
        left, top, right, bottom = self.crop
        part = images[:, round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
        if self.flip:
            part = part[:, :, ::-1]
        part = np.ascontiguousarray(part)
        if self.gain != 1 or self.gamma != 1:
            light = np.clip(self.gain * (np.arange(256) / 255) ** self.gamma, 0, 1) * 255
            part = cv2.LUT(part.reshape(-1, 1), light.round().astype(np.uint8)).reshape(part.shape)
        if self.noise:
            rng = np.random.default_rng(self.seed)
            grain = rng.normal(0, self.noise, part.shape).astype(np.float32)
            part = np.clip(part + grain, 0, 255).round().astype(np.uint8)
        return np.asarray(part, np.uint8)


def changes(count: int, *, flip: bool, seed: int) -> list[Change]:
    """The clip as it is, then `count - 1` random changes of everything at once, the speeds spread evenly.

    Speeds lie between 0.6 and 1.7, crops keep at least 75 % of each side, gains lie between 0.6 and 1.5, gammas
    between 0.7 and 1.4, the grain goes up to 12 of 255. Without `flip` no copy is mirrored.
    """
    rng = np.random.default_rng(seed)
    found = [Change()]
    speeds = np.exp(np.linspace(np.log(0.6), np.log(1.7), max(count - 1, 1)))
    for speed in rng.permutation(speeds)[: count - 1].tolist():
        across, down = rng.uniform(0.75, 1.0, 2).tolist()
        left, top = float(rng.uniform(0, 1 - across)), float(rng.uniform(0, 1 - down))
        found.append(
            Change(
                speed=speed,
                crop=(left, top, left + across, top + down),
                flip=bool(flip and rng.random() < 0.5),
                gain=float(rng.uniform(0.6, 1.5)),
                gamma=float(rng.uniform(0.7, 1.4)),
                noise=float(rng.uniform(0, 12)),
                seed=int(rng.integers(1 << 31)),
            )
        )
    return found


def refilmed(count: int, *, seed: int) -> list[Change]:
    """The clip as it is, then `count - 1` versions for methods that follow motion from frame to frame.

    These are faster (1.2 to 1.6 times: a slower one has the same frames, shown longer), darker or lighter, and grainy;
    after each the same again as a camera of `SLOW` frames a second sees it. Parts of the picture and its mirror image
    are cut from what was followed, see `methods/recognition/taught/moments`.
    """
    rng = np.random.default_rng(seed)
    found = [Change()]
    for number in range(count // 2):
        darker = number % 2 == 0
        change = Change(
            speed=float(rng.uniform(1.2, 1.6)),
            gain=float(rng.uniform(0.6, 0.8) if darker else rng.uniform(1.2, 1.5)),
            gamma=float(rng.uniform(1.0, 1.4) if darker else rng.uniform(0.7, 1.0)),
            noise=float(rng.uniform(6, 10)),
            seed=int(rng.integers(1 << 31)),
        )
        found += [change, replace(change, rate=SLOW)]
    return found[:count]
