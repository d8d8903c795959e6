"""Farnebäck's optical flow on the pyramid of the tracker, median-filtered at every level.

G. Farnebäck, *Two-Frame Motion Estimation Based on Polynomial Expansion*, SCIA 2003: each neighbourhood is fitted with
a quadratic f(x) = x'Ax + b'x + c; if the second frame is the first one moved by d, then A d = -(b2 - b1) / 2, which is
averaged over a window and solved. OpenCV's own function has another pyramid and no median filter, and cannot keep a
frame's expansion, which here serves three times: as current, as previous, and against the warped frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.pyramid import FACTOR, Grey, Level

RADIUS, SIGMA = 7, 1.5
WINDOW, ITERATIONS, MEDIAN = 5, 2, 5
REGULAR = 1e-3
BORDER = (0.14, 0.14, 0.4472, 0.4472, 0.4472)
"""Less trust in the five pixels along each border."""

Plane = NDArray[np.float32]
Flow = NDArray[np.float32]
Equations = tuple[Plane, Plane, Plane, Plane, Plane]


@dataclass(frozen=True, slots=True)
class Expansion:
    """Quadratic coefficients of one level, a plane each: of x, y, x², y² and xy.

    `joined` (height, width, 4) holds the first four again: looking up four numbers at a place costs little more than
    looking up one.
    """

    x: Plane
    y: Plane
    xx: Plane
    yy: Plane
    xy: Plane
    joined: Plane


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
def _basis() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], tuple[float, ...]]:
    """Gaussian weights g, g x, g x², and the entries of the inverse moment matrix that are not zero."""
    x = np.arange(-RADIUS, RADIUS + 1, dtype=np.float64)
    g = np.exp(-(x**2) / (2 * SIGMA**2))
    g /= g.sum()
    second, fourth = (g * x**2).sum(), (g * x**4).sum()
    moments = np.array([[1, second, second], [second, fourth, second**2], [second, second**2, fourth]])
    inverse = np.linalg.inv(moments)
    return g, g * x, g * x**2, (1 / second, float(inverse[0, 1]), float(inverse[1, 1]), 1 / second**2)


def _expand(image: Plane) -> Expansion:
    g, gx, gxx, (first, mixed, pure, cross) = _basis()

    def filtered(across: NDArray[np.float64], down: NDArray[np.float64], gain: float = 1.0) -> Plane:
        return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, across * gain, down, borderType=cv2.BORDER_REPLICATE))

    mean = filtered(g, g, mixed)
    x, y = filtered(gx, g, first), filtered(g, gx, first)
    xx, yy = cv2.add(mean, filtered(gxx, g, pure)), cv2.add(mean, filtered(g, gxx, pure))
    return Expansion(x, y, xx, yy, filtered(gx, gx, cross), cv2.merge((x, y, xx, yy)))


class Room:
    """Arrays that computing the flow writes to, over and over. One serves one thread."""

    def __init__(self) -> None:
        self._desks: dict[tuple[int, int], _Desk] = {}

    def desk(self, height: int, width: int) -> _Desk:
        """Those of a level."""
        if (height, width) not in self._desks:
            self._desks[height, width] = _Desk(height, width)
        return self._desks[height, width]


class _Desk:
    """Of one level: places, looked-up coefficients, what becomes of them, and masks."""

    def __init__(self, height: int, width: int) -> None:
        self.planes = np.empty((11, height, width), np.float32)
        self.masks = np.empty((2, height, width), np.bool_)
        self.joined = np.empty((height, width, 4), np.float32)


def flows(before: list[Expansion], after: list[Expansion], room: Room | None = None) -> list[Flow]:
    """Flow (height, width, 2) in x and y, in pixels of each level, from coarse to fine; given finest first."""
    room = room or Room()
    found: list[Flow] = []
    flow: Flow | None = None
    for first, second in zip(reversed(before), reversed(after), strict=True):
        height, width = first.x.shape
        if flow is None:
            start = np.zeros((height, width, 2), np.float32)
        else:
            start = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
            start *= np.float32(FACTOR)
        flow = _refine(first, second, start, room.desk(height, width))
        found.append(flow)
    return found[::-1]


def _refine(first: Expansion, second: Expansion, flow: Flow, desk: _Desk) -> Flow:
    dx, dy = cv2.split(flow)
    for _ in range(ITERATIONS):
        equations = _equations(first, second, dx, dy, desk)
        for plane in equations:
            _average(plane)
        _solve(*equations, desk.planes[0], dx, dy)
    return np.asarray(cv2.merge((cv2.medianBlur(dx, MEDIAN), cv2.medianBlur(dy, MEDIAN))))


def _average(plane: Plane) -> None:
    side = 2 * WINDOW + 1
    cv2.GaussianBlur(plane, (side, side), 0.3 * WINDOW, dst=plane, borderType=cv2.BORDER_REPLICATE)


def _equations(first: Expansion, second: Expansion, dx: Plane, dy: Plane, desk: _Desk) -> Equations:
    """4 A'A (three planes) and 4 A'b (two) of every pixel for the displacement found so far."""
    height, width = dx.shape
    x, y, bx, by, xx, yy, xy, u, v, b, spare = desk.planes
    columns, rows = _grid(width, height)
    np.add(dx, columns, out=x)
    np.add(dy, rows, out=y)
    _look_up(second, (bx, by, xx, yy, xy), x, y, desk.joined)
    outside = _outside(x, y, desk.masks)
    # twice the means of both frames' matrices; outside there is only the first frame's
    for plane, own in ((bx, None), (by, None), (xx, first.xx), (yy, first.yy), (xy, first.xy)):
        np.copyto(plane, 0 if own is None else own, where=outside)
    np.subtract(first.x, bx, out=bx)
    np.subtract(first.y, by, out=by)
    xx += first.xx
    yy += first.yy
    xy += first.xy
    xy *= 0.5
    bx += np.multiply(xx, dx, out=spare)
    bx += np.multiply(xy, dy, out=spare)
    by += np.multiply(xy, dx, out=spare)
    by += np.multiply(yy, dy, out=spare)
    trust = _trust(width, height)
    for plane in (bx, by, xx, yy, xy):
        plane *= trust
    np.multiply(xx, bx, out=u)
    u += np.multiply(xy, by, out=spare)
    np.multiply(xy, bx, out=v)
    v += np.multiply(yy, by, out=spare)
    np.add(xx, yy, out=b)
    b *= xy
    xx *= xx
    yy *= yy
    xy *= xy
    xx += xy
    yy += xy
    return xx, b, yy, u, v


def _look_up(of: Expansion, into: tuple[Plane, ...], x: Plane, y: Plane, joined: Plane) -> None:
    """The coefficients at places between pixels; those of the border outside."""
    cv2.split(cv2.remap(of.joined, x, y, cv2.INTER_LINEAR, dst=joined, borderMode=cv2.BORDER_REPLICATE), into[:4])
    np.copyto(into[4], cv2.remap(of.xy, x, y, cv2.INTER_LINEAR, dst=into[4], borderMode=cv2.BORDER_REPLICATE))


def _outside(x: Plane, y: Plane, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which pixels look for their like where the second frame has none."""
    height, width = x.shape
    found: NDArray[np.bool_] = np.less(x, 0, out=masks[0])
    for plane, compare, limit in ((x, np.greater_equal, width - 1), (y, np.less, 0), (y, np.greater_equal, height - 1)):
        found |= compare(plane, limit, out=masks[1])
    return found


def _solve(a: Plane, b: Plane, c: Plane, u: Plane, v: Plane, spare: Plane, dx: Plane, dy: Plane) -> None:
    """The 2 x 2 systems by Cramer's rule, into dx and dy; sixteenfold determinants get a sixteenfold regulariser."""
    np.multiply(c, u, out=dx)
    dx -= np.multiply(b, v, out=spare)
    np.multiply(a, v, out=dy)
    dy -= np.multiply(b, u, out=spare)
    a *= c
    a -= np.multiply(b, b, out=b)
    a += np.float32(16 * REGULAR)
    dx /= a
    dy /= a


@lru_cache(maxsize=64)
def _grid(width: int, height: int) -> tuple[Plane, Plane]:
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return columns, rows


@lru_cache(maxsize=64)
def _trust(width: int, height: int) -> Plane:
    def along(size: int) -> Plane:
        weights = np.ones(size, np.float32)
        for place, weight in enumerate(BORDER[:size]):
            weights[place] *= weight
            weights[size - 1 - place] *= weight
        return weights

    return np.outer(along(height), along(width))
