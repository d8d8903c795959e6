"""What a place is made of: textured surfaces, solid props and the spots that scripts refer to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from onlooker.world.body import Colour
from onlooker.world.canvas import Image
from onlooker.world.geometry import Floats


@dataclass(frozen=True, slots=True)
class Surface:
    """A textured rectangle: `corner` is the texture's top left, `right` and `down` span it (metres). Seen from its
    front only, so that a camera outside looks in through the wall behind which it stands. Painted in given order."""

    corner: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    texture: Image
    ground: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """A flat convex face, its corners in order around (seen from outside, counter-clockwise); `texture` fills four
    corners."""

    corners: Floats
    colour: Colour
    texture: Image | None = None
    level: bool = False  # a table top: things stand on it, so its far edge counts as its depth
    both: bool = False  # seen from behind too


@dataclass(frozen=True, slots=True)
class Prop:
    """A thing that stays where it is. `label` names it in the truth; an empty label is clutter without an id."""

    label: str
    facets: tuple[Facet, ...]
    casts: bool = True  # throws a shadow


@dataclass(frozen=True, slots=True)
class Spot:
    """Somewhere to do something: stand at `place` facing `yaw`, hands at `reach` (a point in space)."""

    name: str
    place: tuple[float, float]
    yaw: float
    reach: tuple[float, float, float] = (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class View:
    """A good place for a camera: it stands at `position` and looks at `target` (`fov` degrees)."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A place: what it looks like, where people can walk and which spots they use."""

    name: str
    surfaces: tuple[Surface, ...]
    props: tuple[Prop, ...]
    area: tuple[float, float, float, float]  # x1, y1, x2, y2 where people walk
    views: tuple[View, ...]
    spots: dict[str, Spot] = field(default_factory=dict)
    indoors: bool = False
    background: str = "street"  # its ambient sound


def _turned(points: Floats, yaw: float, place: tuple[float, float, float]) -> Floats:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) + np.array(place), np.float64)


def box(
    place: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: Colour,
    *,
    yaw: float = 0.0,
    front: Image | None = None,
    top: Colour | None = None,
) -> tuple[Facet, ...]:
    """A box that stands on `place` (middle of its bottom), `size` (x, y, z); `front` is the texture of its -y side."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    low = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
    high = low + np.array([0, 0, z])
    faces = [
        (np.array([high[0], high[1], low[1], low[0]])[::-1], front, False),
        (np.array([low[1], low[2], high[2], high[1]]), None, False),
        (np.array([low[2], low[3], high[3], high[2]]), None, False),
        (np.array([low[3], low[0], high[0], high[3]]), None, False),
        (high, None, True),
    ]
    return tuple(
        Facet(_turned(corners, yaw, place), top if level and top is not None else colour, texture, level)
        for corners, texture, level in faces
    )


def cylinder(
    place: tuple[float, float, float],
    radius: float,
    height: float,
    colour: Colour,
    *,
    sides: int = 8,
    taper: float = 1.0,
) -> tuple[Facet, ...]:
    """An upright post or bin; `taper` scales the radius at the top."""
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], -1)
    low = ring * radius + np.array(place)
    high = ring * radius * taper + np.array(place) + np.array([0, 0, height])
    following = np.roll(np.arange(sides), -1)
    walls = [Facet(np.array([low[i], low[j], high[j], high[i]]), colour) for i, j in enumerate(following)]
    return (*walls, Facet(high, colour, None, True))


def blob(
    rng: np.random.Generator, place: tuple[float, float, float], radius: float, colour: Colour, count: int = 9
) -> tuple[Facet, ...]:
    """Foliage: leafy lumps as facets that are seen from every side."""
    lumps = []
    for index in range(count):
        offset = rng.normal(0, 0.42, 3) * radius
        shade = 0.75 + 0.35 * index / count + float(rng.uniform(-0.06, 0.06))
        red, green, blue = (int(np.clip(c * shade, 0, 255)) for c in colour)
        size = radius * float(rng.uniform(0.45, 0.7))
        angle = np.arange(11) * 2 * np.pi / 11
        ragged = size * rng.uniform(0.82, 1.12, 11)
        corners = np.stack([np.cos(angle) * ragged, np.zeros(11), np.sin(angle) * ragged], -1)
        lumps.append(Facet(corners + offset + np.array(place), (red, green, blue), both=True))
    return tuple(lumps)


def rail(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    height: float,
    colour: Colour,
    *,
    gap: float = 0.25,
) -> tuple[Facet, ...]:
    """A railing with upright bars, in short pieces so that each hides what stands behind it and nothing else."""
    first, last = np.array(start), np.array(end)
    length = float(np.linalg.norm(last - first))
    along = (last - first) / length
    facets = []
    count = max(int(length / gap), 1)
    for index in range(count):
        here, there = first + along * gap * index, first + along * gap * (index + 1)
        for level, thick in ((height, 0.05), (0.12, 0.04)):
            facets.append(_strip(here, there, level, thick, colour))
        facets.append(_strip(here, here + along * 0.035, height, height, colour))
    return tuple(facets)


def _strip(here: Floats, there: Floats, top: float, thick: float, colour: Colour) -> Facet:
    up, low = np.array([0, 0, top]), np.array([0, 0, top - thick])
    return Facet(np.array([here + low, there + low, there + up, here + up]), colour, both=True)
