"""What is found in one frame: `Detections` before linking, `FrameTracks` after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def _boxes(count: int = 0) -> FloatArray:
    return np.zeros((count, 4), np.float32)


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes of one frame: float32 (n, 4) xyxy in displayed pixels, `scores` float32 (n,) in [0, 1], a label each."""

    boxes: FloatArray = field(default_factory=_boxes)
    scores: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.boxes)

    def keep(self, index: NDArray[Any]) -> Detections:
        """The rows that `index` (boolean or integer, any order) picks."""
        rows = np.arange(len(self))[index]
        return Detections(self.boxes[rows], self.scores[rows], tuple(self.labels[i] for i in rows))


@dataclass(frozen=True, slots=True)
class FrameTracks:
    """Linked boxes of one frame: as `Detections`, with `ids` int64 (n,) and `observed` (n,), false in a bridged gap."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    boxes: FloatArray = field(default_factory=_boxes)
    scores: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    labels: tuple[str, ...] = ()
    observed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __len__(self) -> int:
        return len(self.ids)
