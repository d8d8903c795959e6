"""What a body does besides walking: each motion gives some channels over its own time, and how much it rules them.

A motion is a function of `u` (0 at its start, 1 at its end, any shape (time,)), of `cycles` (how often a repeated
movement repeats) and a `Style`. It returns channel values and a weight (time,) in [0, 1]. Channels that it leaves
out go on with what they did, so motions of different body parts combine. Motions that are each other's time
reversal are made from one function.
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
    size, jerk = np.clip(rng.normal(1, 0.1, 2), 0.75, 1.25)
    return Style(hand, float(size), float(jerk), float(rng.random()))


def envelope(u: Floats, share: float = 0.22) -> Floats:
    """Up at the start, down at the end, symmetric in time."""
    return smoothstep(u / share) * smoothstep((1 - u) / share)


def backwards(motion: Motion) -> Motion:
    """The same motion with time reversed."""

    def reversed_motion(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
        return motion(1 - u, cycles, style)

    return reversed_motion


def one_hand(style: Style, **values: Floats | float) -> Values:
    """Channels of the arm that the style uses."""
    return {f"{style.hand}_{name}": np.asarray(value, np.float64) for name, value in values.items()}


def both(**values: Floats | float) -> Values:
    """The same channel values on the left and on the right."""
    return {f"{side}_{name}": np.asarray(value, np.float64) for side in "lr" for name, value in values.items()}


def wave(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """A raised hand that swings from side to side."""
    swing = np.sin(2 * np.pi * (cycles * u + style.phase))
    values = one_hand(
        style,
        abduct=2.0 * style.size**0.3 + 0.16 * swing,
        flex=0.35,
        turn=-0.3,
        elbow=0.85 + 0.42 * style.size * swing,
        wrist=-0.3 * swing,
    )
    return values | {"smile": np.full_like(u, 0.8)}, envelope(u)


def talk(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Speech with small gestures of both hands and a moving mouth."""
    beat = np.sin(2 * np.pi * (0.4 * cycles * u + style.phase))
    slow = np.sin(2 * np.pi * (0.17 * cycles * u + 2 * style.phase))
    values = speak(u, cycles, style)[0] | {"nod": 0.06 * beat, "look": 0.10 * slow, "brow": 0.4 * np.maximum(slow, 0)}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        values[f"{side}_flex"] = 0.25 + 0.15 * style.size * (beat * sign + slow)
        values[f"{side}_elbow"] = 1.15 + 0.35 * style.size * beat * sign
    return values, envelope(u, 0.12)


def speak(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """The mouth alone, as `talk` moves it; `mouth_opening` gives the sound the same rhythm."""
    return {"mouth": mouth_opening(u, cycles, style.phase)}, envelope(u, 0.05)


def mouth_opening(u: Floats, cycles: float, phase: float) -> Floats:
    """How far the mouth is open, 0 to 1: about two syllables per cycle, stressed unevenly."""
    stress = 0.6 + 0.4 * np.sin(2 * np.pi * (0.31 * cycles * u + phase))
    return 0.75 * stress * np.maximum(np.sin(4 * np.pi * cycles * u), 0)


def look_around(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """The head turns to both sides."""
    turn = np.sin(2 * np.pi * (0.35 * cycles * u + style.phase))
    return {"look": 0.85 * style.size * turn, "twist": 0.18 * turn}, envelope(u)


def jumps(cycles: float) -> int:
    """How many jumps `jump` makes of so many cycles."""
    return max(round(0.6 * cycles), 1)


def jump(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Crouch, fly, land, about once a second at speed 1."""
    beat = (jumps(cycles) * u) % 1.0
    low = smoothstep(beat / 0.25) * smoothstep((0.42 - beat) / 0.12) + smoothstep((beat - 0.68) / 0.1) * smoothstep(
        (1 - beat) / 0.2
    )
    flight = np.clip((beat - 0.40) / 0.30, 0, 1)
    height = 4 * flight * (1 - flight) * 0.32 * style.size
    swing = smoothstep((beat - 0.22) / 0.24) * smoothstep((0.98 - beat) / 0.3)
    values = both(
        hip=0.95 * low,
        knee=1.55 * low,
        ankle=-0.6 * low + 0.5 * np.sign(height) * np.sqrt(height),
        flex=-0.7 * low + 2.0 * swing,
        elbow=0.5 + 0.3 * low,
    )
    return values | {"pitch": 0.30 * low, "lift": height, "plant": low}, envelope(u, 0.06)


def stretch(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Both arms up, once."""
    up = envelope(u, 0.4)
    return both(abduct=2.7 * style.size**0.5, elbow=0.3) | {"bend": -0.15 * up, "nod": -0.2 * up}, up


def still(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Nothing of its own: what the hands do is placed by `reaching`."""
    return {}, np.zeros_like(u)


def push(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Weight behind both hands (which `reaching` places)."""
    lean = envelope(u, 0.4)
    return {"pitch": 0.28 * lean, "l_hip": 0.55 * lean, "l_knee": 0.35 * lean, "r_hip": -0.25 * lean}, lean


def stumble(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Pushed off balance: the trunk gives way, the arms fly up."""
    jolt = smoothstep(u / 0.15) * smoothstep((1 - u) / 0.7)
    values = both(abduct=0.2 + 0.7 * jolt, flex=0.5 * jolt, elbow=0.5)
    return values | {
        "pitch": -0.30 * jolt,
        "bend": 0.2 * jolt,
        "nod": 0.25 * jolt,
        "l_knee": 0.4 * jolt,
        "r_hip": 0.35 * jolt,
        "mouth": 0.7 * jolt,
    }, jolt


def drink(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """The head goes back while the hand (placed by `reaching`) holds the cup at the mouth."""
    tip = smoothstep((u - 0.28) / 0.2) * smoothstep((0.85 - u) / 0.15)
    return {"nod": -0.28 * tip, "mouth": 0.25 * tip}, envelope(u, 0.25)
