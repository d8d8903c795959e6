"""A room at home: crib, bed, table, chairs, cupboard with a door, rug, window and shelf."""

from __future__ import annotations

import numpy as np

from onlooker.world import textures
from onlooker.world.body import Colour
from onlooker.world.canvas import Image
from onlooker.world.scenery import Facet, Prop, Spot, Stage, Surface, View, box, rail
from onlooker.world.seeds import generator

_PPM = 56
CRIB = (1.75, 1.6, 0.42)  # middle of the mattress


def build(place: int) -> Stage:
    """The room that belongs to a place seed: crib on the right at the back, table on the left, cupboard at the back."""
    rng = generator(place, "room")
    return Stage(
        name="room",
        surfaces=_surfaces(rng),
        props=_props(rng),
        area=(-2.2, -1.6, 2.0, 0.9),
        views=(
            View((0.2, -4.9, 2.1), (0.0, 0.9, 0.8), 62),
            View((-3.0, -3.6, 2.5), (0.7, 0.9, 0.6), 64),
            View((2.9, -3.4, 2.3), (-0.3, 0.9, 0.6), 64),
            View((1.2, -0.6, 2.7), (1.7, 1.6, 0.4), 62),
        ),
        spots={
            "crib": Spot("crib", (1.75, 0.80), np.pi / 2, (1.75, 1.3, 0.5)),
            "table": Spot("table", (-1.35, 0.28), np.pi / 2, (-1.35, 0.72, 0.76)),
            "table side": Spot("table side", (-2.1, 0.28), np.pi / 2, (-1.95, 0.72, 0.76)),
            "chair": Spot("chair", (-0.35, 0.15), -np.pi / 2, (-0.35, 0.6, 0.46)),
            "cupboard": Spot("cupboard", (-0.05, 1.85), np.pi / 2, (0.08, 2.32, 0.98)),
            "rug": Spot("rug", (0.5, -0.9), 0.0),
            "door": Spot("door", (-2.9, -1.6), 0.0),
        },
        indoors=True,
        background="room",
    )


