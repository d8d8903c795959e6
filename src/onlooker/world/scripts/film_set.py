"""Scripts for the film set: a conversation at the table with props, seen through cuts."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking, hand_over, pick
from onlooker.world.scenery import Stage
from onlooker.world.script import Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Thing


def conversation(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """Two people talk in turn across the table, drink and pass a thing; the others come, clap, wave and go."""
    rng = generator(seed, "film")
    left, right = stage.spots["table left"], stage.spots["table right"]
    cup = Thing("cup", "cup", (200, 60, 60), (left.reach[0], left.reach[1], 1.03))
    book = Thing("book", "book", (50, 90, 160), (right.reach[0], right.reach[1] - 0.12, 1.03))
    steps: list[Step] = []
    actors = []
    for index in range(cast.people):
        spot = (left, right)[index] if index < 2 else None
        place = spot.place if spot else (float(rng.uniform(-1.8, 1.8)), float(rng.uniform(-1.3, -0.2)))
        actors.append(
            Blocking(index, cast.identity(index), cast.outfit(index), place, spot.yaw if spot else -np.pi / 2)
        )
    if len(actors) > 1:
        _dialogue(rng, actors[0], actors[1], cup, book, seconds, steps)
    for actor in actors[2:] if len(actors) > 1 else actors:
        _extra(rng, actor, seconds)
    summary = "Two people talk at a table on a film set."
    return Script("conversation", summary, tuple(a.role() for a in actors), (cup, book), steps=tuple(steps))


def _dialogue(
    rng: np.random.Generator,
    first: Blocking,
    second: Blocking,
    cup: Thing,
    book: Thing,
    seconds: float,
    steps: list[Step],
) -> None:
    has_book = second
    second.fetch(book, book.place, "r")
    first.until(second.now)
    while first.now < seconds:
        begin = first.now
        for speaker, listener in ((first, second), (second, first)):
            length = float(rng.uniform(1.6, 3.2))
            free = "l"
            speaker.do(
                "talk" if speaker is not has_book else "point",
                length,
                hand=free,
                partner=listener,
                place=(0.0, -3.0, 1.2),
            )
            listener.wait(length * 0.5).do("look_around", length * 0.5) if rng.random() < 0.3 else listener.wait(length)
        steps.append(Step("talk", begin, first.now, None))
        since = first.now
        if has_book is second:
            hand_over(second, first, book)
            has_book = first
            first.wait(0.5)
            second.wait(0.5)
        else:
            first.leave(book, (-0.15, 0.72, 1.03), "r")
            first.fetch(cup, cup.place, "r").do("drink", 2.4, target=cup.name).leave(cup, cup.place, "r")
            first.fetch(book, (-0.15, 0.72, 1.03), "r")
            hand_over(first, second, book)
            has_book = second
        meeting = max(first.now, second.now)
        first.until(meeting)
        second.until(meeting)
        steps.append(Step("exchange", since, meeting, None))


def _extra(rng: np.random.Generator, actor: Blocking, seconds: float) -> None:
    while actor.now < seconds:
        actor.walk_to(
            float(rng.uniform(-2.1, 2.1)), float(rng.uniform(-1.4, 0.1)), float(-np.pi / 2 + rng.uniform(-0.8, 0.8))
        )
        actor.do(
            pick(rng, ("clap", "wave", "jump", "crouch", "phone", "stretch")),
            float(rng.uniform(2.0, 3.4)),
            hand=pick(rng, ("l", "r")),
        )
