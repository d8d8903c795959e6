"""Scripts for the shop: customers choose, put back, carry and pay; the clerk packs."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking, pick
from onlooker.world.scenery import Spot, Stage
from onlooker.world.script import Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Point, Thing

_GOODS = ("tin", "bottle", "book", "cup", "tin")


def shopping(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """Each customer goes from shelf to shelf, takes things, puts some back, and pays at the counter; one clerk
    packs."""
    things: list[Thing] = []
    steps: list[Step] = []
    clerk_work: list[tuple[float, Thing, Point]] = []
    roles = []
    customers = cast.people - (1 if cast.people > 1 else 0)
    for index in range(customers):
        rng = generator(seed, "customer", index)
        actor = _customer(rng, stage, cast, index, customers, seconds, things, steps, clerk_work)
        roles.append(actor.role())
    if customers < cast.people:
        roles.append(_clerk(stage, cast, customers, seconds, clerk_work).role())
    return Script(
        "shopping",
        "Customers choose goods from shelves and pay at the counter.",
        tuple(roles),
        tuple(things),
        steps=tuple(steps),
    )


def _customer(
    rng: np.random.Generator,
    stage: Stage,
    cast: Cast,
    index: int,
    customers: int,
    seconds: float,
    things: list[Thing],
    steps: list[Step],
    clerk_work: list[tuple[float, Thing, Point]],
) -> Blocking:
    shelves = [spot for name, spot in stage.spots.items() if name.startswith("shelf")]
    lane = (index + 0.5) / customers - 0.5
    start = (lane * 4.2 + float(rng.uniform(-0.2, 0.2)), -0.9 + float(rng.uniform(-0.9, 0.6)))
    actor = Blocking(index, cast.identity(index), cast.outfit(index), start, np.pi / 2)
    actor.wait(float(rng.uniform(0, 0.8)) + 0.7 * (index // len(shelves)))
    visits = 0
    while actor.now < seconds:
        shelf = shelves[(index + visits) % len(shelves)]
        visits += 1
        begin = actor.now
        thing, place = _goods(rng, shelf, index, len(things))
        things.append(thing)
        x = place[0] + float(rng.uniform(-0.05, 0.05))
        actor.walk_to(x, shelf.place[1], shelf.yaw).fetch(thing, place, pick(rng, ("l", "r")))
        actor.do("look_around", 1.2) if rng.random() < 0.4 else actor.wait(0.5)
        steps.append(Step("choose", begin, actor.now, index))
        if rng.random() < 0.35:
            actor.leave(thing, place, _hand_of(actor))
            steps.append(Step("put back", steps[-1].end, actor.now, index))
            continue
        _pay(rng, stage, actor, thing, begin, index, steps, clerk_work)
    return actor


def _goods(rng: np.random.Generator, shelf: Spot, index: int, number: int) -> tuple[Thing, Point]:
    kind = _GOODS[int(rng.integers(len(_GOODS)))]
    place = (
        shelf.reach[0] + 0.26 * (index % 5 - 2) + float(rng.uniform(-0.05, 0.05)),
        shelf.reach[1],
        shelf.reach[2] - 0.02,
    )
    colour = (int(rng.integers(60, 240)), int(rng.integers(60, 240)), int(rng.integers(60, 240)))
    return Thing(f"{kind} {number + 1}", kind, colour, place), place


def _pay(
    rng: np.random.Generator,
    stage: Stage,
    actor: Blocking,
    thing: Thing,
    begin: float,
    index: int,
    steps: list[Step],
    clerk_work: list[tuple[float, Thing, Point]],
) -> None:
    counter = stage.spots["counter"]
    slot = 0.30 * (index % 4 - 1.5)
    chosen = actor.now
    actor.walk_to(counter.place[0], counter.place[1] + slot, counter.yaw)
    place = (counter.reach[0], counter.reach[1] + slot, counter.reach[2])
    actor.leave(thing, place, _hand_of(actor))
    clerk_work.append((actor.now, thing, place))
    actor.do("talk", float(rng.uniform(1.2, 2.2)))
    steps.append(Step("pay", chosen, actor.now, index))
    actor.walk_to(float(rng.uniform(-2.2, 1.6)), float(rng.uniform(-1.6, 0.2)), float(rng.uniform(0, 2 * np.pi)))
    steps.append(Step("buy something", begin, actor.now, index, "procedure"))
    actor.wait(float(rng.uniform(0.2, 1.0)))


def _hand_of(actor: Blocking) -> str:
    return actor.role().acts[-1].hand if actor.role().acts[-1].action == "pick_up" else _last_pick(actor)


def _last_pick(actor: Blocking) -> str:
    return next(act.hand for act in reversed(actor.role().acts) if act.action == "pick_up")


def _clerk(stage: Stage, cast: Cast, index: int, seconds: float, work: list[tuple[float, Thing, Point]]) -> Blocking:
    spot = stage.spots["clerk"]
    actor = Blocking(index, cast.identity(index), cast.outfit(index), spot.place, spot.yaw)
    for number, (ready, thing, place) in enumerate(sorted(work, key=lambda item: item[0])):
        if max(ready, actor.now) > seconds:
            break
        actor.until(ready + 0.3)
        actor.walk_to(spot.place[0], place[1], spot.yaw).fetch(thing, place, "r", 1.3)
        actor.leave(thing, (3.1, -0.75 + 0.14 * (number % 4), 0.95), "r", 1.3)
    return actor.until(max(seconds, actor.now))
