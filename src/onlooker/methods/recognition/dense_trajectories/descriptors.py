"""HOG, HOF and MBH: histograms of orientations in the cells of a patch, read from integral images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.farneback import Flow, Plane

BINS = 8
PATCH, CELLS = 32, 2

Integral = NDArray[np.float64]
Points = NDArray[np.float32]


def gradients(image: NDArray[Any]) -> tuple[Plane, Plane]:
    """Central differences [-1, 0, 1] in x and y, without smoothing."""
    return (
        np.asarray(cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1), np.float32),
        np.asarray(cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1), np.float32),
    )


def integral(dx: Plane, dy: Plane, min_length: float | None = None) -> Integral:
    """Integral image (height + 1, width + 1, bins) of orientation histograms of a vector field.

    Each vector's length is shared between the two nearest of 8 bins over the full circle; bin 0 points along x, and
    angles grow towards y. With `min_length` a ninth bin counts the vectors that are no longer than that.
    """
    height, width = dx.shape
    bins = BINS if min_length is None else BINS + 1
    length, angle = cv2.cartToPolar(dx, dy)
    angle *= np.float32(BINS / (2 * np.pi))
    low = np.floor(angle)
    share = angle - low
    first = low.astype(np.intp)
    first &= BINS - 1
    second = first + 1
    second &= BINS - 1
    histograms = np.zeros((height, width, bins), np.float32)
    if min_length is not None:
        still = length <= min_length
        histograms[..., BINS] = still
        length *= ~still
    flat, start = histograms.reshape(-1), np.arange(0, height * width * bins, bins).reshape(height, width)
    share *= length
    first += start
    second += start
    flat[first] = length - share
    flat[second] = share
    return np.asarray(cv2.integral(histograms, sdepth=cv2.CV_64F)).reshape(height + 1, width + 1, bins)


def corners(points: Points, width: int, height: int) -> NDArray[np.intp]:
    """Top left (n, 2) of the patches around points (x, y), moved into the picture."""
    half = PATCH // 2
    return np.clip(np.rint(points).astype(np.intp) - half, 0, np.maximum([width - PATCH, height - PATCH], 0))


def describe(sums: Integral, top_left: NDArray[np.intp], epsilon: float = 0.05) -> NDArray[np.float32]:
    """A vector (n, 4 * bins) for each patch: its cells' histograms, x slow and y fast, to sqrt(v / sum v)."""
    width, bins = sums.shape[1:]
    edges = np.arange(CELLS + 1) * (PATCH // CELLS)
    start = top_left[:, 1] * width + top_left[:, 0]
    offsets = (edges[:, None] + edges[None, :] * width).reshape(-1)
    found = np.take(sums.reshape(-1, bins), start[:, None] + offsets, axis=0).reshape(-1, CELLS + 1, CELLS + 1, bins)
    rows = found[:, 1:] - found[:, :-1]
    cells = (rows[:, :, 1:] - rows[:, :, :-1]).reshape(len(top_left), CELLS * CELLS * bins).astype(np.float32)
    np.maximum(cells, 0, out=cells)
    cells += np.float32(epsilon)
    cells /= cells.sum(axis=1, keepdims=True)
    np.sqrt(cells, out=cells)
    return np.asarray(cells, np.float32)


def frame_integrals(grey: NDArray[np.uint8], flow: Flow, min_flow: float) -> tuple[Integral, ...]:
    """Integral images of one level for hog, hof, mbh_x and mbh_y."""
    across, down = (np.ascontiguousarray(flow[..., axis]) for axis in (0, 1))
    return (
        integral(*gradients(grey)),
        integral(across, down, min_flow),
        integral(*gradients(across)),
        integral(*gradients(down)),
    )
