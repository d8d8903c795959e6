"""Scripts for the room: a baby in the crib, somebody who makes a drink step by step, and others about."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking, pick
from onlooker.world.scenery import Stage
from onlooker.world.script import Noise, Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.stages.room import CRIB
from onlooker.world.things import Hinged, Thing

_LYING = ((0.4, -1.5), (-1.7, -1.5), (2.4, -1.2), (-0.7, -0.8))
"""Where there is room on the floor, for the fourth person and those after."""


def at_home(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """The first person makes a drink (a procedure of eight steps), the second is the baby, others sit, play or lie
    down."""
    rng = generator(seed, "room")
    spot = stage.spots["cupboard"]
    shelf = spot.reach
    table = stage.spots["table"]
    leaf = Hinged("cupboard door", "the cupboard", (-0.30, 2.40, 0.92), 0.72, 0.72, 0.0, -1.75, (214, 206, 188))
    cup = Thing("cup", "cup", (60, 110, 170), (shelf[0], shelf[1], 0.95))
    kettle = Thing("kettle", "kettle", (176, 178, 184), (table.reach[0] + 0.35, table.reach[1], 0.75))
    toy = Thing("toy", "toy", (230, 170, 60), (0.7, -0.75, 0.0))
    things, roles = [cup, kettle, toy], []
    steps: list[Step] = []
    noises: list[Noise] = []
    for index in range(cast.people):
        if index == 1:
            roles.append(_baby(generator(seed, "baby"), cast, index, seconds, noises).role())
        elif index == 0:
            roles.append(_drink_maker(rng, stage, cast, seconds, leaf, cup, kettle, steps).role())
        else:
            roles.append(
                _other(generator(seed, "other", index), stage, cast, index, seconds, toy if index == 2 else None).role()
            )
    summary = "At home, somebody makes a drink while a baby lies in the crib."
    return Script("at home", summary, tuple(roles), tuple(things), (leaf,), tuple(noises), tuple(steps))


def _drink_maker(
    rng: np.random.Generator,
    stage: Stage,
    cast: Cast,
    seconds: float,
    leaf: Hinged,
    cup: Thing,
    kettle: Thing,
    steps: list[Step],
) -> Blocking:
    actor = Blocking(0, cast.identity(0), cast.outfit(0), (-1.2, -0.9), 0.0)
    table, cupboard, chair = stage.spots["table"], stage.spots["cupboard"], stage.spots["chair"]
    put = (table.reach[0] + 0.05, table.reach[1], 0.75)
    while actor.now < seconds:
        begin = actor.now

        def step(label: str, since: float) -> None:
            steps.append(Step(label, since, actor.now, 0))

        since = actor.now
        actor.walk_to(*cupboard.place, cupboard.yaw).do("open", 1.8, hand="r", target=leaf.name)
        step("open the cupboard", since)
        since = actor.now
        actor.fetch(cup, cup.place, "l")
        step("take the cup", since)
        since = actor.now
        actor.do("close", 1.8, hand="r", target=leaf.name)
        step("close the cupboard", since)
        since = actor.now
        actor.walk_to(*table.place, table.yaw).leave(cup, put, "l")
        step("put the cup on the table", since)
        since = actor.now
        actor.fetch(kettle, kettle.place, "r", 1.4)
        actor.do("pour", 2.2, hand="r", target=kettle.name, place=(put[0] + 0.10, put[1] - 0.02, put[2] + 0.36))
        step("pour", since)
        since = actor.now
        actor.leave(kettle, kettle.place, "r", 1.4)
        step("put the kettle back", since)
        since = actor.now
        actor.fetch(cup, put, "r")
        actor.walk_to(*chair.place, chair.yaw).do("sit_down", 1.6).do("sit", 6.0, meanwhile=True)
        actor.wait(0.6).do("drink", 2.4, hand="r", target=cup.name).wait(0.6).do(
            "drink", 2.4, hand="r", target=cup.name
        )
        actor.do("stand_up", 1.6)
        step("drink", since)
        since = actor.now
        actor.walk_to(*cupboard.place, cupboard.yaw).do("open", 1.8, hand="l", target=leaf.name)
        actor.leave(cup, cup.place, "r").do("close", 1.8, hand="l", target=leaf.name)
        step("put the cup away", since)
        steps.append(Step("make a drink", begin, actor.now, 0, "procedure"))
        actor.walk_to(float(rng.uniform(-1.6, 0.4)), -0.9, -np.pi / 2).do(
            pick(rng, ("stretch", "phone", "look_around")), 3.0
        )
    return actor


def _baby(rng: np.random.Generator, cast: Cast, index: int, seconds: float, noises: list[Noise]) -> Blocking:
    x, y, z = CRIB
    actor = Blocking(index, cast.identity(index), cast.outfit(index), (x + 0.05, y), 0.0, "baby")
    actor.lay(z)
    prone = False
    while actor.now < seconds:
        action = pick(rng, ("kick", "lie", "roll_over", "kick"))
        if prone:
            actor.do("lie_prone", float(rng.uniform(1.5, 3.5)))
            actor.do("roll_back", 1.6)
            prone = False
        elif action == "roll_over":
            actor.do("roll_over", 1.6)
            prone = True
        else:
            start = actor.now
            actor.do(action, float(rng.uniform(2.0, 5.0)))
            if action == "kick" and rng.random() < 0.4:
                noises.append(Noise("cry", start + 0.4, actor.now, CRIB))
    return actor


def _other(
    rng: np.random.Generator, stage: Stage, cast: Cast, index: int, seconds: float, toy: Thing | None
) -> Blocking:
    start = (-0.4 + 0.9 * (index - 2), -0.4 - 0.35 * (index - 2))
    actor = Blocking(
        index,
        cast.identity(index),
        cast.outfit(index),
        start,
        float(rng.uniform(-2.5, -0.6)),
        "child" if toy else "adult",
    )
    while actor.now < seconds:
        if toy is not None:
            x, y, _ = toy.place
            actor.walk_to(x - 0.42, y, 0.0).fetch(toy, toy.place, seconds=1.8).do("jump", 2.6, speed=0.6)
            actor.leave(toy, toy.place, seconds=1.8).do("clap", 2.0)
            continue
        action = pick(rng, ("look_around", "phone", "stretch", *_places(index)))
        if action == "crib":
            spot = stage.spots["crib"]
            actor.walk_to(spot.place[0] - 0.55 * (index - 3), spot.place[1], spot.yaw).do(
                "reach", 2.4, place=(1.7, 1.35, 0.75)
            ).do("talk", 2.0)
        elif action == "lie":
            actor.walk_to(*_LYING[index - 3], 0.0).do("lie_down", 2.8).do("lie", 2.0).do("roll_over", 1.8).do(
                "roll_back", 1.8
            ).do("get_up", 2.8)
        else:
            actor.walk_to(
                float(rng.uniform(-2.2, 2.2)), float(rng.uniform(-1.6, 0.4)), float(-np.pi / 2 + rng.uniform(-1, 1))
            )
            actor.do(action, float(rng.uniform(2, 3.5)), hand=pick(rng, ("l", "r")))
    return actor


def _places(index: int) -> tuple[str, ...]:
    """What only some do: two have room at the crib, four on the floor."""
    return (*(("crib",) if index in (3, 4) else ()), *(("lie",) if 3 <= index < 3 + len(_LYING) else ()))
