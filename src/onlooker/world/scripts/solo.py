"""One person, one action at a moment of the clip: the scene for learning actions."""

from __future__ import annotations

import numpy as np

from onlooker.errors import ConfigError
from onlooker.world.actions import ACTIONS, MOVING
from onlooker.world.blocking import Blocking, grip, pick
from onlooker.world.scenery import Stage
from onlooker.world.script import Script
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Thing

# seconds an action takes at speed 1
LASTS = {
    "sit_down": 1.6,
    "stand_up": 1.6,
    "lie_down": 2.4,
    "get_up": 2.4,
    "fall": 1.0,
    "pick_up": 1.6,
    "put_down": 1.6,
    "roll_over": 1.7,
    "roll_back": 1.7,
    "drink": 2.4,
}
SOLO = tuple(
    name
    for name in (*MOVING, *ACTIONS)
    if name not in ("carry", "hand_over", "receive", "open", "close", "pour", "stumble", "push", "reach")
)
_AFTER = {"sit_down": "sit", "lie_down": "lie", "fall": "lie", "roll_over": "lie_prone", "roll_back": "lie"}
_BEFORE = {"stand_up": "sit", "get_up": "lie", "roll_over": "lie", "roll_back": "lie_prone"}


def solo(action: str, stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """The first person does `action` once, at a moment that the seed chooses, in the middle of the stage; others watch.

    Errors: ConfigError for an action that one person cannot do alone.
    """
    if action not in SOLO:
        raise ConfigError(f"nobody can do {action!r} alone: choose one of {', '.join(SOLO)}.")
    rng = generator(seed, "solo", cast.seed)
    left, low, right, high = stage.area
    middle = (
        (left + right) / 2 + float(rng.uniform(-0.12, 0.12)) * (right - left),
        (low + high) / 2 + float(rng.uniform(-0.2, 0.2)) * (high - low),
    )
    yaw = float(-np.pi / 2 + rng.uniform(-1.1, 1.1))
    actor = Blocking(0, cast.identity(0), cast.outfit(0), middle, yaw)
    things: list[Thing] = []
    if action in ("walk", "run"):
        reach = actor.body.gait.pace * seconds if action == "walk" else 2.9 * seconds
        way = 1.0 if rng.random() < 0.5 else -1.0
        actor = Blocking(
            0, cast.identity(0), cast.outfit(0), (middle[0] - way * reach / 2, middle[1]), 0.0 if way > 0 else np.pi
        )
        actor.walk_to(middle[0] + way * reach * 0.6, middle[1], run=action == "run")
    elif action != "stand":
        _perform(rng, actor, action, seconds, things)
    actor.until(max(seconds, actor.now))
    watchers = [_watcher(stage, cast, index, seconds) for index in range(1, cast.people)]
    roles = (actor.role(), *(watcher.role() for watcher in watchers))
    reverse = ACTIONS[action].reversed if action in ACTIONS else ""
    summary, backwards = f"Somebody {verb(action)}.", f"Somebody {verb(reverse or action)}."
    return Script(f"solo:{action}", summary, roles, tuple(things), backwards=backwards)


def verb(action: str) -> str:
    """The action in the third person, without its objects."""
    phrase = MOVING.get(action) or ACTIONS[action].phrase
    return phrase.replace("{thing}", "something").replace("{other}", "somebody")


def _perform(rng: np.random.Generator, actor: Blocking, action: str, seconds: float, things: list[Thing]) -> None:
    length = min(LASTS.get(action, 0.75 * seconds) / float(np.clip(rng.normal(1, 0.12), 0.75, 1.3)), seconds)
    start = float(rng.uniform(0, seconds - length))
    hand = pick(rng, ("l", "r"))
    x, y = actor.place
    ahead = (x + 3 * np.cos(actor.yaw), y + 3 * np.sin(actor.yaw), float(rng.uniform(0.6, 2.4)))
    if action in ("sit_down", "stand_up", "sit"):
        # where the hips come to be
        back = 0.98 * actor.body.thigh
        seat = (x - back * float(np.cos(actor.yaw)), y - back * float(np.sin(actor.yaw)), 0.0)
        things.append(Thing("stool", "stool", (150, 112, 76), seat))
    if action in ACTIONS and ACTIONS[action].base:
        actor.do(action, seconds + 1.0)
        return
    before, after = _BEFORE.get(action), _AFTER.get(action)
    if action in ("pick_up", "put_down", "drink"):
        _handle(rng, actor, action, start, length, hand, things)
        return
    if before and start > 0:
        actor.do(before, start)
    else:
        actor.wait(start)
    actor.do(action, length, hand=hand, place=ahead if action == "point" else None)
    if after and actor.now < seconds:
        actor.do(after, seconds - actor.now + 1.0)


def _handle(
    rng: np.random.Generator, actor: Blocking, action: str, start: float, length: float, hand: str, things: list[Thing]
) -> None:
    kind = "cup" if action == "drink" else pick(rng, ("box", "bottle", "ball", "bag", "book", "toy"))
    x, y = actor.place
    reach = 0.42
    spot = (x + reach * np.cos(actor.yaw), y + reach * np.sin(actor.yaw), 0.0)
    colour = (int(rng.integers(40, 230)), int(rng.integers(40, 230)), int(rng.integers(40, 230)))
    thing = Thing(kind, kind, colour, spot, actor.yaw - np.pi / 2)
    things.append(thing)
    if action == "pick_up":
        actor.wait(start).fetch(thing, spot, hand, length)
        return
    # the thing is in hand from before the clip begins
    actor.holding(thing, grip(thing, spot), hand)
    actor.wait(start)
    if action == "put_down":
        actor.leave(thing, spot, hand, length)
    else:
        actor.do("drink", length, hand=hand, target=thing.name)


def _watcher(stage: Stage, cast: Cast, index: int, seconds: float) -> Blocking:
    left, _, right, high = stage.area
    x = left + (right - left) * (index / max(cast.people, 2))
    return Blocking(index, cast.identity(index), cast.outfit(index), (x, high), -np.pi / 2).wait(seconds)
