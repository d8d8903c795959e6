"""A film set: a painted street front, lamps on stands, a director's chair, a table, crates and a dolly track."""

from __future__ import annotations

import numpy as np

from onlooker.world import textures
from onlooker.world.scenery import Facet, Prop, Spot, Stage, Surface, View, box, cylinder
from onlooker.world.seeds import generator

_PPM = 44


def build(place: int) -> Stage:
    """The set that belongs to a place seed: a bar table in the middle before a backdrop whose motif the seed
    chooses."""
    rng = generator(place, "film set")
    return Stage(
        name="film_set",
        surfaces=_surfaces(rng),
        props=_props(),
        area=(-2.4, -1.4, 2.4, 1.0),
        views=(
            View((0.0, -5.2, 1.7), (0.0, 0.6, 1.05), 56),
            View((-2.9, -3.4, 1.6), (0.5, 0.4, 1.15), 50),
            View((2.9, -3.4, 1.6), (-0.5, 0.4, 1.15), 50),
            View((0.3, -3.0, 3.6), (0.0, 0.7, 0.6), 66),
        ),
        spots={
            "table left": Spot("table left", (-0.75, 0.9), 0.0, (-0.15, 0.9, 1.02)),
            "table right": Spot("table right", (0.75, 0.9), np.pi, (0.15, 0.9, 1.02)),
            "mark a": Spot("mark a", (-1.4, -0.5), 0.0),
            "mark b": Spot("mark b", (1.4, -0.5), np.pi),
            "chair": Spot("chair", (-2.2, 1.35), -np.pi / 2, (-2.2, 1.8, 0.46)),
        },
        indoors=True,
        background="room",
    )


def _surfaces(rng: np.random.Generator) -> tuple[Surface, ...]:
    floor = textures.grain(rng, (104, 104, 108), 9 * _PPM, 10 * _PPM, 4, 128)
    for x, y in ((3.6, 3.5), (6.4, 3.5)):
        floor[int(y * _PPM) - 2 : int(y * _PPM) + 2, int(x * _PPM) - 9 : int(x * _PPM) + 9] = (226, 90, 60)
    back = textures.facade(rng, int(3.2 * _PPM), 6 * _PPM, _PPM) if rng.random() < 0.6 else _dusk(rng)
    dark = textures.grain(rng, (58, 58, 64), 4 * _PPM, 10 * _PPM, 3)
    return (
        Surface((5, -5.4, 4.0), (-10, 0, 0), (0, 0, -4), dark),
        Surface((-5, 3.6, 4.0), (10, 0, 0), (0, 0, -4), dark),
        Surface((-5, -5.4, 4.0), (0, 9, 0), (0, 0, -4), dark),
        Surface((5, 3.6, 4.0), (0, -9, 0), (0, 0, -4), dark),
        Surface((-5, 3.6, 0.0), (10, 0, 0), (0, -9, 0), floor, True),
        Surface((-3, 3.2, 3.2), (6, 0, 0), (0, 0, -3.2), back),
    )


def _dusk(rng: np.random.Generator) -> np.ndarray:
    tall, wide = int(3.2 * _PPM), 6 * _PPM
    sky = np.linspace((58, 64, 120), (238, 158, 104), tall).astype(np.uint8)[:, None].repeat(wide, 1)
    ridge = (0.72 + 0.10 * textures.noise(rng, 1, wide, 64)[0] / 3) * tall
    rows = np.arange(tall)[:, None]
    sky[rows > ridge[None]] = (48, 40, 56)
    return sky


def _props() -> tuple[Prop, ...]:
    black = (44, 44, 48)
    return (
        Prop(
            "table",
            (*cylinder((0, 0.9, 0), 0.05, 1.0, black), *cylinder((0, 0.9, 1.0), 0.42, 0.03, (150, 110, 74), sides=14)),
        ),
        Prop("lamp", _lamp(-3.2, 0.6, 1)),
        Prop("lamp", _lamp(3.2, 0.9, -1)),
        Prop(
            "chair",
            (
                *box((-2.2, 1.8, 0.40), (0.5, 0.44, 0.06), (170, 48, 44)),
                *box((-2.2, 2.02, 0.46), (0.5, 0.04, 0.5), (170, 48, 44)),
                *box((-2.42, 1.8, 0), (0.05, 0.4, 0.4), black),
                *box((-1.98, 1.8, 0), (0.05, 0.4, 0.4), black),
            ),
        ),
        Prop(
            "crate",
            (
                *box((2.3, 1.9, 0), (0.7, 0.6, 0.5), (136, 108, 72)),
                *box((2.35, 1.95, 0.5), (0.45, 0.4, 0.35), (120, 94, 62)),
            ),
        ),
    )


def _lamp(x: float, y: float, side: int) -> tuple[Facet, ...]:
    stand = cylinder((x, y, 0), 0.04, 2.2, (40, 40, 44))
    return (*stand, *box((x + 0.1 * side, y - 0.1, 2.15), (0.42, 0.3, 0.36), (250, 240, 206)))
