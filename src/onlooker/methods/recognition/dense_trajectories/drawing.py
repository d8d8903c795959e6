"""Trajectories as lines over a frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.rows import Trajectories

_FINE = 4
"""Lines are drawn to a sixteenth of a pixel."""


def draw(image: NDArray[np.uint8], found: Trajectories, *, zoom: int = 2) -> NDArray[np.uint8]:
    """The frame, `zoom` times as large, with each path in green that brightens with time and a red dot at its end.

    >>> draw(np.zeros((40, 50, 3), np.uint8), Trajectories.none()).shape
    (80, 100, 3)
    """
    height, width = image.shape[:2]
    canvas = cv2.resize(image, (width * zoom, height * zoom), interpolation=cv2.INTER_LINEAR)
    paths = np.rint((found.points + 0.5) * zoom * 2**_FINE).astype(np.int32)
    steps = paths.shape[1] - 1
    for step in range(steps):
        lines = list(paths[:, step : step + 2])
        shade = 80 + round(175 * (step + 1) / steps)
        cv2.polylines(canvas, lines, isClosed=False, color=(0, shade, 0), lineType=cv2.LINE_AA, shift=_FINE)
    for x, y in paths[:, -1]:
        cv2.circle(canvas, (int(x), int(y)), 1 << _FINE, (255, 40, 0), -1, cv2.LINE_AA, _FINE)
    return np.asarray(canvas, np.uint8)
