"""Lines and zones as the library that most people come from counts them: by frames, without dead band or settling.

For those who must keep their old numbers; the rules of `EventEngine` are the better ones. What differs: a line counts
only while every anchor lies between the perpendiculars through its ends, and on one side; a change of side counts after
`threshold` frames on the new side, so jitter on the line counts again and again; a zone is a mask of whole pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from onlooker.errors import ConfigError
from onlooker.records.boxes import as_boxes

Anchors = Literal["corners", "bottom_center", "center"]
Flags = NDArray[np.bool_]


def anchor_points(boxes: ArrayLike, anchors: Anchors) -> NDArray[np.float64]:
    """Points (n, k, 2) of boxes (n, 4)."""
    x1, y1, x2, y2 = as_boxes(boxes).T
    if anchors == "corners":
        return np.stack([np.stack(pair, -1) for pair in ((x1, y1), (x1, y2), (x2, y1), (x2, y2))], axis=1)
    if anchors == "bottom_center":
        return np.stack([(x1 + x2) / 2, y2], -1)[:, None]
    if anchors == "center":
        return np.stack([(x1 + x2) / 2, (y1 + y2) / 2], -1)[:, None]
    raise ConfigError(f"there are no anchors {anchors!r}: choose corners, bottom_center or center.")


@dataclass
class CompatLine:
    """Counts crossings of the line from `start` to `end` (pixels), towards its left as "in".

    >>> line = CompatLine((0, 5), (10, 5), anchors="center")
    >>> for y in (8, 2):
    ...     entered, left = line.trigger([1], [[4, y - 1, 6, y + 1]])
    >>> entered.tolist(), left.tolist()
    ([True], [False])
    """

    start: tuple[float, float]
    end: tuple[float, float]
    threshold: int = 1
    anchors: Anchors = "corners"
    _sides: dict[int, bool] = field(default_factory=dict)
    _frames: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.threshold < 1 or self.start == self.end:
            raise ConfigError(f"a line from {self.start} to {self.end} with threshold {self.threshold} counts nothing.")

    def trigger(self, ids: Sequence[int], boxes: ArrayLike) -> tuple[Flags, Flags]:
        """One frame: which of the tracks (n,) are counted as going in and as going out."""
        entered, left = np.zeros(len(ids), bool), np.zeros(len(ids), bool)
        for row, (track, side) in enumerate(zip(ids, self._side(anchor_points(boxes, self.anchors)), strict=True)):
            if side is not None and self._changed(track, side):
                (entered if side else left)[row] = True
        return entered, left

    def _side(self, points: NDArray[np.float64]) -> list[bool | None]:
        """Left (True) or right of the line where all anchors agree and lie beside it, else None."""
        start = np.asarray(self.start, np.float64)
        along = np.asarray(self.end, np.float64) - start
        to = points - start
        share = to @ along / (along @ along)
        lefts = along[0] * to[..., 1] - along[1] * to[..., 0] < 0
        beside = ((share >= 0) & (share <= 1)).all(axis=1)
        agree = lefts.all(axis=1) | ~lefts.any(axis=1)
        clear = (beside & agree).tolist()
        return [bool(side) if ok else None for side, ok in zip(lefts[:, 0], clear, strict=True)]

    def _changed(self, track: int, side: bool) -> bool:
        if self._sides.setdefault(track, side) == side:
            self._frames[track] = 0
            return False
        self._frames[track] += 1
        if self._frames[track] < self.threshold:
            return False
        self._sides[track], self._frames[track] = side, 0
        return True


class CompatZone:
    """Says who stands on the filled polygon (pixels), the anchor rounded to the nearest pixel."""

    def __init__(self, polygon: ArrayLike, anchor: Anchors = "bottom_center") -> None:
        corners = np.asarray(polygon, np.int32)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or corners.min() < 0:
            raise ConfigError("a zone needs at least three corners x, y, none of them negative.")
        width, height = corners.max(axis=0) + 2
        self.anchor = anchor
        self._mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(self._mask, [corners], 1)

    def inside(self, boxes: ArrayLike) -> Flags:
        """Whether all anchors of each box (n, 4) are in the zone."""
        points = np.rint(anchor_points(boxes, self.anchor)).astype(np.int64)
        height, width = self._mask.shape
        known = np.asarray(((points >= 0) & (points < [width, height])).all(axis=-1))
        safe = points * known[..., None]
        return np.asarray((known & (self._mask[safe[..., 1], safe[..., 0]] > 0)).all(axis=1))
