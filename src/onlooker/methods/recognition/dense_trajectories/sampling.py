"""Where new tracks start: a dense grid, except on flat ground and where a track is already."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.pyramid import Grey

Points = NDArray[np.float32]


def sample(grey: Grey, taken: Points, step: int = 5, quality: float = 0.001) -> Points:
    """Centres (n, 2) in x and y of the cells of `step` pixels that have texture and hold none of the points `taken`.

    A cell has texture when the smaller eigenvalue of the gradients' moments at its centre exceeds `quality` times the
    largest one of the picture. Only whole cells count; they are given row by row.

    >>> sample(np.zeros((20, 20), np.uint8), np.zeros((0, 2), np.float32)).shape
    (0, 2)
    """
    height, width = grey.shape
    rows, columns = height // step, width // step
    strength = cv2.cornerMinEigenVal(grey, 3, ksize=3)
    centre = step // 2
    textured = strength[centre::step, centre::step][:rows, :columns] > quality * strength.max()
    cells = np.floor(taken).astype(np.intp) // step
    cells = cells[(cells[:, 0] < columns) & (cells[:, 1] < rows) & (cells >= 0).all(axis=1)]
    textured[cells[:, 1], cells[:, 0]] = False
    found = np.argwhere(textured)[:, ::-1]
    return (found * step + centre).astype(np.float32)
