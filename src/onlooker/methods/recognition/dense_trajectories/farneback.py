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


@dataclass(frozen=True, slots=True)
class Expansion:
    """Quadratic coefficients of one level, a plane each: of x, y, x², y² and xy."""

    x: Plane
    y: Plane
    xx: Plane
    yy: Plane
    xy: Plane


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
    return Expansion(
        filtered(gx, g, first),
        filtered(g, gx, first),
        cv2.add(mean, filtered(gxx, g, pure)),
        cv2.add(mean, filtered(g, gxx, pure)),
        filtered(gx, gx, cross),
    )


def flows(before: list[Expansion], after: list[Expansion]) -> list[Flow]:
    """Flow (height, width, 2) in x and y, in pixels of each level, from coarse to fine; given finest first."""
    found: list[Flow] = []
    flow: Flow | None = None
    for first, second in zip(reversed(before), reversed(after), strict=True):
        height, width = first.x.shape
        if flow is None:
            start = np.zeros((height, width, 2), np.float32)
        else:
            start = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) * np.float32(FACTOR)
        flow = _refine(first, second, start)
        found.append(flow)
    return found[::-1]


def _refine(first: Expansion, second: Expansion, flow: Flow) -> Flow:
    dx, dy = cv2.split(flow)
    for _ in range(ITERATIONS):
        dx, dy = _solve(*(_average(plane) for plane in _equations(first, second, dx, dy)))
    return np.asarray(cv2.merge((cv2.medianBlur(dx, MEDIAN), cv2.medianBlur(dy, MEDIAN))))


def _average(plane: Plane) -> Plane:
    side = 2 * WINDOW + 1
    return np.asarray(cv2.GaussianBlur(plane, (side, side), 0.3 * WINDOW, borderType=cv2.BORDER_REPLICATE))


def _equations(first: Expansion, second: Expansion, dx: Plane, dy: Plane) -> tuple[Plane, ...]:
    """4 A'A (three planes) and 4 A'b (two) of every pixel for the displacement found so far; works in place."""
    height, width = dx.shape
    columns, rows = _grid(width, height)
    x, y = dx + columns, dy + rows
    outside = (x < 0) | (x >= width - 1) | (y < 0) | (y >= height - 1)
    whole, part = cv2.convertMaps(x, y, cv2.CV_16SC2)
    moved = [
        cv2.remap(plane, whole, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for plane in (second.x, second.y, second.xx, second.yy, second.xy)
    ]
    # twice the means of both frames' matrices; outside there is only the first frame's
    for plane, own in zip(moved, (None, None, first.xx, first.yy, first.xy), strict=True):
        np.copyto(plane, 0 if own is None else own, where=outside)
    bx, by, xx, yy, xy = moved
    np.subtract(first.x, bx, out=bx)
    np.subtract(first.y, by, out=by)
    xx += first.xx
    yy += first.yy
    xy += first.xy
    xy *= 0.5
    bx += np.multiply(xx, dx, out=x)
    bx += np.multiply(xy, dy, out=x)
    by += np.multiply(xy, dx, out=x)
    by += np.multiply(yy, dy, out=x)
    trust = _trust(width, height)
    for plane in moved:
        plane *= trust
    u, v, b = xx * bx, xy * bx, xx + yy
    u += np.multiply(xy, by, out=x)
    v += np.multiply(yy, by, out=x)
    b *= xy
    xx *= xx
    yy *= yy
    xy *= xy
    xx += xy
    yy += xy
    return xx, b, yy, u, v


def _solve(a: Plane, b: Plane, c: Plane, u: Plane, v: Plane) -> tuple[Plane, Plane]:
    """The 2 x 2 systems by Cramer's rule; the sixteenfold determinant gets a sixteenfold regulariser."""
    determinant = a * c
    determinant -= b * b
    determinant += np.float32(16 * REGULAR)
    dx, dy = c * u, a * v
    dx -= np.multiply(b, v, out=c)
    dy -= np.multiply(b, u, out=c)
    dx /= determinant
    dy /= determinant
    return dx, dy


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
