"""Windows of a video out of trajectories that were followed once: in parts of the picture, and mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from onlooker.methods.recognition.dense_trajectories.rows import LENGTH, Floats, Trajectories

SIDES = (0.5, 0.2, 0.8)
"""Where along the long side a square is cut, from 0 (left or top) to 1; the first is where a classifier looks."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The trajectories of `frames` frames in a row, each `width` x `height` pixels."""

    found: Trajectories
    frames: int
    width: int
    height: int

    def window(self, start: int, stop: int) -> Followed:
        """What begins and ends within frames `start` to `stop`: what following these frames alone would find."""
        inside = (self.found.frame >= start + LENGTH) & (self.found.frame < stop)
        return replace(self, found=self.found.pick(np.flatnonzero(inside)), frames=stop - start)

    def square(self, place: float) -> Followed:
        """What lies in a square as large as the short side, at `place` along the long one."""
        side, axis = min(self.width, self.height), int(self.height > self.width)
        start = (max(self.width, self.height) - side) * place
        along = self.found.mean[:, axis]
        inside = np.flatnonzero((along >= start) & (along < start + side))
        return replace(self, found=self.found.pick(inside), width=side, height=side)

    def mirrored(self) -> Followed:
        """The same seen in a mirror, left for right; no picture is looked at again.

        A vector's angle a becomes half a turn less a, cells change sides. The flow itself changes sign across, so that
        its change across is as before and its change down is reversed: the angles of MBHx become their negatives.
        """
        old, flip = self.found, np.array([-1, 1], np.float32)
        new = replace(
            old,
            points=old.points * flip + np.array([self.width - 1, 0], np.float32),
            mean=old.mean * flip + np.array([self.width - 1, 0], np.float32),
            shape=(old.shape.reshape(len(old), LENGTH, 2) * flip).reshape(len(old), 2 * LENGTH),
            hog=_turned(old.hog, 8, 4),
            hof=_turned(old.hof, 9, 4),
            mbh_x=_turned(old.mbh_x, 8, 0),
            mbh_y=_turned(old.mbh_y, 8, 4),
        )
        return replace(self, found=new)


def _turned(histograms: Floats, bins: int, half: int) -> Floats:
    """Cells on the other side, bin n where bin `half` - n was; a ninth bin stays."""
    order = np.concatenate(((half - np.arange(8)) % 8, np.arange(8, bins)))
    cells = histograms.reshape(len(histograms), 3, 2, 2, bins)[:, :, ::-1][..., order]
    return np.ascontiguousarray(cells.reshape(histograms.shape))


def spans(frames: int, window: int, most: int) -> list[tuple[int, int]]:
    """At most `most` windows of `window` frames, half a window apart where that many fit, else evenly spread.

    >>> spans(100, 64, 5), spans(40, 64, 5)
    ([(0, 64), (18, 82), (36, 100)], [(0, 40)])
    """
    if frames <= window:
        return [(0, frames)]
    count = min(most, 1 + -(-(frames - window) * 2 // window))
    starts = np.linspace(0, frames - window, max(count, 1)).round().astype(int).tolist()
    return [(start, start + window) for start in starts]


def views(of: Followed, *, flip: bool) -> Iterator[Followed]:
    """The squares of `SIDES` (one where the picture is nearly square), each also mirrored where `flip` says so."""
    nearly = max(of.width, of.height) < 1.1 * min(of.width, of.height)
    for place in SIDES[:1] if nearly else SIDES:
        part = of.square(place)
        yield part
        if flip:
            yield part.mirrored()