def _surfaces(rng: np.random.Generator) -> tuple[Surface, ...]:
    floor = textures.planks(rng, (168, 128, 88), 8 * _PPM, 7 * _PPM, 9)
    paint: Colour = ((206, 200, 184), (190, 204, 208), (210, 196, 196))[int(rng.integers(3))]
    back = textures.grain(rng, paint, int(2.7 * _PPM), 7 * _PPM, 2)
    _window(back, int(1.0 * _PPM), int(0.5 * _PPM))
    back[-_PPM // 8 :] = 232
    side = textures.grain(rng, darker(paint), int(2.7 * _PPM), 8 * _PPM, 2)
    side[-_PPM // 8 :] = 226
    rug = textures.grain(rng, (150, 74, 70), 90, 130, 6)
    rug[6:-6, 6:-6] = np.clip(rug[6:-6, 6:-6].astype(int) + 26, 0, 255).astype(np.uint8)
    front = textures.grain(rng, paint, int(2.7 * _PPM), 7 * _PPM, 2)
    front[int(0.6 * _PPM) :, int(1.2 * _PPM) : int(2.1 * _PPM)] = (150, 116, 84)
    return (
        Surface((3.5, -5.2, 2.7), (-7, 0, 0), (0, 0, -2.7), front),
        Surface((-3.5, 2.8, 2.7), (7, 0, 0), (0, 0, -2.7), back),
        Surface((-3.5, -5.2, 2.7), (0, 8, 0), (0, 0, -2.7), side),
        Surface((3.5, 2.8, 2.7), (0, -8, 0), (0, 0, -2.7), side[:, ::-1].copy()),
        Surface((-3.5, 2.8, 0.0), (7, 0, 0), (0, -8, 0), floor, True),
        Surface((-0.6, -0.3, 0.0), (2.4, 0, 0), (0, -1.5, 0), rug, True),
    )


def darker(colour: Colour) -> Colour:
    """The same paint on a wall that gets less light."""
    red, green, blue = (int(value * 0.94) for value in colour)
    return red, green, blue


def _window(wall: Image, x: int, y: int) -> None:
    tall, wide = int(1.2 * _PPM), int(1.3 * _PPM)
    wall[y - 4 : y + tall + 4, x - 4 : x + wide + 4] = 236
    wall[y : y + tall, x : x + wide] = np.linspace((176, 206, 236), (214, 226, 232), tall).astype(np.uint8)[:, None]
    wall[y + tall // 2 - 1 : y + tall // 2 + 2, x : x + wide] = 236
    wall[y : y + tall, x + wide // 2 - 1 : x + wide // 2 + 2] = 236


def _props(rng: np.random.Generator) -> tuple[Prop, ...]:
    oak = (176, 132, 88)
    return (
        Prop("crib", _crib()),
        Prop("table", _table(-1.5, 1.0, oak)),
        Prop("chair", _chair(-0.35, 0.6, (120, 84, 58))),
        Prop("cupboard", _cupboard(0.0, 2.55)),
        Prop("shelf", _bookshelf(rng, -2.9, 2.62)),
    )


def _crib() -> tuple[Facet, ...]:
    x, y, z = CRIB
    white = (228, 224, 214)
    mattress = box((x, y, 0.22), (1.3, 0.72, z - 0.22), (236, 232, 226), top=(206, 220, 234))
    near = rail((x - 0.68, y - 0.40, 0), (x + 0.68, y - 0.40, 0), 0.78, white, gap=0.11)
    far = rail((x - 0.68, y + 0.40, 0), (x + 0.68, y + 0.40, 0), 0.92, white, gap=0.11)
    ends = [box((x + side, y, 0), (0.05, 0.8, 0.95), white) for side in (-0.7, 0.7)]
    return (*far, *ends[0], *ends[1], *mattress, *near)


def _table(x: float, y: float, colour: tuple[int, int, int]) -> tuple[Facet, ...]:
    legs = [box((x + dx, y + dy, 0), (0.07, 0.07, 0.70), colour) for dx in (-0.7, 0.7) for dy in (-0.3, 0.3)]
    return (
        *(facet for leg in legs for facet in leg),
        *box((x, y, 0.70), (1.6, 0.75, 0.05), colour, top=(196, 154, 108)),
    )


def _chair(x: float, y: float, colour: tuple[int, int, int]) -> tuple[Facet, ...]:
    legs = [box((x + dx, y + dy, 0), (0.05, 0.05, 0.40), colour) for dx in (-0.19, 0.19) for dy in (-0.18, 0.18)]
    seat = box((x, y, 0.40), (0.46, 0.44, 0.05), colour)
    back = box((x, y + 0.22, 0.45), (0.46, 0.04, 0.48), colour)
    return (*(facet for leg in legs for facet in leg), *back, *seat)


def _cupboard(x: float, y: float) -> tuple[Facet, ...]:
    colour = (206, 198, 180)
    inside = (112, 102, 92)
    shell = box((x, y, 0), (1.2, 0.45, 0.9), colour, top=(180, 150, 112))
    upper = box((x, y + 0.05, 0.9), (1.2, 0.35, 0.85), colour)
    hole = Facet(
        np.array(
            [[x - 0.3, y - 0.14, 0.95], [x + 0.4, y - 0.14, 0.95], [x + 0.4, y - 0.14, 1.6], [x - 0.3, y - 0.14, 1.6]]
        ),
        inside,
    )
    board = box((x + 0.05, y - 0.2, 0.93), (0.7, 0.14, 0.02), (150, 136, 116))
    return (*shell, *upper, hole, *board)


def _bookshelf(rng: np.random.Generator, x: float, y: float) -> tuple[Facet, ...]:
    front = textures.shelf_front(rng, 150, 90, 4)
    return box((x, y, 0), (0.95, 0.3, 1.6), (110, 82, 60), front=front)
