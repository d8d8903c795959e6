"""Looks of people who left, bounded and ageing, and the open-set rule by which somebody gets an old id back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.tracking.relink.appearance import SIZE, Look, dark, distance

State = dict[str, Any]


@dataclass(frozen=True)
class Config:
    """`people` ids with up to `views` looks each are kept, none longer than `memory` seconds after its last sight.

    An id is given back when the look is nearer than `accept` and the next best id is at least `margin` times farther;
    `accept_dark` is for people of whose torso and legs a share of `dark` is nearly black: they look like each other.
    Within `short` seconds and `near` body heights of where they left, `accept_near` is enough.
    """

    people: int = 128
    views: int = 4
    memory: float = 3600.0
    accept: float = 0.09
    accept_dark: float = 0.05
    dark: float = 0.6
    margin: float = 1.35
    short: float = 6.0
    near: float = 3.0
    accept_near: float = 0.09


VARIANTS = {"default": Config()}


def empty_gallery() -> State:
    """Nobody left yet."""
    return {
        "id": np.zeros(0, np.int64),
        "look": np.zeros((0, SIZE), np.float32),
        "time": np.zeros(0),
        "place": np.zeros((0, 3)),
    }


def remember(
    gallery: State,
    ids: NDArray[np.int64],
    looks: Look,
    times: NDArray[np.float64],
    places: NDArray[np.float64],
    config: Config,
) -> State:
    """The gallery with more people: `places (n, 3)` is centre x, centre y and body height where each was last seen."""
    merged = {
        "id": np.concatenate([gallery["id"], ids]),
        "look": np.concatenate([gallery["look"], looks]),
        "time": np.concatenate([gallery["time"], times]),
        "place": np.concatenate([gallery["place"], places]),
    }
    newest = np.arange(len(merged["id"]))[::-1]
    kept: list[int] = []
    views: dict[int, int] = {}
    for row in newest:
        who = int(merged["id"][row])
        if who not in views and len(views) >= config.people:
            continue
        views[who] = views.get(who, 0) + 1
        if views[who] <= config.views:
            kept.append(int(row))
    return _rows(merged, np.array(sorted(kept), np.int64))


def forget(gallery: State, now: float, config: Config) -> State:
    """The gallery without those whose last sight is too long ago."""
    latest: dict[int, float] = {}
    for who, time in zip(gallery["id"].tolist(), gallery["time"].tolist(), strict=True):
        latest[who] = max(latest.get(who, time), time)
    fresh = np.array([now - latest[who] <= config.memory for who in gallery["id"].tolist()], bool)
    return gallery if fresh.all() else _rows(gallery, np.flatnonzero(fresh))


def return_ids(
    gallery: State,
    looks: Look,
    places: NDArray[np.float64],
    time: float,
    present: NDArray[np.int64],
    config: Config,
) -> NDArray[np.int64]:
    """The old id of each newcomer `(n,)`, 0 for someone new. Ids that are `present` in the picture are not given."""
    from scipy.optimize import linear_sum_assignment  # imported late: it is slow to import

    result = np.zeros(len(looks), np.int64)
    away = ~np.isin(gallery["id"], present)
    if not away.any() or not len(looks):
        return result
    rows = _rows(gallery, np.flatnonzero(away))
    ids = np.unique(rows["id"])
    differ = distance(looks, rows["look"])
    near = _near(rows, places, time, config)
    best = np.stack([differ[:, rows["id"] == who].min(1) for who in ids], 1)
    close = np.stack([near[:, rows["id"] == who].any(1) for who in ids], 1)
    usual = np.where(dark(looks) < config.dark, config.accept, config.accept_dark)
    limit = np.where(close, config.accept_near, usual[:, None])
    runner_up = np.stack([np.delete(best, i, 1).min(1, initial=1.0) for i in range(len(ids))], 1)
    allowed = (best < limit) & (runner_up >= np.where(close, 1.0, config.margin) * best)
    cost = np.where(allowed, best, 10.0)
    for newcomer, column in zip(*linear_sum_assignment(cost), strict=True):
        if allowed[newcomer, column]:
            result[newcomer] = ids[column]
    return result


def _near(rows: State, places: NDArray[np.float64], time: float, config: Config) -> NDArray[np.bool_]:
    offset = np.linalg.norm(places[:, None, :2] - rows["place"][None, :, :2], axis=2)
    tall = np.maximum(np.minimum(places[:, None, 2], rows["place"][None, :, 2]), 1.0)
    return np.asarray((offset < config.near * tall) & (time - rows["time"][None] < config.short))


def _rows(gallery: State, index: NDArray[np.int64]) -> State:
    return {key: value[index] for key, value in gallery.items()}
