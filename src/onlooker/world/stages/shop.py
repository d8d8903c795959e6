"""A shop: shelves with goods, a counter, a fridge with a door, tiled floor."""

from __future__ import annotations

import numpy as np

from onlooker.world import textures
from onlooker.world.scenery import Facet, Prop, Spot, Stage, Surface, View, box
from onlooker.world.seeds import generator

_PPM = 48


def build(place: int) -> Stage:
    """The shop that belongs to a place seed: shelves along the back and the left, the counter on the right."""
    rng = generator(place, "shop")
    return Stage(
        name="shop",
        surfaces=_surfaces(rng),
        props=_props(rng),
        area=(-3.0, -1.6, 3.0, 1.5),
        views=(
            View((0.0, -5.6, 2.5), (0.0, 1.0, 0.95), 62),
            View((3.6, -4.4, 2.7), (-0.8, 1.0, 0.8), 62),
            View((-3.6, -4.6, 2.6), (0.9, 0.8, 0.8), 60),
            View((0.0, -1.2, 5.6), (0.0, 0.2, 0.0), 80),
        ),
        spots={
            "shelf a": Spot("shelf a", (-1.9, 1.75), np.pi / 2, (-1.9, 2.2, 1.12)),
            "shelf b": Spot("shelf b", (0.0, 1.75), np.pi / 2, (0.0, 2.2, 0.72)),
            "shelf c": Spot("shelf c", (1.7, 1.75), np.pi / 2, (1.7, 2.2, 1.46)),
            "counter": Spot("counter", (2.35, 0.05), 0.0, (2.85, 0.05, 0.96)),
            "clerk": Spot("clerk", (3.75, 0.05), np.pi, (3.0, 0.25, 0.96)),
            "fridge": Spot("fridge", (-2.9, -0.25), np.pi),
            "entrance": Spot("entrance", (0.0, -2.6), np.pi / 2),
        },
        indoors=True,
        background="shop",
    )


def _surfaces(rng: np.random.Generator) -> tuple[Surface, ...]:
    floor = textures.paving(rng, (206, 202, 192), 8 * _PPM, 9 * _PPM, (_PPM // 2, _PPM // 2))
    back = textures.grain(rng, (196, 204, 200), 3 * _PPM, 9 * _PPM, 3)
    back[: _PPM // 2] = (86, 128, 104) if rng.random() < 0.5 else (150, 84, 70)
    side = textures.grain(rng, (188, 194, 192), 3 * _PPM, 8 * _PPM, 3)
    front = textures.grain(rng, (188, 194, 192), 3 * _PPM, 9 * _PPM, 3)
    front[_PPM : int(2.9 * _PPM), 3 * _PPM : 6 * _PPM] = (150, 176, 190)
    front[:, int(4.45 * _PPM) : int(4.55 * _PPM)] = (92, 96, 98)
    return (
        Surface((4.5, -5.0, 3.0), (-9, 0, 0), (0, 0, -3), front),
        Surface((-4.5, 3.0, 3.0), (9, 0, 0), (0, 0, -3), back),
        Surface((-4.5, -5.0, 3.0), (0, 8, 0), (0, 0, -3), side),
        Surface((4.5, 3.0, 3.0), (0, -8, 0), (0, 0, -3), side[:, ::-1].copy()),
        Surface((-4.5, 3.0, 0.0), (9, 0, 0), (0, -8, 0), floor, True),
    )


def _props(rng: np.random.Generator) -> tuple[Prop, ...]:
    props = []
    for x in (-1.9, 0.0, 1.7):
        front = textures.shelf_front(rng, int(1.75 * _PPM * 1.5), int(1.7 * _PPM * 1.5), 5)
        props.append(Prop("shelf", (*box((x, 2.55, 0.0), (1.7, 0.5, 1.75), (120, 112, 104), front=front), *_boards(x))))
    props.append(Prop("fridge", box((-4.0, -0.25, 0.0), (0.8, 1.0, 2.0), (214, 218, 220))))
    wood = (140, 104, 70)
    props.append(Prop("counter", box((3.0, 0.1, 0.0), (0.55, 2.2, 0.95), wood, top=(186, 178, 164))))
    props.append(Prop("till", box((3.05, 0.75, 0.95), (0.32, 0.38, 0.24), (58, 60, 64))))
    if rng.random() < 0.8:
        props.append(Prop("stand", _crates(rng, 1.2, -2.0)))
    return tuple(props)


def _boards(x: float) -> tuple[Facet, ...]:
    # narrow boards in front of the goods, on which the things that people take stand
    return tuple(
        facet for z in (0.70, 1.10, 1.44) for facet in box((x, 2.2, z - 0.03), (1.6, 0.2, 0.03), (196, 194, 188))
    )


def _crates(rng: np.random.Generator, x: float, y: float) -> tuple[Facet, ...]:
    tops = ((196, 60, 48), (222, 160, 50), (96, 150, 60))
    return tuple(
        facet
        for index, top in enumerate(tops)
        for facet in box(
            (x + 0.5 * index, y - 0.4, 0.0), (0.46, 0.4, 0.42 + float(rng.uniform(0, 0.1))), (150, 116, 78), top=top
        )
    )
