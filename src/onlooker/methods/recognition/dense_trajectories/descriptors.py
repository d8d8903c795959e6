"""HOG, HOF and MBH: histograms of orientations in the four cells of a patch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.farneback import Flow, Plane, Planes
from onlooker.methods.recognition.dense_trajectories.memory import aligned

BINS = 8
PATCH, CELLS = 32, 2
QUARTERS = CELLS * CELLS
HOG, HOF, MBH_X, MBH_Y = range(4)
WIDTHS = tuple(bins * QUARTERS for bins in (BINS, BINS + 1, BINS, BINS))
"""Numbers of hog, hof, mbh_x and mbh_y of one patch."""
ENDS = (0, *np.cumsum(WIDTHS).tolist())
AT_ONCE = 40_000
"""Pixels in one step: more are out of the processor's cache before the next step, fewer cost more in calls."""

Points = NDArray[np.float32]
Places = NDArray[np.intp]


def vectors(pictures: Sequence[NDArray[Any]], chosen: Sequence[int]) -> tuple[Planes, Planes]:
    """The vector fields that histograms are made of, dx and dy (fields, height, width) of those that are chosen.

    `pictures` are the grey picture and the flow's x and y. The fields are the gradients of the picture, the flow, and
    the gradients of its x and of its y. Gradients are central differences [-1, 0, 1] without smoothing.
    """
    grey, *flow = pictures
    dx, dy = (aligned(len(chosen), *grey.shape) for _ in range(2))
    for number, across, down in zip(chosen, dx, dy, strict=True):
        if number == HOF:
            across[:], down[:] = flow
            continue
        image = grey if number == HOG else flow[number - MBH_X]
        cv2.Sobel(image, cv2.CV_32F, 1, 0, dst=across, ksize=1)
        cv2.Sobel(image, cv2.CV_32F, 0, 1, dst=down, ksize=1)
    return dx, dy


def drop_small(dx: Plane, dy: Plane, least: float) -> Plane:
    """Set vectors to zero that are no longer than that; gives 1 where that was so, else 0."""
    large = np.asarray(cv2.threshold(cv2.magnitude(dx, dy), least, 1, cv2.THRESH_BINARY)[1], np.float32)
    dx *= large
    dy *= large
    return np.subtract(1, large, out=large)


def histograms(dx: Planes, dy: Planes) -> Iterator[Planes]:
    """Orientation histogram of every vector, an array for each of 8 bins; the next overwrites the last.

    Each vector's length is shared between the two nearest bins over the full circle; bin 0 points along x, and angles
    grow towards y.
    """
    length, apart, share = (aligned(*dx.shape) for _ in range(3))
    cv2.cartToPolar(dx, dy, magnitude=length, angle=apart)
    apart *= np.float32(BINS / (2 * np.pi))
    np.subtract(BINS, apart, out=share)
    np.minimum(apart, share, out=share)  # the full circle is near bin 0 too
    share *= length
    # length times max(0, 1 - distance between angle and bin), where `apart` is length times that distance, signed
    apart *= length
    for number in range(BINS):
        if number:
            apart -= length
            np.abs(apart, out=share)
        np.subtract(length, share, out=share)
        cv2.threshold(share, 0, 0, cv2.THRESH_TOZERO, dst=share)
        yield share


def cell_sums(plane: Plane, spare: Plane, width: int) -> Plane:
    """Sums over cells of 16 x 16 pixels, at the pixel where each begins; overwrites both arrays.

    Pictures of that width, one below the other, are given as one row of numbers: sums over 2, 4, 8 and 16 of them come
    from adding it to itself, moved. What is near the right and lower border is wrong, but no cell begins there.
    """
    side = PATCH // CELLS
    count = len(plane)
    for step in (unit * 2**power for unit in (1, width) for power in range(side.bit_length() - 1)):
        count -= step
        np.add(plane[:count], plane[step : count + step], out=spare[:count])
        plane, spare = spare, plane
    return plane


def corners(points: Points, width: int, height: int) -> Places:
    """Top left (n, 2) of the patches around points (x, y), moved into the picture."""
    half = PATCH // 2
    return np.clip(np.rint(points).astype(np.intp) - half, 0, np.maximum([width - PATCH, height - PATCH], 0))


def describe(
    grey: NDArray[Any], flow: Flow, top_left: Places, min_flow: float = 0.4, epsilon: float = 0.05
) -> NDArray[np.float32]:
    """What n patches hold: hog, hof, mbh_x and mbh_y, one below the other (132, n), each scaled to sqrt(v / sum v).

    Of each, bins are slow, cells x then cells y are fast; the ninth bin of hof counts flow no longer than `min_flow`.
    Patches are last, so that every step runs along memory.
    """
    found = aligned(ENDS[-1], len(top_left))
    pictures = (grey, *cv2.split(flow))
    together = 1 + (2 * grey.size <= AT_ONCE) + 2 * (4 * grey.size <= AT_ONCE)
    for first in range(0, len(WIDTHS), together):
        _gather(pictures, range(first, first + together), top_left, min_flow, found)
    for start, stop in pairwise(ENDS):
        kind = found[start:stop]
        kind += np.float32(epsilon)
        kind /= kind.sum(axis=0)
        np.sqrt(kind, out=kind)
    return found


def _gather(
    pictures: Sequence[NDArray[Any]], chosen: range, top_left: Places, min_flow: float, into: NDArray[np.float32]
) -> None:
    """The sums of the cells of all patches for the chosen kinds."""
    side, (height, width) = PATCH // CELLS, pictures[0].shape
    size = height * width
    offsets = np.array([0, side * width, side, side * width + side])
    places = top_left[:, 1] * width + top_left[:, 0] + offsets[:, None]
    spare = aligned(len(chosen) * size)
    dx, dy = vectors(pictures, chosen)
    if HOF in chosen:
        small = drop_small(dx[chosen.index(HOF)], dy[chosen.index(HOF)], min_flow).reshape(-1)
        rows = into[ENDS[HOF + 1] - QUARTERS : ENDS[HOF + 1]]
        np.take(cell_sums(small, spare[:size], width), places, out=rows, mode="clip")
    for number, shares in enumerate(histograms(dx, dy)):
        sums = cell_sums(shares.reshape(-1), spare, width).reshape(len(chosen), size)
        for kind, plane in zip(chosen, sums, strict=True):
            first = ENDS[kind] + QUARTERS * number
            np.take(plane, places, out=into[first : first + QUARTERS], mode="clip")
