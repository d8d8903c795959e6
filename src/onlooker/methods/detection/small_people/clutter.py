"""Pictures of nothing: soft colours, stripes, edges, blocks and posts, in which nobody stands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def clutter(height: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random picture uint8 RGB `(height, width, 3)`.

    >>> clutter(20, 30, np.random.default_rng(0)).shape
    (20, 30, 3)
    """
    canvas = np.full((height, width, 3), rng.uniform(0, 255, 3), np.float32)
    for cells in (3, 9, 30, 80):
        coarse = rng.standard_normal((cells, cells, 3 if rng.random() < 0.4 else 1), np.float32) * rng.uniform(0, 40)
        soft = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        canvas += soft if soft.ndim == 3 else soft[..., None]
    image = canvas.clip(0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 30))):
        _draw(image, rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.5)))
    return np.ascontiguousarray(image)


def _draw(image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    colour = tuple(int(v) for v in rng.integers(0, 256, 3))
    x, y = int(rng.integers(width)), int(rng.integers(height))
    reach = float(np.exp(rng.uniform(np.log(0.02), np.log(0.5))))
    wide, tall = max(int(width * reach * rng.uniform(0.2, 1)), 1), max(int(height * reach * rng.uniform(0.2, 1)), 1)
    kind = rng.random()
    if kind < 0.3:
        cv2.rectangle(image, (x, y), (x + wide, y + tall), colour, -1)
    elif kind < 0.45:  # posts and trunks
        cv2.rectangle(image, (x, y), (x + max(wide // 6, 1), y + 3 * tall), colour, -1)
    elif kind < 0.65:
        end = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.line(image, (x, y), end, colour, int(rng.integers(1, 8)), cv2.LINE_AA)
    elif kind < 0.8:
        cv2.ellipse(image, (x, y), (wide, tall), float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    else:  # shelves, fences, windows
        step = int(rng.integers(4, 24))
        upright = rng.random() < 0.6
        for at in range(0, 2 * (wide if upright else tall), step):
            begin = (x + at, y) if upright else (x, y + at)
            end = (x + at, y + 2 * tall) if upright else (x + 2 * wide, y + at)
            cv2.line(image, begin, end, colour, max(step // 5, 1))
