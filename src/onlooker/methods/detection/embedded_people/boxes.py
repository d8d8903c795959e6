"""Small box arithmetic on float arrays `(n, 4)` xyxy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def iou(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every pair, `(len(a), len(b))`."""
    inter = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - inter
    return np.asarray(inter / np.maximum(union, 1e-9))


def intersection(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Common area of every pair, `(len(a), len(b))`."""
    size = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    return np.asarray(np.prod(np.maximum(size, 0), axis=2))


def area(boxes: Boxes) -> NDArray[np.float64]:
    """Area of each box."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def grow(boxes: Boxes, sides: NDArray[np.float64] | float, tops: NDArray[np.float64] | float) -> Boxes:
    """Boxes widened by `sides` left and right and by `tops` above and below, in pixels."""
    grown = boxes.copy()
    grown[:, 0] -= sides
    grown[:, 1] -= tops
    grown[:, 2] += sides
    grown[:, 3] += tops
    return grown


def clip(boxes: Boxes, width: float, height: float) -> Boxes:
    """Boxes cut to the picture."""
    return np.stack(
        [
            boxes[:, 0].clip(0, width),
            boxes[:, 1].clip(0, height),
            boxes[:, 2].clip(0, width),
            boxes[:, 3].clip(0, height),
        ],
        axis=1,
    )


def merge_overlapping(boxes: Boxes) -> Boxes:
    """Bounding boxes of the groups of boxes that touch each other, until none touch."""
    merged: list[NDArray[np.float64]] = []
    for box in boxes:
        current = box.copy()
        changed = True
        while changed:
            changed = False
            for index, other in enumerate(merged):
                if (current[:2] < other[2:]).all() and (other[:2] < current[2:]).all():
                    current = np.concatenate([np.minimum(current[:2], other[:2]), np.maximum(current[2:], other[2:])])
                    merged.pop(index)
                    changed = True
                    break
        merged.append(current)
    return np.array(merged, float).reshape(-1, 4)
