"""Which detection belongs to which track: costs from overlap, motion and appearance, and the best assignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
FORBIDDEN = 1e5


def overlap(a: Array, b: Array) -> Array:
    """Intersection over union of every pair of xyxy boxes, `(len(a), len(b))`."""
    size = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    size = np.maximum(size, 0)
    inter = size[..., 0] * size[..., 1]
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (a, b)]
    return np.asarray(inter / np.maximum(areas[0][:, None] + areas[1][None] - inter, 1e-9))


def hidden(boxes: Array) -> Array:
    """The largest share of each box that another one covers."""
    size = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    size = np.maximum(size, 0)
    inter = size[..., 0] * size[..., 1]
    np.fill_diagonal(inter, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.asarray(inter.max(1, initial=0) / np.maximum(areas, 1e-9))


def assign(cost: Array) -> tuple[Index, Index]:
    """Rows and columns of the cheapest one-to-one assignment without forbidden pairs (Kuhn and Munkres)."""
    if not cost.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    from scipy.optimize import linear_sum_assignment  # a third of a second that `onlooker methods` need not wait

    rows, columns = linear_sum_assignment(cost)
    allowed = cost[rows, columns] < FORBIDDEN
    return rows[allowed].astype(np.int64), columns[allowed].astype(np.int64)


def rest(count: int, taken: Index) -> Index:
    """Indices below `count` that are not taken."""
    free = np.ones(count, bool)
    free[taken] = False
    return np.flatnonzero(free)
