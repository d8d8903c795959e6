"""A street: pavement, road with a crossing, houses, trees, lamps, parked cars, benches and bins."""

from __future__ import annotations

import numpy as np

from onlooker.world import textures
from onlooker.world.body import Colour
from onlooker.world.scenery import Facet, Prop, Spot, Stage, Surface, View, blob, box, cylinder
from onlooker.world.seeds import generator

_PPM = 36  # texture pixels per metre
_LEFT, _RIGHT = -26.0, 26.0


def build(place: int) -> Stage:
    """The street that belongs to a place seed; x runs along it, y across, the near pavement is -8 < y < 1."""
    rng = generator(place, "street")
    return Stage(
        name="street",
        surfaces=_surfaces(rng),
        props=_props(rng),
        area=(-9.0, -3.2, 9.0, 0.4),
        views=(
            View((0.4, -10.4, 2.7), (0.0, 0.0, 1.05), 52),
            View((-9.5, -8.0, 3.4), (0.5, -0.5, 0.9), 54),
            View((8.8, -8.6, 2.2), (-1.0, -0.8, 1.0), 50),
            View((0.0, -7.0, 6.5), (0.0, -0.6, 0.5), 62),
        ),
        spots={
            "crossing": Spot("crossing", (3.5, 0.6), np.pi / 2),
            "bench": Spot("bench", (-4.6, 0.05), -np.pi / 2, (-4.6, 0.5, 0.46)),
            "bin": Spot("bin", (1.6, 0.0), np.pi / 2, (1.6, 0.55, 0.95)),
            "door": Spot("door", (-1.0, 9.2), np.pi / 2),
        },
        background="street",
    )


def _surfaces(rng: np.random.Generator) -> tuple[Surface, ...]:
    wide = int((_RIGHT - _LEFT) * _PPM)
    span = (_RIGHT - _LEFT, 0.0, 0.0)
    near = textures.paving(
        rng, _pick(rng, ((168, 160, 150), (150, 150, 148), (176, 158, 138))), 12 * _PPM, wide, (_PPM // 2, _PPM)
    )
    road = textures.asphalt(rng, 6 * _PPM, wide, _PPM, 0.5)
    left = int((2.2 - _LEFT) * _PPM)
    textures.crossing(road, left, left + 3 * _PPM, _PPM)
    far = textures.paving(rng, (158, 154, 148), int(2.6 * _PPM), wide, (_PPM // 2, _PPM))
    houses = textures.facade(rng, 9 * _PPM, wide, _PPM)
    behind = textures.facade(rng, 8 * _PPM, wide, _PPM)
    kerb = np.full((8, 64, 3), 186, np.uint8)
    return (
        Surface((_RIGHT, -11.0, 8.0), (_LEFT - _RIGHT, 0.0, 0.0), (0, 0, -8.0), behind),
        Surface((_LEFT, 9.6, 9.0), span, (0, 0, -9.0), houses),
        Surface((_LEFT, 9.6, 0.0), span, (0, -2.6, 0), far, True),
        Surface((_LEFT, 7.0, 0.0), span, (0, -6.0, 0), road, True),
        Surface((_LEFT, 1.0, 0.0), span, (0, -12.0, 0), near, True),
        Surface((_LEFT, 1.12, 0.0), span, (0, -0.16, 0), kerb, True),
    )


def _props(rng: np.random.Generator) -> tuple[Prop, ...]:
    props: list[Prop] = []
    for x in np.arange(-21, 22, 7.0) + rng.uniform(-1, 1):
        props.append(Prop("lamp", cylinder((float(x), 0.78, 0.0), 0.07, 5.2, (66, 70, 72), taper=0.6)))
    for x in np.arange(-18, 20, 8.5) + rng.uniform(-2, 2, 5):
        trunk = cylinder((float(x), 7.6, 0.0), 0.16, 2.4, (92, 72, 54), taper=0.7)
        props.append(Prop("tree", (*trunk, *blob(rng, (float(x), 7.6, 3.4), 1.35, (74, 112, 58), 12))))
    for x in (-14.0, -8.2, 7.4, 13.5):
        if rng.random() < 0.8:
            props.append(Prop("car", _car(float(x + rng.uniform(-0.8, 0.8)), 6.1, _pick(rng, _PAINTS))))
    props.append(Prop("bench", _bench(-4.6, 0.55)))
    props.append(Prop("bin", cylinder((1.6, 0.6, 0.0), 0.24, 0.9, (62, 84, 66), taper=1.1)))
    if rng.random() < 0.7:
        props.append(Prop("post box", cylinder((6.6, 0.55, 0.0), 0.26, 1.35, (178, 36, 34), sides=10)))
    return tuple(props)


_PAINTS: tuple[Colour, ...] = (
    (150, 28, 32),
    (36, 60, 110),
    (196, 198, 200),
    (40, 42, 46),
    (88, 104, 92),
    (206, 196, 170),
)


def _car(x: float, y: float, paint: Colour) -> tuple[Facet, ...]:
    body = box((x, y, 0.28), (4.2, 1.7, 0.55), paint)
    glass: Colour = (70, 84, 96)
    cabin = box((x - 0.15, y, 0.83), (2.3, 1.5, 0.52), glass, top=paint)
    angle = np.arange(12) * np.pi / 6
    wheels = []
    for offset in (-1.3, 1.3):
        corners = np.stack([np.cos(angle) * 0.32, np.zeros(12), np.sin(angle) * 0.32], -1)
        wheels.append(Facet(corners + np.array([x + offset, y - 0.87, 0.32]), (30, 30, 32), both=True))
        wheels.append(Facet(corners * 0.55 + np.array([x + offset, y - 0.88, 0.32]), (150, 152, 156), both=True))
    return (*body, *cabin, *wheels)


def _bench(x: float, y: float) -> tuple[Facet, ...]:
    wood: Colour = (134, 96, 62)
    seat = box((x, y, 0.38), (1.7, 0.42, 0.07), wood)
    back = box((x, y + 0.24, 0.52), (1.7, 0.05, 0.36), wood)
    legs = [box((x + offset, y, 0.0), (0.07, 0.36, 0.38), (60, 62, 64)) for offset in (-0.7, 0.7)]
    return (*back, *legs[0], *legs[1], *seat)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]
