"""From boxes to what every cell of the heat map should say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.detection.small_people.config import STRIDE

SPREAD = 0.54 / 6  # standard deviation of a box's blob in sides of the box: alpha 0.54 of arXiv:1909.00700
LEAST = 0.35  # ... but at least so many cells
CORE = 0.2  # cells whose blob is at least so high learn the box


def make_targets(
    boxes: NDArray[np.floating], ignore: NDArray[np.floating], size: tuple[int, int]
) -> dict[str, NDArray[np.float32]]:
    """`boxes` and `ignore` (n, 4) xyxy pixels in a picture of `size` (height, width).

    `heat` (1, rows, columns): an elliptical blob for each box, 1 at its middle cell; `keep` (rows, columns): 0 where
    boxes to ignore lie and nobody else's blob; `sides` (4, rows, columns): distances in cells to left, top, right,
    bottom of the box that a cell belongs to; `weight` (rows, columns): how much each cell's box counts, 1 a person.

    >>> made = make_targets(np.array([[0.0, 0, 16, 32]]), np.zeros((0, 4)), (64, 64))
    >>> float(made["heat"].max()), float(made["weight"].sum())
    (1.0, 1.0)
    """
    rows, columns = size[0] // STRIDE, size[1] // STRIDE
    heat = np.zeros((rows, columns), np.float32)
    keep = np.ones((rows, columns), np.float32)
    sides = np.ones((4, rows, columns), np.float32)
    weight = np.zeros((rows, columns), np.float32)
    for x1, y1, x2, y2 in np.asarray(ignore, float) / STRIDE:
        keep[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = 0
    y, x = np.arange(rows)[:, None] + 0.5, np.arange(columns)[None] + 0.5
    cells = np.asarray(boxes, float) / STRIDE
    # the smallest last: where two share cells, the cells learn the smaller one
    for x1, y1, x2, y2 in cells[np.argsort(-(cells[:, 2] - cells[:, 0]) * (cells[:, 3] - cells[:, 1]), kind="stable")]:
        column = min(int((x1 + x2) / 2), columns - 1)
        row = min(int((y1 + y2) / 2), rows - 1)
        across = max(SPREAD * (x2 - x1), LEAST)
        down = max(SPREAD * (y2 - y1), LEAST)
        blob = np.exp(-(((x - column - 0.5) / across) ** 2 + ((y - row - 0.5) / down) ** 2) / 2).astype(np.float32)
        blob[row, column] = 1.0
        heat = np.maximum(heat, blob)
        core = blob >= CORE
        keep[core] = 1
        sides[:, core] = np.stack(np.broadcast_arrays(x - x1, y - y1, x2 - x, y2 - y))[:, core]
        weight[core] = blob[core] / blob[core].sum()
    return {"heat": heat[None], "keep": keep, "sides": sides, "weight": weight}
