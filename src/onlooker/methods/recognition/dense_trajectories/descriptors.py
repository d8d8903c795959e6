"""HOG, HOF and MBH: histograms of orientations in the four cells of a patch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.farneback import Flow, Plane

BINS = 8
PATCH, CELLS = 32, 2

Points = NDArray[np.float32]


def gradients(image: NDArray[Any]) -> tuple[Plane, Plane]:
    """Central differences [-1, 0, 1] in x and y, without smoothing."""
    return (
        np.asarray(cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=1), np.float32),
        np.asarray(cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=1), np.float32),
    )


def histograms(dx: Plane, dy: Plane, min_length: float | None = None) -> Iterator[Plane]:
    """Orientation histogram of every pixel of a vector field, one plane for each bin; the next overwrites the last.

    Each vector's length is shared between the two nearest of 8 bins over the full circle; bin 0 points along x, and
    angles grow towards y. With `min_length` a ninth bin counts the vectors that are no longer than that.
    """
    length, apart = cv2.cartToPolar(dx, dy)
    still = None if min_length is None else length <= min_length
    if still is not None:
        length *= ~still
    apart *= np.float32(BINS / (2 * np.pi))
    plane = np.minimum(apart, BINS - apart)  # the full circle is near bin 0 too
    plane *= length
    # length times max(0, 1 - distance between angle and bin), where `apart` is length times that distance, signed
    apart *= length
    for number in range(BINS):
        if number:
            apart -= length
            np.abs(apart, out=plane)
        np.subtract(length, plane, out=plane)
        cv2.threshold(plane, 0, 0, cv2.THRESH_TOZERO, dst=plane)
        yield plane
    if still is not None:
        np.copyto(plane, still)
        yield plane


def corners(points: Points, width: int, height: int) -> NDArray[np.intp]:
    """Top left (n, 2) of the patches around points (x, y), moved into the picture."""
    half = PATCH // 2
    return np.clip(np.rint(points).astype(np.intp) - half, 0, np.maximum([width - PATCH, height - PATCH], 0))


def describe(planes: Iterable[Plane], top_left: NDArray[np.intp], epsilon: float = 0.05) -> NDArray[np.float32]:
    """Vectors (bins, 4, n) of n patches of a histogram's planes: cells x slow and y fast, to sqrt(v / sum v).

    Bin by bin, so that a plane and its sums over cells of 16 x 16 pixels stay in the processor's cache, which integral
    images of all bins do not; and patches last, so that every step runs along memory.
    """
    side = PATCH // CELLS
    found, sums, places = [], None, None
    for plane in planes:
        if places is None:
            width = plane.shape[1]
            offsets = np.array([0, side * width, side, side * width + side])
            places = (top_left[:, 1] * width + top_left[:, 0]) + offsets[:, None]
        # each pixel gets the sum of the cell that begins there; wrong near the right and lower border, where none does
        sums = cv2.boxFilter(plane, cv2.CV_32F, (side, side), dst=sums, anchor=(0, 0), normalize=False)
        found.append(np.take(sums, places))
    cells = np.stack(found)
    np.maximum(cells, 0, out=cells)
    cells += np.float32(epsilon)
    cells /= cells.reshape(len(found) * CELLS**2, len(top_left)).sum(axis=0)
    return np.asarray(np.sqrt(cells, out=cells), np.float32)


def frame_histograms(grey: NDArray[np.uint8], flow: Flow, min_flow: float) -> Iterator[Iterator[Plane]]:
    """Histograms of one level for hog, hof, mbh_x and mbh_y."""
    across, down = cv2.split(flow)
    yield histograms(*gradients(grey))
    yield histograms(across, down, min_flow)
    yield histograms(*gradients(across))
    yield histograms(*gradients(down))
