"""Scripts for the platform: through the gate, along the edge, and things passed over the railing."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking, hand_over, pick
from onlooker.world.scenery import Stage
from onlooker.world.script import Noise, Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Thing


def travellers(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """Travellers pass the gate and wait; two meet at the railing and hand a bag across; somebody runs, somebody
    falls."""
    rng = generator(seed, "platform")
    things: list[Thing] = []
    steps: list[Step] = []
    actors = []
    for index in range(cast.people):
        outside = index % 2 == 0
        spot = stage.spots["hall side" if outside else "track side"]
        place = (spot.place[0] + 0.9 * (index - cast.people / 2) + 0.8, spot.place[1] + (-1.4 if outside else 1.6))
        actors.append(Blocking(index, cast.identity(index), cast.outfit(index), place, spot.yaw))
    if len(actors) > 1:
        _across(rng, stage, actors[0], actors[1], things, steps)
    for actor in actors[2:]:
        _journey(rng, stage, actor, steps)
    for actor in actors:
        _wait(rng, stage, actor, seconds)
    noises = tuple(
        Noise("train", start, start + 6.0, (-12.0, 7.5, 0.5)) for start in np.arange(9.0, seconds, 24.0).tolist()
    )
    summary = "Travellers wait on a platform; a thing is handed over the railing."
    return Script(
        "travellers", summary, tuple(a.role() for a in actors), tuple(things), noises=noises, steps=tuple(steps)
    )


def _across(
    rng: np.random.Generator, stage: Stage, first: Blocking, second: Blocking, things: list[Thing], steps: list[Step]
) -> None:
    here, there = stage.spots["hall side"], stage.spots["track side"]
    shift = float(rng.uniform(-0.8, 0.8))
    kind = pick(rng, ("bag", "book", "bottle", "box"))
    x, y = first.place
    thing = Thing(f"{kind} 1", kind, (190, 60, 50), (x, y + 0.36, 0.0))
    things.append(thing)
    first.fetch(thing, thing.place, seconds=1.7)
    first.walk_to(here.place[0] + shift, here.place[1], here.yaw)
    second.wait(1.0).walk_to(there.place[0] + shift, there.place[1], there.yaw)
    begin = max(first.now, second.now)
    hand_over(first, second, thing)
    steps.append(Step("handed over the railing", begin, first.now, None, "procedure"))
    second.walk_to(float(rng.uniform(-3, 0)), 3.4, -np.pi / 2)
    x, y = second.place
    second.leave(thing, (x, y - 0.38, 0.0), seconds=1.7)
    first.do("wave", 2.0, hand="l", partner=second)


def _journey(rng: np.random.Generator, stage: Stage, actor: Blocking, steps: list[Step]) -> None:
    begin = actor.now
    inside = actor.place[1] > 1.2
    gates = (
        [stage.spots["gate out"], stage.spots["gate in"]]
        if inside
        else [stage.spots["gate in"], stage.spots["gate out"]]
    )
    actor.wait(0.9 * (actor.index - 2)).walk_to(*gates[0].place).walk_to(*gates[1].place)
    steps.append(Step("pass the gate", begin, actor.now, actor.index))
    run = bool(rng.random() < 0.3)
    actor.walk_to(float(rng.uniform(-3.5, 3.0)), -1.5 if inside else float(rng.uniform(2.6, 4.4)), run=run)
    if rng.random() < 0.35:
        x, y = actor.place
        actor.shift("fall", 0.9, x + 0.4, y).do("lie", 1.8).do("get_up", 2.8)


def _wait(rng: np.random.Generator, stage: Stage, actor: Blocking, seconds: float) -> None:
    while actor.now < seconds:
        action = pick(rng, ("look_around", "phone", "talk", "stretch", "point", "wave"))
        x, y = actor.place
        actor.turn(float(-np.pi / 2 + rng.uniform(-1.2, 1.2)))
        actor.do(
            action,
            float(rng.uniform(1.8, 3.6)),
            hand=pick(rng, ("l", "r")),
            place=(x + 3, y + 4, 1.5) if action == "point" else None,
        )
        limits = (1.9, 4.4) if y > 1.2 else (-2.0, 0.6)
        actor.walk_to(float(np.clip(x + rng.uniform(-2.0, 2.0), -4.2, 4.2)), float(rng.uniform(*limits)))
