"""Two people within about one body height who move alike for some seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from onlooker.events.motion.config import TICK, MotionConfig
from onlooker.events.motion.facts import Fact

State = dict[str, Any]


def update_pairs(pairs: dict[str, State], people: dict[int, State], time: float, config: MotionConfig) -> list[Fact]:
    """Feed the people measured at `time` (id -> x, y, height, vx, vy); returns what being together this ends."""
    for a, b in _close_pairs(people, config):
        pair = pairs.get(f"{a},{b}")
        if pair is None:
            pair = pairs[f"{a},{b}"] = {"start": time, "last": time, "now": time, "near": 0.0, "both": 0.0}
        pair["near"] += min(time - pair["now"], config.window)
        pair["last"] = time
    for key, pair in pairs.items():
        a, b = _ids(key)
        if a in people and b in people:
            pair["both"] += min(time - pair["now"], config.window)
            pair["now"] = time
    return _release(pairs, time, config, everything=False)


def finish_pairs(pairs: dict[str, State], time: float, config: MotionConfig) -> list[Fact]:
    """End every pair."""
    return _release(pairs, time, config, everything=True)


def open_since(pairs: dict[str, State], track: int) -> float:
    """The start of the earliest pair that still holds this person, infinity without one."""
    return min((pair["start"] for key, pair in pairs.items() if track in _ids(key)), default=math.inf)


def _release(pairs: dict[str, State], time: float, config: MotionConfig, *, everything: bool) -> list[Fact]:
    facts = []
    for key, pair in list(pairs.items()):
        if not everything and time - pair["last"] <= config.together_release + TICK:
            continue
        del pairs[key]
        share = pair["near"] / pair["both"] if pair["both"] > 0 else 0.0
        if pair["last"] - pair["start"] >= config.together_time - TICK and share >= config.together_share:
            confirm = pair["start"] + config.together_time
            facts.append(Fact("together", pair["start"], pair["last"], confirm, _ids(key), score=min(share, 1.0)))
    return facts


def _close_pairs(people: dict[int, State], config: MotionConfig) -> Iterator[tuple[int, int]]:
    ids = sorted(people)
    for index, a in enumerate(ids):
        for b in ids[index + 1 :]:
            if _near(people[a], people[b], config):
                yield a, b


def _near(a: State, b: State, config: MotionConfig) -> bool:
    height = 0.5 * (a["height"] + b["height"])
    if abs(a["x"] - b["x"]) > config.near * height or abs(a["y"] - b["y"]) > config.near_depth * height:
        return False
    if not 0.65 <= a["height"] / b["height"] <= 1 / 0.65:
        return False
    return math.hypot(a["vx"] - b["vx"], a["vy"] - b["vy"]) <= config.alike


def _ids(key: str) -> tuple[int, int]:
    a, b = key.split(",")
    return int(a), int(b)
