"""Boxes in NumPy: overlaps and the conventions of other people's files.

Here a box is continuous `x1, y1, x2, y2`: the picture spans [0, width] x [0, height], and a box of one pixel at the
top left is (0, 0, 1, 1). Everything else is converted at the border by `to_xyxy` and `from_xyxy`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float64]

# xywh: left, top, width, height; mot: the same with the first pixel at 1; inclusive: x2 and y2 are the last pixel
# inside; cxcywh: centre and size; unit: xyxy divided by the picture's size
Form = Literal["xyxy", "xywh", "mot", "inclusive", "cxcywh", "unit"]


def to_xyxy(boxes: ArrayLike, form: Form, size: tuple[float, float] | None = None) -> Boxes:
    """Boxes (n, 4) of another form as continuous xyxy; `size` is (width, height), needed for "unit".

    >>> to_xyxy([[1, 1, 10, 20]], "mot")
    array([[ 0.,  0., 10., 20.]])
    """
    b = as_boxes(boxes)
    first, second = b[:, :2], b[:, 2:]
    match form:
        case "xyxy":
            return b.copy()
        case "xywh":
            return np.concatenate([first, first + second], axis=1)
        case "mot":
            return np.concatenate([first - 1, first - 1 + second], axis=1)
        case "inclusive":
            return np.concatenate([first, second + 1], axis=1)
        case "cxcywh":
            return np.concatenate([first - second / 2, first + second / 2], axis=1)
        case "unit":
            return b * _scale(size)


def from_xyxy(boxes: ArrayLike, form: Form, size: tuple[float, float] | None = None) -> Boxes:
    """The inverse of `to_xyxy`."""
    b = as_boxes(boxes)
    first, second = b[:, :2], b[:, 2:]
    match form:
        case "xyxy":
            return b.copy()
        case "xywh":
            return np.concatenate([first, second - first], axis=1)
        case "mot":
            return np.concatenate([first + 1, second - first], axis=1)
        case "inclusive":
            return np.concatenate([first, second - 1], axis=1)
        case "cxcywh":
            return np.concatenate([(first + second) / 2, second - first], axis=1)
        case "unit":
            return b / _scale(size)


def area(boxes: ArrayLike) -> NDArray[np.float64]:
    """Areas (n,); 0 for boxes of negative size."""
    b = as_boxes(boxes)
    return np.asarray(np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1))


def intersection(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Common area (n, m) of every box of `a` with every box of `b`."""
    left, right = as_boxes(a)[:, None], as_boxes(b)[None]
    extent = np.minimum(left[..., 2:], right[..., 2:]) - np.maximum(left[..., :2], right[..., :2])
    return np.asarray(np.clip(extent, 0, None).prod(axis=-1))


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union (n, m) of continuous xyxy boxes; 0 where both are empty.

    >>> iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]])
    array([[0.33333333, 0.        ]])
    """
    common = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - common
    return _ratio(common, union)


def cover(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Which part (n, m) of each box of `a` lies inside each box of `b`: intersection over the area of `a`."""
    return _ratio(intersection(a, b), np.broadcast_to(area(a)[:, None], (len(as_boxes(a)), len(as_boxes(b)))))


def as_boxes(boxes: ArrayLike) -> Boxes:
    """Float64 (n, 4), also for an empty list."""
    return np.asarray(boxes, np.float64).reshape(-1, 4)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _scale(size: tuple[float, float] | None) -> NDArray[np.float64]:
    if size is None:
        from onlooker.errors import ConfigError

        raise ConfigError('boxes of form "unit" need size=(width, height) of the picture.')
    return np.array([*size, *size], np.float64)
