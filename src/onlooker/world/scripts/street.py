"""Scripts for open ground: people who walk past, stop, greet, meet and hand things over."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking, hand_over, meet, pick
from onlooker.world.scenery import Stage
from onlooker.world.script import Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Thing

_STOPS = ("wave", "talk", "phone", "point", "look_around", "stretch", "clap", "jump", "crouch", "stand")
_SHARE = np.array([0.15, 0.2, 0.1, 0.1, 0.12, 0.05, 0.08, 0.05, 0.05, 0.10])


def walkers(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """People cross the stage at their own pace; some stop on the way to do something for a moment."""
    roles = []
    for index in range(cast.people):
        rng = generator(seed, "walker", index)
        lane = (
            stage.area[1]
            + (stage.area[3] - stage.area[1]) * (index + 0.5) / cast.people
            + float(rng.uniform(-0.15, 0.15))
        )
        roles.append(_passage(rng, stage, cast, index, lane, seconds).role())
    return Script(
        "walkers", f"People walk along the {stage.name.replace('_', ' ')} and stop now and then.", tuple(roles)
    )


def _passage(rng: np.random.Generator, stage: Stage, cast: Cast, index: int, lane: float, seconds: float) -> Blocking:
    left, _, right, _ = stage.area
    way = 1 if rng.random() < 0.5 else -1
    inside = index < (cast.people + 1) // 2
    x = float(rng.uniform(left * 0.6, right * 0.6)) if inside else -way * right * float(rng.uniform(0.8, 1.1))
    actor = Blocking(index, cast.identity(index), cast.outfit(index), (x, lane), 0.0 if way > 0 else np.pi)
    while actor.now < seconds:
        goal = float(rng.uniform(0.25, 0.9)) * right * way
        if abs(goal - actor.place[0]) < 0.2 * right:
            way = -way
            continue
        run = bool(rng.random() < 0.08)
        actor.walk_to(goal, lane + float(rng.uniform(-0.2, 0.2)), float(-np.pi / 2 + rng.uniform(-0.9, 0.9)), run=run)
        _stop(rng, actor)
        way = -way if rng.random() < 0.75 else way
    return actor


def _stop(rng: np.random.Generator, actor: Blocking) -> None:
    action = _STOPS[int(rng.choice(len(_STOPS), p=_SHARE))]
    seconds = float(rng.uniform(1.8, 4.0))
    if action == "stand":
        actor.wait(seconds)
        return
    hand = pick(rng, ("l", "r"))
    x, y = actor.place
    ahead = (x + 4 * np.cos(actor.yaw), y + 4 * np.sin(actor.yaw), float(rng.uniform(0.8, 2.2)))
    actor.do(action, seconds, hand=hand, place=ahead if action == "point" else None)


def encounters(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """Pairs meet: they wave, talk and hand something over, or one pushes the other, who falls and gets up."""
    rng = generator(seed, "encounters")
    left, low, right, high = stage.area
    actors: list[Blocking] = []
    things: list[Thing] = []
    steps: list[Step] = []
    for index in range(cast.people):
        side = -1 if index % 2 == 0 else 1
        y = low + (high - low) * (index // 2 + 0.5) / max((cast.people + 1) // 2, 1)
        actors.append(
            Blocking(
                index,
                cast.identity(index),
                cast.outfit(index),
                (side * right * float(rng.uniform(0.35, 0.6)), y),
                0.0 if side < 0 else np.pi,
            )
        )
    for pair, (first, second) in enumerate(zip(actors[::2], actors[1::2], strict=False)):
        turn = pair
        while first.now < seconds - 4:
            spot = (float(rng.uniform(left, right)) * 0.35, first.place[1])
            begin = first.now
            meet(first, second, *spot, 0.0, 0.95)
            if turn % 2 == 0:
                _give(rng, first, second, things)
                steps.append(Step("exchange", begin, first.now, None, "procedure"))
            else:
                _shove(rng, first, second)
                steps.append(Step("fight", begin, max(first.now, second.now), None, "procedure"))
            for actor, sign in ((first, -1), (second, 1)):
                actor.walk_to(float(sign * right * rng.uniform(0.4, 0.65)), actor.place[1])
            turn += 1
    for actor in actors:
        if actor.now < seconds:
            actor.do(pick(rng, ("look_around", "phone", "stretch")), min(3.0, seconds - actor.now)).wait(1.0)
    summary = f"People meet on the {stage.name.replace('_', ' ')}, greet and exchange things."
    return Script("encounters", summary, tuple(actor.role() for actor in actors), tuple(things), steps=tuple(steps))


def _give(rng: np.random.Generator, first: Blocking, second: Blocking, things: list[Thing]) -> None:
    first.do("wave", 1.6, hand=pick(rng, ("l", "r")), partner=second)
    second.do("wave", 1.6, hand=pick(rng, ("l", "r")), partner=first)
    kind = pick(rng, ("book", "bottle", "bag", "ball", "phone"))
    x, y = first.place
    ground = (x + 0.1, y - 0.35, 0.0)
    colour = (int(rng.integers(40, 230)), int(rng.integers(40, 230)), int(rng.integers(40, 230)))
    thing = Thing(f"{kind} {len(things) + 1}", kind, colour, ground)
    things.append(thing)
    first.turn(-np.pi / 2).fetch(thing, ground, seconds=1.8).face(second)
    hand_over(first, second, thing)
    second.do("talk", 1.6, hand="l", partner=first, meanwhile=True)
    first.do("talk", 1.8, partner=second)
    second.wait(1.8)
    x, y = second.place
    second.turn(-np.pi / 2).leave(thing, (x, y - 0.4, 0.0), seconds=1.8)


def _shove(rng: np.random.Generator, first: Blocking, second: Blocking) -> None:
    x, y = second.place
    away = float(np.cos(first.yaw))
    chest = (x - 0.12 * away, y, 0.72 * second.body.height)
    first.walk_to(x - 0.62 * away, y, 0.0 if away > 0 else np.pi)
    second.until(first.now)
    start = first.now
    first.do("push", 1.2, partner=second, place=chest)
    second.until(start + 0.45).shift("stumble", 0.7, x + 0.5 * away, y)
    if rng.random() < 0.6:
        second.shift("fall", 0.9, x + 0.9 * away, y).do("lie", 1.4).do("get_up", 2.6)
    first.until(second.now)
