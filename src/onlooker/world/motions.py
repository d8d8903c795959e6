"""What a body does besides walking: each motion gives some channels over its own time, and how much it rules them.

A motion is a function of `u` (0 at its start, 1 at its end, any shape (time,)), of `cycles` (how often a repeated movement
repeats) and a `Style`. It returns channel values and a weight (time,) in [0, 1]. Channels that it leaves out go on with what
they did, so motions of different body parts combine. Motions that are each other's time reversal are made from one function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from onlooker.world.geometry import Floats, smoothstep
from onlooker.world.seeds import generator


@dataclass(frozen=True, slots=True)
class Style:
    """How somebody moves: the hand used ("l" or "r"), `size` and `jerk` about 1, `phase` in cycles."""

    hand: str = "r"
    size: float = 1.0
    jerk: float = 1.0
    phase: float = 0.0


Values = dict[str, Floats]
Motion = Callable[[Floats, float, Style], tuple[Values, Floats]]


def make_style(identity: int, hand: str, *names: str | int) -> Style:
    """A personal style, the same for one person and occasion in every run."""
    rng = generator(identity, "style", *names)
    return Style(hand, float(np.clip(rng.normal(1, 0.1), 0.75, 1.25)), float(np.clip(rng.normal(1, 0.12), 0.7, 1.3)), float(rng.random()))


def envelope(u: Floats, share: float = 0.22) -> Floats:
    """Up at the start, down at the end, symmetric in time."""
    return smoothstep(u / share) * smoothstep((1 - u) / share)


def _hand(style: Style, **values: Floats | float) -> Values:
    return {f"{style.hand}_{name}": np.asarray(value, np.float64) for name, value in values.items()}


def wave(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """A raised hand that swings from side to side."""
    swing = np.sin(2 * np.pi * (cycles * u + style.phase))
    values = _hand(style, abduct=2.0 * style.size**0.3 + 0.16 * swing, flex=0.35, turn=-0.3, elbow=0.85 + 0.42 * style.size * swing, wrist=-0.3 * swing)
    values["smile"] = np.full_like(u, 0.8)
    return values, envelope(u)


def talk(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Speech with small gestures of both hands and a moving mouth."""
    beat = np.sin(2 * np.pi * (0.4 * cycles * u + style.phase))
    slow = np.sin(2 * np.pi * (0.17 * cycles * u + 2 * style.phase))
    mouth = np.maximum(np.sin(2 * np.pi * cycles * u) * (0.6 + 0.4 * np.sin(2 * np.pi * (0.31 * cycles * u + style.phase))), 0)
    values: Values = {"mouth": 0.7 * mouth, "nod": 0.06 * beat, "look": 0.10 * slow, "brow": 0.4 * np.maximum(slow, 0)}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        values[f"{side}_flex"] = 0.25 + 0.15 * style.size * (beat * sign + slow)
        values[f"{side}_elbow"] = 1.15 + 0.35 * style.size * beat * sign
    return values, envelope(u, 0.12)


MOTIONS: dict[str, Motion] = {"wave": wave, "talk": talk}
