"""A railway platform: tracks, a safety line, railing, ticket gates, columns and a bench."""

from __future__ import annotations

import numpy as np

from onlooker.world import textures
from onlooker.world.scenery import Prop, Spot, Stage, Surface, View, box, cylinder, rail
from onlooker.world.seeds import generator

_PPM = 36


def build(place: int) -> Stage:
    """The platform that belongs to a place seed: gates and railing along y = 1.2 part the hall (near) from the
    platform."""
    rng = generator(place, "platform")
    return Stage(
        name="platform",
        surfaces=_surfaces(rng),
        props=_props(),
        area=(-4.5, -2.2, 4.5, 0.4),
        views=(
            View((0.6, -8.2, 3.1), (0.0, 1.2, 0.8), 58),
            View((-6.8, -5.6, 3.6), (0.6, 1.0, 0.6), 58),
            View((6.0, -4.6, 2.4), (-0.6, 1.4, 0.9), 58),
            View((0.0, -3.2, 6.4), (0.0, 0.9, 0.2), 72),
        ),
        spots={
            "hall side": Spot("hall side", (-1.6, 0.78), np.pi / 2, (-1.6, 1.2, 1.12)),
            "track side": Spot("track side", (-1.6, 1.62), -np.pi / 2, (-1.6, 1.2, 1.12)),
            "gate in": Spot("gate in", (1.75, 0.2), np.pi / 2),
            "gate out": Spot("gate out", (1.75, 2.3), np.pi / 2),
            "edge": Spot("edge", (-0.4, 4.2), np.pi / 2),
            "bench": Spot("bench", (3.6, 3.05), -np.pi / 2, (3.6, 3.5, 0.46)),
        },
        background="station",
    )


def _surfaces(rng: np.random.Generator) -> tuple[Surface, ...]:
    wide = 30 * _PPM
    floor = textures.paving(rng, (150, 150, 152), 16 * _PPM, wide, (_PPM, _PPM))
    line = np.full((12, 240, 3), (226, 196, 52), np.uint8)
    bed = textures.grain(rng, (96, 88, 80), 3 * _PPM, wide, 12, 12)
    for x in range(0, wide, 22):
        bed[:, x : x + 8] = (74, 62, 52)
    for y in (34, 80):
        bed[y : y + 5] = (150, 148, 146)
    wall = textures.paving(rng, (186, 190, 186), 5 * _PPM, wide, (_PPM // 2, _PPM))
    wall[int(2.2 * _PPM) : int(2.9 * _PPM)] = (46, 84, 140)
    hall = textures.paving(rng, (170, 166, 158), 5 * _PPM, wide, (_PPM, 2 * _PPM))
    edge = textures.grain(rng, (120, 118, 116), 30, wide, 4)
    span = (30.0, 0.0, 0.0)
    return (
        Surface((15, -9.5, 5.0), (-30.0, 0, 0), (0, 0, -5.0), hall),
        Surface((-15, 9.0, 4.0), span, (0, 0, -5.0), wall),
        Surface((-15, 9.0, -0.9), span, (0, -3.0, 0), bed),
        Surface((-15, 6.0, 0.0), span, (0, 0, -0.9), edge),
        Surface((-15, 6.0, 0.0), span, (0, -16, 0), floor, True),
        Surface((-15, 5.45, 0.0), span, (0, -0.28, 0), line, True),
    )


def _props() -> tuple[Prop, ...]:
    steel = (176, 180, 184)
    props = [
        Prop("railing", rail((-9.0, 1.2, 0.0), (0.75, 1.2, 0.0), 1.05, steel)),
        Prop("railing", rail((2.75, 1.2, 0.0), (9.0, 1.2, 0.0), 1.05, steel)),
    ]
    for x in (1.0, 2.5):
        props.append(Prop("gate", box((x, 1.2, 0.0), (0.28, 1.1, 1.0), (82, 96, 112), top=(150, 160, 170))))
    for x in (-6.5, 0.2, 6.5):
        props.append(Prop("column", cylinder((x, 4.9, 0.0), 0.2, 4.6, (204, 206, 200), sides=10)))
    wood = (134, 100, 70)
    props.append(
        Prop(
            "bench",
            (
                *box((3.6, 3.55, 0.36), (1.7, 0.44, 0.08), wood),
                *box((3.0, 3.55, 0), (0.08, 0.4, 0.36), steel),
                *box((4.2, 3.55, 0), (0.08, 0.4, 0.36), steel),
            ),
        )
    )
    props.append(
        Prop(
            "sign",
            (*cylinder((-4.2, 3.9, 0), 0.05, 2.4, steel), *box((-4.2, 3.9, 2.4), (1.4, 0.08, 0.5), (34, 60, 120))),
        )
    )
    return tuple(props)
