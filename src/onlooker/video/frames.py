"""What the reader hands out: one `Frame`, or a `Clip` of several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

OK = 0
"""The frame decoded as it was encoded."""
CONCEALED = 1
"""The decoder repaired the frame, or it was predicted from one that was repaired."""
MISSING = 2
"""The frame could not be decoded; the picture before it stands in."""

STATUS_NAMES = ("ok", "concealed", "missing")

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame: `image` uint8 RGB (height, width, 3), `time` and `duration` in seconds, `pts` in `time_base` units."""

    image: Images
    index: int
    time: float
    duration: float
    pts: int
    time_base: Fraction
    key: bool
    status: int = OK


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Frames in the order that was asked for.

    `images` uint8 RGB (time, height, width, 3); `indices` int64, `times` and `durations` float64 seconds and `status`
    uint8 (0 ok, 1 concealed, 2 missing), all (time,).

    >>> import numpy as np
    >>> clip = Clip(np.zeros((4, 2, 2, 3), np.uint8), np.arange(4), np.arange(4) / 10, np.full(4, 0.1),
    ...             np.zeros(4, np.uint8))
    >>> len(clip), clip[1:3].times.tolist()
    (4, [0.1, 0.2])
    """

    images: Images
    indices: NDArray[np.int64]
    times: NDArray[np.float64]
    durations: NDArray[np.float64]
    status: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, which: slice | NDArray[Any] | list[int]) -> Clip:
        """A part of the clip: a slice (shares memory) or positions (copies)."""
        return Clip(
            self.images[which], self.indices[which], self.times[which], self.durations[which], self.status[which]
        )

    def __iter__(self) -> Iterator[Images]:
        return iter(self.images)

    @property
    def start(self) -> float:
        """When the earliest frame appears, in seconds; NaN for an empty clip."""
        return float(self.times.min()) if len(self) else float("nan")

    @property
    def end(self) -> float:
        """When the latest frame disappears, in seconds; NaN for an empty clip."""
        return float((self.times + self.durations).max()) if len(self) else float("nan")

    def torch(self) -> torch.Tensor:
        """The images as a uint8 tensor (time, channel, height, width) that shares memory with `images`."""
        import torch

        return torch.from_numpy(self.images).permute(0, 3, 1, 2)
