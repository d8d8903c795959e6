"""People walk around furniture: the straight lines of a script are led around what stands on the floor."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onlooker.world.geometry import Floats
from onlooker.world.scenery import Prop
from onlooker.world.script import Role, Script, Waypoint

_CLEAR = 0.3  # metres that a walking body keeps from furniture where it can
_BODY = 0.1  # nobody stands nearer than that
_HEIGHT = 1.2  # what begins higher hangs over people's heads or is reached over


def around_furniture(script: Script, props: Iterable[Prop]) -> Script:
    """The script with everybody's way led around the props, at the same times.

    Who was sent into the middle of one stands beside it instead. Whoever lies on something stays there, and a way
    that is made without walking (`Waypoint.slide`) stays straight.
    """
    blocks = footprints(props)
    if not len(blocks):
        return script
    return replace(script, roles=tuple(_around(role, blocks) for role in script.roles))


def footprints(props: Iterable[Prop]) -> Floats:
    """The floor that each prop takes up: x1, y1, x2, y2 in metres, (prop, 4)."""
    found = []
    for prop in props:
        low = [facet.corners[:, :2] for facet in prop.facets if facet.corners[:, 2].min() < _HEIGHT]
        if low:
            corners = np.concatenate(low)
            found.append(np.concatenate([corners.min(0), corners.max(0)]))
    return np.array(found, np.float64).reshape(-1, 4)


def _around(role: Role, blocks: Floats) -> Role:
    points = [_beside(point, blocks) if point.z == 0 else point for point in role.path]
    path = points[:1]
    for before, after in pairwise(points):
        if not after.slide and before.z == after.z == 0:
            path += _corners(before, after, blocks)
        path.append(after)
    return replace(role, path=tuple(path))


def _beside(point: Waypoint, blocks: Floats) -> Waypoint:
    """The point, or the nearest one beside the prop in whose way it lies."""
    x, y = point.x, point.y
    for x1, y1, x2, y2 in blocks:
        if x1 - _BODY < x < x2 + _BODY and y1 - _BODY < y < y2 + _BODY:
            sides = ((x1 - _CLEAR, y), (x2 + _CLEAR, y), (x, y1 - _CLEAR), (x, y2 + _CLEAR))
            x, y = min(sides, key=lambda side: abs(side[0] - x) + abs(side[1] - y))
    return replace(point, x=float(x), y=float(y))


def _corners(before: Waypoint, after: Waypoint, blocks: Floats) -> list[Waypoint]:
    """Waypoints at the corners of the shortest way around, passed at an even pace."""
    start, end = np.array([before.x, before.y]), np.array([after.x, after.y])
    walls = _widened(blocks, start, end)
    if np.array_equal(start, end) or not _hits(start[None], end[None], walls)[0, 0]:
        return []
    way = shortest_way(start, end, walls)
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    times = before.time + (after.time - before.time) * np.cumsum(steps) / steps.sum()
    return [Waypoint(float(t), float(x), float(y)) for t, (x, y) in zip(times[:-1], way[1:-1], strict=True)]


def _widened(blocks: Floats, *ends: Floats) -> Floats:
    """The blocks with the space around them that a body needs, less where the way itself begins or ends closer."""
    gaps = [np.linalg.norm(np.maximum(np.maximum(blocks[:, :2] - end, end - blocks[:, 2:]), 0), axis=1) for end in ends]
    room = np.clip(np.min(gaps, axis=0) - 0.01, 0, _CLEAR)[:, None]
    return np.concatenate([blocks[:, :2] - room, blocks[:, 2:] + room], 1)


def shortest_way(start: Floats, end: Floats, walls: Floats) -> Floats:
    """The shortest way from `start` to `end` past axis-aligned rectangles (n, 4), as (point, 2) with both ends.

    The straight line where there is no way around.
    """
    outside = walls + np.array([-1e-3, -1e-3, 1e-3, 1e-3])
    corners = np.concatenate([outside[:, [i, j]] for i in (0, 2) for j in (1, 3)])
    nodes = np.concatenate([start[None], end[None], corners])
    lengths = np.where(_hits(nodes, nodes, walls), np.inf, np.linalg.norm(nodes[:, None] - nodes[None], axis=2))
    best, came = np.full(len(nodes), np.inf), np.zeros(len(nodes), int)
    best[0] = 0.0
    queue = [(0.0, 0)]
    while queue:
        length, node = heapq.heappop(queue)
        if length > best[node]:
            continue
        for other in np.flatnonzero(length + lengths[node] < best):
            best[other], came[other] = length + lengths[node, other], node
            heapq.heappush(queue, (float(best[other]), int(other)))
    if not np.isfinite(best[1]):
        return np.stack([start, end])
    way = [1]
    while way[-1]:
        way.append(int(came[way[-1]]))
    return np.asarray(nodes[way[::-1]], np.float64)


def _hits(starts: Floats, ends: Floats, walls: Floats) -> NDArray[np.bool_]:
    """Whether the line from each start (a, 2) to each end (b, 2) goes through the inside of a wall, (a, b)."""
    origin = starts[:, None, None]
    delta = ends[None, :, None] - origin
    with np.errstate(divide="ignore", invalid="ignore"):  # a line along an axis: infinite, or 0 / 0 on the edge itself
        first, second = (walls[:, :2] - origin) / delta, (walls[:, 2:] - origin) / delta
    low, high = np.fmin(first, second), np.fmax(first, second)
    enter = np.maximum(low.max(-1), 0.0)
    leave = np.minimum(high.min(-1), 1.0)
    beside = ((delta == 0) & ((origin <= walls[:, :2]) | (origin >= walls[:, 2:]))).any(-1)
    return np.asarray(((enter < leave - 1e-9) & ~beside).any(-1), np.bool_)
