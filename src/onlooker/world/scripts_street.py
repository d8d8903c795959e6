"""Scripts for the street: people who walk past, stop, greet and talk."""

from __future__ import annotations

import numpy as np

from onlooker.world.body import make_body
from onlooker.world.scenery import Stage
from onlooker.world.script import Act, Role, Script, Waypoint
from onlooker.world.seeds import child_seed, generator


def walkers(stage: Stage, people: int, seconds: float, seed: int) -> Script:
    """People cross the stage along the pavement at their own pace; some stop on the way to wave or to talk."""
    roles = []
    for index in range(people):
        rng = generator(seed, "walker", index)
        identity = child_seed(seed, "identity", index)
        lane = stage.area[1] + (stage.area[3] - stage.area[1]) * (index + 0.5) / people + float(rng.uniform(-0.15, 0.15))
        path, acts = _passage(rng, stage, identity, lane, index, people, seconds)
        roles.append(Role(identity, child_seed(seed, "outfit", index), path, acts))
    return Script("walkers", seconds, tuple(roles))


def _passage(
    rng: np.random.Generator, stage: Stage, identity: int, lane: float, index: int, people: int, seconds: float
) -> tuple[tuple[Waypoint, ...], tuple[Act, ...]]:
    pace = make_body(identity).gait.pace
    left, _, right, _ = stage.area
    way = 1 if rng.random() < 0.5 else -1
    x = float(rng.uniform(left * 0.6, right * 0.6)) if index < (people + 1) // 2 else -way * right * float(rng.uniform(0.8, 1.1))
    now = 0.0
    points, acts = [Waypoint(0.0, x, lane)], []
    while now < seconds:
        goal = float(rng.uniform(0.25, 0.9)) * right * way
        if abs(goal - x) < 2.0:
            way = -way
            continue
        now += abs(goal - x) / pace
        x = goal
        points.append(Waypoint(now, x, lane + float(rng.uniform(-0.2, 0.2))))
        pause = float(rng.uniform(1.8, 4.5))
        points.append(Waypoint(now + pause, x, points[-1].y, float(-np.pi / 2 + rng.uniform(-0.9, 0.9))))
        action = ("wave", "talk", "stand")[int(rng.integers(3))]
        if action != "stand":
            acts.append(Act(action, now + 0.4, now + pause - 0.2, "lr"[int(rng.integers(2))]))
        now += pause
        way = -way if rng.random() < 0.75 else way
    return tuple(points), tuple(acts)
