"""People keep apart: paths of different roles that cross or stop at one spot are bent aside a little."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from onlooker.world.geometry import Floats, smooth, smoothstep
from onlooker.world.script import Act, Role

RATE = 10.0  # samples of a path per second
_STANDING, _LYING = 0.26, 0.45  # metres that a body takes up around itself
_FREE, _BUSY = 0.6, 0.35  # how far somebody steps aside, with nothing in reach and with something
_BOUND = frozenset(("push", "stumble", "hand_over", "receive", "sit_down", "sit", "stand_up", "open", "close", "pour"))
_LOW = frozenset(("lie_down", "lie", "lie_prone", "get_up", "fall", "roll_over", "roll_back", "kick"))
_AHEAD = 0.8  # seconds before and after an act in which one is already, or still, in its place
_ROUNDS = 16


def keep_apart(roles: tuple[Role, ...], seconds: float) -> list[Floats]:
    """For each role how far it steps aside, (sample, 2) metres at `RATE`, zero where there is room.

    Whoever sits, lies, pushes or hands something over stays; who reaches for something steps aside a little. So two
    who are both bound to one spot stay in each other's way: scripts must not send them there.
    """
    count = int(np.ceil(seconds * RATE)) + 2
    times = np.arange(count) / RATE
    paths = [_path(role, times) for role in roles]
    floors = [_along(role, times, "z") for role in roles]
    limits = [_limit(role, times) for role in roles]
    radii = [_radius(role, times) for role in roles]
    aside = [np.zeros((count, 2)) for _ in roles]
    for _ in range(_ROUNDS):
        moved = False
        for a, b in combinations(range(len(roles)), 2):
            gap = (radii[a] + radii[b]) * (np.abs(floors[a] - floors[b]) < 0.2)
            delta = paths[b] + aside[b] - paths[a] - aside[a]
            for span in _meetings(np.linalg.norm(delta, axis=1), gap):
                push = _push(delta[span], gap[span], (a, b))
                share = limits[a][span] + limits[b][span]
                if not share.any():
                    continue
                share = limits[a][span] / np.maximum(share, 1e-9)
                aside[a][span] -= share[:, None] * push
                aside[b][span] += (1 - share)[:, None] * push
                moved = True
        if not moved:
            break
        aside = [_within(smooth(offset, 0.25 * RATE), limit) for offset, limit in zip(aside, limits, strict=True)]
    return aside


def _meetings(distance: Floats, gap: Floats) -> list[slice]:
    """Stretches of time in which two are too close, with room before and after to step aside in."""
    near = np.flatnonzero(distance < 0.97 * gap)
    if not len(near):
        return []
    lead = round(1.2 * RATE)
    parts = np.split(near, np.flatnonzero(np.diff(near) > 2 * lead) + 1)
    return [slice(max(part[0] - lead, 0), part[-1] + lead + 1) for part in parts]


def _push(delta: Floats, gap: Floats, pair: tuple[int, int]) -> Floats:
    """What must be added to `delta` (sample, 2) so that it is no shorter than `gap`, along one direction.

    Who stand are moved apart along the line between them; who pass, across the way in which they pass.
    """
    distance = np.linalg.norm(delta, axis=1)
    nearest = int(np.argmin(distance - gap))
    past = delta[-1] - delta[0]
    length = float(np.linalg.norm(past))
    if length > 0.3:
        across = np.array([-past[1], past[0]]) / length
    elif distance[nearest] > 0.02:
        across = delta[nearest] / distance[nearest]
    else:  # exactly the same spot: any direction, the same for a pair on every run
        angle = 2.4 * (pair[0] + 7 * pair[1])
        across = np.array([np.cos(angle), np.sin(angle)])
    along = delta @ across
    side = 1.0 if along[nearest] >= 0 else -1.0
    other = np.linalg.norm(delta - along[:, None] * across, axis=1)
    wanted = np.sqrt(np.maximum(gap**2 - other**2, 0.0))
    missing = np.where(wanted > 0, np.maximum(wanted - side * along, 0.0), 0.0)
    return side * missing[:, None] * across


def _within(offset: Floats, limit: Floats) -> Floats:
    length = np.linalg.norm(offset, axis=1)
    return np.asarray(offset * np.minimum(1.0, limit / np.maximum(length, 1e-9))[:, None], np.float64)


def _path(role: Role, times: Floats) -> Floats:
    return smooth(np.stack([_along(role, times, axis) for axis in "xy"], -1), 0.22 * RATE)


def _along(role: Role, times: Floats, axis: str) -> Floats:
    values = np.array([getattr(point, axis) for point in role.path], np.float64)
    return np.interp(times, [point.time for point in role.path], values)


def _limit(role: Role, times: Floats) -> Floats:
    """How far the role may step aside at each time."""
    limit = np.full(len(times), _FREE)
    if role.kind == "baby":
        return np.zeros(len(times))
    for act in role.acts:
        if act.action in _BOUND or act.action in _LOW:
            limit = np.minimum(limit, _FREE * _away(act, times))
        elif act.target or act.partner is not None or (act.place is not None and act.action != "point"):
            limit = np.minimum(limit, _BUSY + (_FREE - _BUSY) * _away(act, times))
    return limit


def _away(act: Act, times: Floats) -> Floats:
    """0 during an act, rising to 1 over the time before and after."""
    outside = np.maximum(act.start - times, times - act.end)
    return smoothstep(outside / _AHEAD)


def _radius(role: Role, times: Floats) -> Floats:
    radius = np.full(len(times), _STANDING)
    low: NDArray[np.bool_] = np.zeros(len(times), np.bool_)
    for act in role.acts:
        if act.action in _LOW:
            low |= (times >= act.start) & (times < act.end)
    radius[low] = _LYING
    return radius
