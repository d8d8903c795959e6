"""Objects that people handle: their shapes, where they rest and who holds them, over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.body import Colour
from onlooker.world.geometry import Floats

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Solid:
    """A strand of an object, in metres around the middle of its bottom: heights, half-widths at both, colour share
    and ends."""

    low: float
    high: float
    low_size: tuple[float, float]
    high_size: tuple[float, float]
    shade: float = 1.0
    round: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of object. `grip` is the height at which a hand holds it; `wide` ones take both hands."""

    solids: tuple[Solid, ...]
    grip: float
    sound: str
    wide: bool = False


def _round(radius: float) -> tuple[float, float]:
    return radius, radius


KINDS: dict[str, Kind] = {
    "cup": Kind(
        (
            Solid(0, 0.10, _round(0.036), _round(0.044)),
            Solid(0.03, 0.08, (0.012, 0.02), (0.012, 0.02), 0.8, 0.5, (0.0, -0.05)),
        ),
        0.05,
        "clink",
    ),
    "bottle": Kind(
        (Solid(0, 0.18, _round(0.038), _round(0.038)), Solid(0.18, 0.27, _round(0.034), _round(0.014), 0.9, 0.2)),
        0.10,
        "bottle",
    ),
    "kettle": Kind(
        (Solid(0, 0.17, _round(0.09), _round(0.06)), Solid(0.17, 0.22, _round(0.02), _round(0.015), 0.6)), 0.2, "clink"
    ),
    "box": Kind(
        (Solid(0, 0.26, (0.18, 0.14), (0.18, 0.14)), Solid(0.24, 0.265, (0.185, 0.145), (0.185, 0.145), 0.8)),
        0.10,
        "thud",
        True,
    ),
    "book": Kind((Solid(0, 0.22, (0.08, 0.02), (0.08, 0.02)),), 0.10, "thud"),
    "phone": Kind((Solid(0, 0.14, (0.035, 0.008), (0.035, 0.008)),), 0.06, "click"),
    "ball": Kind((Solid(0.10, 0.14, _round(0.10), _round(0.10), 1.0, 1.0),), 0.12, "thud"),
    "bag": Kind(
        (Solid(0, 0.28, (0.15, 0.06), (0.12, 0.05)), Solid(0.28, 0.36, (0.05, 0.01), (0.03, 0.01), 0.6, 0.5)),
        0.36,
        "rustle",
    ),
    "basket": Kind(
        (Solid(0, 0.2, (0.15, 0.11), (0.2, 0.14)), Solid(0.2, 0.34, (0.02, 0.12), (0.02, 0.03), 0.7)), 0.34, "click"
    ),
    "tin": Kind(
        (Solid(0, 0.13, _round(0.05), _round(0.05)), Solid(0.04, 0.09, _round(0.051), _round(0.051), 1.35)),
        0.07,
        "clink",
    ),
    "toy": Kind(
        (
            Solid(0.05, 0.13, _round(0.06), _round(0.05), 1.0, 1.0),
            Solid(0.18, 0.2, _round(0.05), _round(0.05), 1.1, 1.0),
        ),
        0.10,
        "squeak",
    ),
    "stool": Kind(
        (Solid(0, 0.38, _round(0.13), _round(0.12), 0.8), Solid(0.38, 0.42, _round(0.2), _round(0.2))), 0.4, "thud"
    ),
    "plate": Kind((Solid(0, 0.02, _round(0.06), _round(0.12)),), 0.02, "clink"),
    "chest": Kind(
        (Solid(0, 0.34, (0.24, 0.18), (0.24, 0.18)), Solid(0.3, 0.36, (0.25, 0.19), (0.25, 0.19), 0.7)),
        0.34,
        "thud",
        True,
    ),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of the scene: unique name, kind (key of `KINDS`), colour and where it rests at first (its bottom)."""

    name: str
    kind: str
    colour: Colour
    place: Point
    yaw: float = 0.0

    @property
    def noun(self) -> str:
        """How captions call it."""
        return self.kind


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody has a thing from `start` to `end`; it rests at `after` from then on (None: it is passed on)."""

    start: float
    end: float
    role: int
    hand: str
    after: Point | None


@dataclass(frozen=True, slots=True)
class Hinged:
    """A door or lid that acts open and close: `hinge` (bottom), `width`, `height`, `yaw` when closed, `swing` when
    open."""

    name: str
    noun: str
    hinge: Point
    width: float
    height: float
    yaw: float
    swing: float
    colour: Colour

    def corners(self, opened: Floats) -> tuple[Floats, Floats]:
        """Bottom middle (time, 3) and yaw of the leaf (time,) for how far it is open (0 to 1)."""
        yaw = self.yaw + self.swing * opened
        along = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], -1)
        return np.array(self.hinge) + along * self.width / 2, yaw

    def handle(self, opened: Floats) -> Floats:
        """Where a hand takes hold, (time, 3)."""
        yaw = self.yaw + self.swing * opened
        along = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], -1)
        side = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros_like(yaw)], -1)
        return np.asarray(
            np.array(self.hinge) + along * self.width * 0.86 + side * 0.05 + np.array([0, 0, self.height * 0.52]),
            np.float64,
        )
