"""Polygons, boxes and segments in the plane, many points at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def edges_of(rings: Sequence[ArrayLike]) -> tuple[Array, Array]:
    """Start and end points (e, 2) of the edges of closed rings."""
    points = [np.asarray(ring, np.float64) for ring in rings]
    return np.concatenate(points), np.concatenate([np.roll(ring, -1, axis=0) for ring in points])


def signed_distance(points: Array, starts: Array, ends: Array) -> Array:
    """Distance (n,) of points (n, 2) to the nearest edge, positive inside by the even-odd rule; holes are just rings.

    >>> square = edges_of([[(0, 0), (4, 0), (4, 4), (0, 4)]])
    >>> signed_distance(np.array([[2.0, 1.0], [5.0, 2.0], [4.0, 2.0]]), *square).round(6) + 0.0
    array([ 1., -1.,  0.])
    """
    return np.asarray(signed_distances(points[:, 0], points[:, 1], starts, ends, np.array([0]))[0])


def signed_distances(x: Array, y: Array, starts: Array, ends: Array, firsts: NDArray[np.intp]) -> Array:
    """The same for several polygons at once: (p, n). Polygon i has the edges from `firsts[i]` on; `x`, `y` are (n,), or
    (e, n) where the polygons look at different points."""
    ax, ay = starts[:, :1], starts[:, 1:]
    run, rise = ends[:, :1] - ax, ends[:, 1:] - ay
    dx, dy = x - ax, y - ay
    share = np.clip((dx * run + dy * rise) / np.maximum(run**2 + rise**2, 1e-300), 0, 1)
    near = np.minimum.reduceat((dx - share * run) ** 2 + (dy - share * rise) ** 2, firsts, axis=0)
    # even-odd rule: a ray to the right crosses an odd number of edges
    spans = (ay > y) != (ends[:, 1:] > y)
    passed = spans & (dx < dy * (run / np.where(rise == 0, 1.0, rise)))
    inside = np.logical_xor.reduceat(passed, firsts, axis=0)
    return np.asarray(np.where(inside, 1.0, -1.0) * np.sqrt(near))


def common_area(boxes: Array, starts: Array, ends: Array) -> Array:
    """Area (n,) that boxes (n, 4) share with a polygon whose holes run against its outer ring (see `oriented`).

    Green's theorem on the clamped outline: the sum over edges of the integral of clamp(y) - y1 over clamped x.
    """
    x1, y1, x2, y2 = (boxes[:, i : i + 1] for i in range(4))
    run = ends[:, 0] - starts[:, 0]
    slope = np.divide(ends[:, 1] - starts[:, 1], run, out=np.zeros_like(run), where=run != 0)
    left, right = np.clip(starts[:, 0], x1, x2), np.clip(ends[:, 0], x1, x2)
    low = starts[:, 1] + slope * (left - starts[:, 0])
    high = starts[:, 1] + slope * (right - starts[:, 0])
    flat = np.abs(high - low) <= 1e-12
    steps = np.where(flat, 1.0, high - low)
    mean = np.where(flat, np.clip(low, y1, y2), (_clamp_sum(high, y1, y2) - _clamp_sum(low, y1, y2)) / steps)
    return np.asarray(np.abs(((right - left) * (mean - y1)).sum(axis=1)))


def _clamp_sum(y: Array, y1: Array, y2: Array) -> Array:
    """The integral of clamp(t, y1, y2) from y1 to y."""
    inside = np.clip(y, y1, y2)
    return (inside**2 - y1**2) / 2 + y1 * np.minimum(y - y1, 0) + y2 * np.maximum(y - y2, 0)


def oriented(rings: Sequence[ArrayLike]) -> list[Array]:
    """The first ring with positive area, the others (holes) with negative."""
    result = []
    for index, ring in enumerate(rings):
        points = np.asarray(ring, np.float64)
        positive = ring_area(points) > 0
        result.append(points if positive == (index == 0) else points[::-1])
    return result


def ring_area(ring: Array) -> float:
    """Signed area by the shoelace formula."""
    x, y = ring[:, 0], ring[:, 1]
    return float(0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def meeting(
    step: tuple[Array, Array], start: tuple[Array, Array], line: tuple[Array, Array]
) -> tuple[Any, Array, Array]:
    """Where steps meet lines, all given as x and y that broadcast: the step's vector, the line's start as seen from the
    step's, the line's vector. Returns whether they meet, at which share of the step, and the turn from step to line
    (> 0: the step goes to the line's left in a picture, whose y axis points down)."""
    turn = step[0] * line[1] - step[1] * line[0]
    safe = np.where(turn == 0, 1.0, turn)
    share = (start[0] * line[1] - start[1] * line[0]) / safe
    place = (start[0] * step[1] - start[1] * step[0]) / safe
    return (turn != 0) & (share >= 0) & (share <= 1) & (place >= 0) & (place <= 1), share, turn


def cross(a: Array, b: Array) -> float:
    """z of the cross product of two plane vectors."""
    return float(a[0] * b[1] - a[1] * b[0])


def ring_fault(ring: Sequence[Sequence[float]]) -> str | None:
    """Why a ring is not a simple polygon, None when it is."""
    points = np.asarray(ring, np.float64)
    if len(points) < 3:
        return f"has {len(points)} corners, at least 3 are needed"
    if (np.abs(points - np.roll(points, -1, axis=0)).max(axis=1) == 0).any():
        return "repeats a corner (the ring closes by itself)"
    starts, ends = edges_of([points])
    for i in range(len(points)):
        for j in range(i + 1, len(points)):
            if j - i in (1, len(points) - 1):
                if _folds_back(starts, ends, i, j):
                    return f"folds back on itself at corner {j if j - i == 1 else 0}"
            elif _touch(starts[i], ends[i], starts[j], ends[j]):
                return f"crosses itself: edge {i} meets edge {j}"
    return None if abs(ring_area(points)) > 0 else "has no area"


def _folds_back(starts: Array, ends: Array, i: int, j: int) -> bool:
    a, b = ends[i] - starts[i], ends[j] - starts[j]
    return bool(cross(a, b) == 0 and (a * b).sum() < 0)


def _touch(a: Array, b: Array, c: Array, d: Array) -> bool:
    """Whether two closed segments share a point."""

    def side(p: Array, q: Array, r: Array) -> float:
        return float(np.sign(cross(q - p, r - p)))

    def on(p: Array, q: Array, r: Array) -> bool:
        return bool((np.minimum(p, q) <= r).all() and (r <= np.maximum(p, q)).all())

    s = side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)
    if s[0] != s[1] and s[2] != s[3] and 0 not in s:
        return True
    return (
        (s[0] == 0 and on(a, b, c))
        or (s[1] == 0 and on(a, b, d))
        or (s[2] == 0 and on(c, d, a))
        or (s[3] == 0 and on(c, d, b))
    )
