"""Activities that come together: who waves is waved at, applause spreads, a pointing hand turns heads."""

from __future__ import annotations

import numpy as np

from onlooker.world.blocking import Blocking
from onlooker.world.scenery import Stage
from onlooker.world.script import Script
from onlooker.world.scripts.cast import Cast
from onlooker.world.seeds import generator

# P(another person does the second | somebody did the first)
RESPONSES: dict[str, tuple[tuple[str, float], ...]] = {
    "wave": (("wave", 0.8), ("talk", 0.3)),
    "clap": (("clap", 0.85), ("jump", 0.35)),
    "point": (("look_around", 0.8),),
    "talk": (("talk", 0.5),),
    "jump": (("clap", 0.5),),
    "phone": (),
}


def correlated(stage: Stage, cast: Cast, seconds: float, seed: int) -> Script:
    """People stand in a row; every few seconds one starts something and others answer with the odds of `RESPONSES`."""
    rng = generator(seed, "correlated")
    left, low, right, high = stage.area
    actors = []
    for index in range(cast.people):
        x = left * 0.55 + (right - left) * 0.55 * (index + 0.5) / max(cast.people, 1)
        y = (low + high) / 2 + float(rng.uniform(-0.4, 0.4))
        actors.append(
            Blocking(
                index, cast.identity(index), cast.outfit(index), (x, y), float(-np.pi / 2 + rng.uniform(-0.5, 0.5))
            )
        )
    starts = tuple(RESPONSES)
    now = float(rng.uniform(0.2, 1.0))
    while now < seconds - 2.5 and actors:
        leader = int(rng.integers(len(actors)))
        action = starts[int(rng.integers(len(starts)))]
        actors[leader].until(now).do(action, 2.2, place=(0.0, 6.0, 1.5) if action == "point" else None)
        for other in actors:
            for answer, odds in RESPONSES[action]:
                if other is not actors[leader] and rng.random() < odds / max(len(actors) - 1, 1) ** 0.3:
                    other.until(now + float(rng.uniform(0.4, 0.9))).do(answer, float(rng.uniform(1.6, 2.4)))
                    break
        now = max(actor.now for actor in actors) + float(rng.uniform(0.3, 1.2))
    for actor in actors:
        actor.until(max(seconds, actor.now))
    return Script("correlated", "People in a row answer what one of them starts.", tuple(a.role() for a in actors))
