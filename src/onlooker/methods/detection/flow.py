"""Boxes moved from one frame to the next by sparse optical flow (Lucas and Kanade, IJCAI 1981), median of the body."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_COLUMNS = np.linspace(0.2, 0.8, 5)
_ROWS = np.linspace(0.1, 0.9, 7)
_GRID = np.stack(np.meshgrid(_COLUMNS, _ROWS), -1).reshape(-1, 2)


def move_boxes(
    before: NDArray[np.uint8], after: NDArray[np.uint8], boxes: NDArray[np.float64], still: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes in `after`, and the share of their points that could be followed. Greys and boxes at the same scale.

    Points that moved less than `still` pixels are background seen beside the body when a third of the points moved.
    """
    if not len(boxes):
        return boxes, np.zeros(0)
    size = boxes[:, None, 2:] - boxes[:, None, :2]
    points = (boxes[:, None, :2] + _GRID[None] * size).astype(np.float32)
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points.reshape(-1, 1, 2), None, winSize=(11, 11), maxLevel=2
    )
    limit = np.array([before.shape[1], before.shape[0]]) - 1
    flat = points.reshape(-1, 2)
    followed = (status.reshape(-1) == 1) & (flat >= 0).all(1) & (flat <= limit).all(1)
    shift = (moved.reshape(-1, 2) - flat).reshape(len(boxes), len(_GRID), 2).astype(np.float64)
    followed = followed.reshape(len(boxes), len(_GRID))
    result, quality = boxes.copy(), followed.mean(1)
    for index in range(len(boxes)):
        own = shift[index, followed[index]]
        moving = np.hypot(own[:, 0], own[:, 1]) > still
        if moving.sum() * 3 >= len(own):
            own = own[moving]
        if len(own):
            result[index] += np.tile(np.median(own, 0), 2)
    return result, quality
