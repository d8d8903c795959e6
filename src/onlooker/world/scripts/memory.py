"""A script whose end can only be understood by what happened at its beginning."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking
from onlooker.world.scenery import Stage
from onlooker.world.script import Script, Step
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator
from onlooker.world.things import Thing


def hidden(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """Somebody hides a ball in one of two equal chests and leaves; near the end another person looks into one of them.

    The step "find" or "miss" at the end depends on which chest it was at the beginning: in between, the pictures
    of both stories are the same but for chance. With one person, the same person hides and looks.
    """
    rng = generator(seed, "hidden")
    hide, look = int(rng.integers(2)), int(rng.integers(2))
    left, low, right, high = stage.area
    y = (low + high) / 2
    centre = (left + right) / 2
    spots = [(centre - 0.8, y + 0.5), (centre + 0.8, y + 0.5)]
    chests = [
        Thing(f"chest {name}", "chest", (134, 96, 60), (*spot, 0.0)) for name, spot in zip("ab", spots, strict=True)
    ]
    start = (centre, y - 0.7)
    ball = Thing("ball", "ball", (206, 60, 54), (start[0], start[1] + 0.36, 0.0))
    first = Blocking(0, cast.identity(0), cast.outfit(0), start, np.pi / 2)
    first.fetch(ball, ball.place, "r", 1.6)
    first.walk_to(spots[hide][0], spots[hide][1] - 0.45, np.pi / 2)
    # it comes to rest behind the front of the chest, out of sight
    first.leave(ball, (spots[hide][0], spots[hide][1] + 0.05, 0.02), "r", 1.8)
    hidden_at = first.now
    first.walk_to(left * 0.8, y - 0.4, -np.pi / 2)
    actors = [first]
    seeker = first
    if cast.people > 1:
        seeker = Blocking(1, cast.identity(1), cast.outfit(1), (right * 0.8, y - 0.4), -np.pi / 2)
        actors.append(seeker)
    _idle(rng, first, seconds - 6.0)
    if seeker is not first:
        _idle(rng, seeker, seconds - 6.0)
    seeker.until(max(seconds - 6.0, seeker.now)).walk_to(spots[look][0], spots[look][1] - 0.45, np.pi / 2)
    begin = seeker.now
    seeker.do("reach", 1.8, place=(spots[look][0], spots[look][1], 0.36))
    outcome = "find" if hide == look else "miss"
    steps = (Step("hide", 0.0, hidden_at, 0), Step(outcome, begin, seeker.now, seeker.index))
    for index in range(2, cast.people):
        actor = Blocking(index, cast.identity(index), cast.outfit(index), (left + index * 0.8, high), -np.pi / 2)
        _idle(generator(seed, "idle", index), actor, seconds)
        actors.append(actor)
    for actor in actors:
        actor.until(max(seconds, actor.now))
    return Script(
        "hidden",
        "Somebody hides a ball; later somebody looks for it.",
        tuple(a.role() for a in actors),
        (*chests, ball),
        steps=steps,
    )


def _idle(rng: np.random.Generator, actor: Blocking, until: float) -> None:
    while actor.now < until - 3.0:
        actor.do(("look_around", "phone", "stretch", "talk")[int(rng.integers(4))], 2.0).wait(
            float(rng.uniform(0.2, 0.8))
        )
