"""Where people come in and go out, and where they stay."""

from __future__ import annotations

import math
from typing import Any

from onlooker.events.motion.config import TICK, MotionConfig
from onlooker.events.motion.speed import Velocity

State = dict[str, Any]

# outward normals of the picture's borders
BORDERS = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
REACH = 0.6  # seconds: how far beyond the last (or before the first) box a motion is carried on


def border_of(
    box: list[float], velocity: Velocity | None, size: tuple[float, float], config: MotionConfig, *, leaving: bool
) -> str:
    """Through which border a person with this first (or last) box came in (or went out), or "inside".

    A border counts when the box touches it, or would at this velocity in less than `REACH` seconds. People seen from
    near touch the lower and upper border all the time: these two need motion through them as well.
    """
    gaps = {"left": box[0], "right": size[0] - box[2], "top": box[1], "bottom": size[1] - box[3]}
    found = []
    for name, (nx, ny) in BORDERS.items():
        touch = config.border * (size[0] if nx else size[1])
        outward = 0.0
        if velocity is not None:
            outward = (velocity.vx * nx + velocity.vy * ny) * (1 if leaving else -1)
        through = outward >= 0.1 or (nx != 0 and outward > -0.1)
        soon = velocity is not None and outward >= 0.2 and gaps[name] <= touch + REACH * outward * velocity.height
        if soon or (gaps[name] <= touch and through):
            found.append((outward, name))
    return max(found)[1] if found else "inside"


def start_stay(time: float, x: float, y: float) -> State:
    """A stay that begins here; it counts only when it lasts."""
    return {"start": time, "last": time, "out": None, "x": x, "y": y, "weight": 0.0}


def stay_on(stay: State, time: float, x: float, y: float, height: float, config: MotionConfig) -> bool:
    """Whether the person at x, y is still at the place; the place is the mean of where they were."""
    far = math.hypot(x - stay["x"], y - stay["y"]) > config.dwell_radius * height
    if far:
        stay["out"] = stay["out"] if stay["out"] is not None else time
        return bool(time - stay["out"] < config.hold - TICK)
    step = min(time - stay["last"], config.window)
    stay["weight"] += step
    share = step / stay["weight"] if stay["weight"] > 0 else 0.0
    stay.update(last=time, out=None, x=stay["x"] + share * (x - stay["x"]), y=stay["y"] + share * (y - stay["y"]))
    return True
