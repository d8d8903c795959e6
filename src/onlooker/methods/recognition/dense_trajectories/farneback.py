"""Farnebäck's optical flow on the pyramid of the tracker, median-filtered at every level.

G. Farnebäck, *Two-Frame Motion Estimation Based on Polynomial Expansion*, SCIA 2003: each neighbourhood is fitted with
a quadratic f(x) = x'Ax + b'x + c; if the second frame is the first one moved by d, then A d = -(b2 - b1) / 2, which is
averaged over a window and solved. OpenCV's own function has another pyramid and no median filter, and cannot keep a
frame's expansion, which here serves three times: as current, as previous, and against the warped frame.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.memory import aligned
from onlooker.methods.recognition.dense_trajectories.pyramid import FACTOR, Grey, Level

RADIUS, SIGMA = 7, 1.5
WINDOW, ITERATIONS, MEDIAN = 5, 2, 5
REGULAR = 1e-3
BORDER = (0.14, 0.14, 0.4472, 0.4472, 0.4472)
"""Less trust in the five pixels along each border."""
_LINEAR, _BORDER = 0, 1
"""As `grid_sample` hands them on."""

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]
Flow = NDArray[np.float32]
Equations = tuple[Plane, Plane, Plane, Plane, Plane]


Expansion = NDArray[np.float32]
"""Quadratic coefficients of one level (5, height, width): of x, y, x², y², and half of that of xy."""


def expand(frame: Grey, sizes: tuple[Level, ...]) -> list[Expansion]:
    """The expansion of a frame at every level; each level is blurred and resized from the full frame."""
    return [_expand(image) for image in _smoothed(frame, sizes)]


def _smoothed(frame: Grey, sizes: tuple[Level, ...]) -> list[Plane]:
    full = frame.astype(np.float32)
    found = []
    for level in sizes:
        sigma = (level.scale - 1) / 2
        taps = max(3, round(5 * sigma) | 1)
        blurred = cv2.GaussianBlur(full, (taps, taps), sigma)
        found.append(cv2.resize(blurred, level.size, interpolation=cv2.INTER_LINEAR))
    return found


@lru_cache(maxsize=1)
def _kernels() -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """What to filter with across and down for x, y, x², y² and half of xy.

    The fit is weighted by gaussians g(x) g(y); the moments with 1, x² and y² are mixed by an inverse matrix, of which
    only two entries matter.
    """
    x = np.arange(-RADIUS, RADIUS + 1, dtype=np.float64)
    g = np.exp(-(x**2) / (2 * SIGMA**2))
    g /= g.sum()
    second, fourth = (g * x**2).sum(), (g * x**4).sum()
    moments = np.array([[1, second, second], [second, fourth, second**2], [second, second**2, fourth]])
    inverse = np.linalg.inv(moments)
    slope, curve = g * x / second, inverse[1, 1] * g * x**2 + inverse[0, 1] * g
    return (slope, g), (g, slope), (curve, g), (g, curve), (slope / 2, slope)


def _expand(image: Plane) -> Expansion:
    found = aligned(5, *image.shape)
    for plane, (across, down) in zip(found, _kernels(), strict=True):
        cv2.sepFilter2D(image, cv2.CV_32F, across, down, dst=plane, borderType=cv2.BORDER_REPLICATE)
    return found


class Room(threading.local):
    """Arrays that computing the flow writes to, over and over: each thread has its own."""

    def __init__(self) -> None:
        self._desks: dict[tuple[int, int], _Desk] = {}

    def desk(self, height: int, width: int) -> _Desk:
        """Those of a level."""
        if (height, width) not in self._desks:
            self._desks[height, width] = _Desk(height, width)
        return self._desks[height, width]


class _Desk:
    """Of one level: two planes of places, the same as PyTorch wants them, and masks."""

    def __init__(self, height: int, width: int) -> None:
        import torch

        self.places = aligned(2, height, width)
        self.at = torch.from_numpy(self.places).permute(1, 2, 0)[None]
        self.masks = np.empty((4, height, width), np.bool_)


def flows(before: list[Expansion], after: list[Expansion], room: Room | None = None) -> list[Flow]:
    """Flow (height, width, 2) in x and y, in pixels of each level, from coarse to fine; given finest first."""
    room = room or Room()
    found: list[Flow] = []
    flow: Planes | None = None
    for first, second in zip(reversed(before), reversed(after), strict=True):
        height, width = first.shape[1:]
        start = aligned(2, height, width)
        if flow is None:
            start.fill(0)
        else:
            for coarse, fine in zip(flow, start, strict=True):
                cv2.resize(coarse, (width, height), dst=fine, interpolation=cv2.INTER_LINEAR)
            start *= np.float32(FACTOR)
        flow = _refine(first, second, start, room.desk(height, width))
        found.append(np.asarray(cv2.merge(list(flow))))
    return found[::-1]


def _refine(first: Expansion, second: Expansion, flow: Planes, desk: _Desk) -> Planes:
    picture = second[None]
    for _ in range(ITERATIONS):
        equations = _equations(first, picture, flow, desk)
        for plane in equations:
            _average(plane)
        _solve(*equations, flow)
    smooth = aligned(*flow.shape)
    for plane, into in zip(flow, smooth, strict=True):
        cv2.medianBlur(plane, MEDIAN, dst=into)
    return smooth


def _average(plane: Plane) -> None:
    side = 2 * WINDOW + 1
    cv2.GaussianBlur(plane, (side, side), 0.3 * WINDOW, dst=plane, borderType=cv2.BORDER_REPLICATE)


def _equations(first: Expansion, picture: Planes, flow: Planes, desk: _Desk) -> Equations:
    """4 A'A (three planes, the second one negative) and 4 A'b (two) of every pixel for the displacement so far."""
    (dx, dy), places = flow, desk.places
    found = _look_up(picture, flow, desk)
    outside = _outside(places, desk.masks)
    found.reshape(5, -1)[:2, outside] = 0
    found.reshape(5, -1)[2:, outside] = first.reshape(5, -1)[2:, outside]
    np.subtract(first[:2], found[:2], out=found[:2])
    found[2:] += first[2:]  # twice the means of both frames' matrices
    bx, by, xx, yy, xy = found
    for matrix, move, b in ((xx, dx, bx), (xy, dy, bx), (xy, dx, by), (yy, dy, by)):
        cv2.accumulateProduct(matrix, move, b)
    _distrust(found)
    u = cv2.multiply(xx, bx, dst=places[0])
    cv2.accumulateProduct(xy, by, u)
    by *= yy
    cv2.accumulateProduct(xy, bx, by)
    cv2.add(xx, yy, dst=bx)
    for plane in (xx, yy):
        plane *= plane
        cv2.accumulateSquare(xy, plane)
    xy *= bx
    return xx, np.negative(xy, out=xy), yy, u, by


def _look_up(picture: Planes, flow: Planes, desk: _Desk) -> Planes:
    """The coefficients (5, height, width) where the flow takes each pixel, those of the border outside.

    Sets the desk's places to where that is, from -1 to 1 across the picture and down it. PyTorch looks up between
    pixels exactly, and all planes at once; OpenCV's `remap` rounds to 32nds of a pixel.
    """
    import torch

    height, width = flow.shape[1:]
    for move, grid, place, size in zip(flow, _grid(width, height), desk.places, (width, height), strict=True):
        cv2.scaleAdd(move, 2 / (size - 1), grid, dst=place)
    found: Planes = torch.grid_sampler(torch.from_numpy(picture), desk.at, _LINEAR, _BORDER, True).numpy()[0]
    return found


def _distrust(planes: Planes) -> None:
    """Weigh the pixels along the borders down."""
    trust, margin = _trust(*planes.shape[:0:-1]), len(BORDER)
    for rows, columns in (
        (slice(margin), slice(None)),
        (slice(-margin, None), slice(None)),
        (slice(margin, -margin), slice(margin)),
        (slice(margin, -margin), slice(-margin, None)),
    ):
        planes[:, rows, columns] *= trust[rows, columns]


def _outside(places: Planes, masks: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which pixels, counted row by row, look for their like where the second frame has none."""
    np.less(places, -1, out=masks[:2])
    np.greater_equal(places, 1, out=masks[2:])
    for more in masks[1:]:
        masks[0] |= more
    return np.flatnonzero(masks[0])


def _solve(aa: Plane, ab: Plane, bb: Plane, u: Plane, v: Plane, into: Planes) -> None:
    """The 2 x 2 systems by Cramer's rule; sixteenfold determinants get a sixteenfold regulariser."""
    dx, dy = into
    cv2.multiply(bb, u, dst=dx)
    cv2.accumulateProduct(ab, v, dx)
    cv2.multiply(aa, v, dst=dy)
    cv2.accumulateProduct(ab, u, dy)
    aa *= bb
    ab *= ab
    aa -= ab
    aa += np.float32(16 * REGULAR)
    into /= aa


@lru_cache(maxsize=64)
def _grid(width: int, height: int) -> tuple[Plane, Plane]:
    """Where pixels are, from -1 to 1 across the picture and down."""
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return columns.astype(np.float32), rows.astype(np.float32)


@lru_cache(maxsize=64)
def _trust(width: int, height: int) -> Plane:
    def along(size: int) -> Plane:
        weights = np.ones(size, np.float32)
        for place, weight in enumerate(BORDER[:size]):
            weights[place] *= weight
            weights[size - 1 - place] *= weight
        return weights

    return np.outer(along(height), along(width))
