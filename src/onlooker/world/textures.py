"""Textures of floors, walls and shelves, drawn from a seed. All return uint8 RGB (height, width, 3)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.world.body import Colour
from onlooker.world.canvas import Image

Generator = np.random.Generator


def noise(rng: Generator, height: int, width: int, scale: int = 64, octaves: int = 4) -> NDArray[np.float32]:
    """Smooth noise with mean 0 and a spread of about 1; `scale` is the size of the largest blobs in pixels."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(scale >> octave, 1)
        small = rng.standard_normal((height // cell + 2, width // cell + 2)).astype(np.float32)
        total += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total / max(float(total.std()), 1e-6)


def grain(rng: Generator, colour: Colour, height: int, width: int, spread: float = 8.0, scale: int = 64) -> Image:
    """A plain material with natural variation."""
    field = noise(rng, height, width, scale) * np.float32(spread)
    field += rng.standard_normal((height, width), np.float32) * np.float32(spread * 0.5)
    out: Image = np.clip(np.array(colour, np.float32) + field[..., None], 0, 255).astype(np.uint8)
    return out


def paving(rng: Generator, colour: Colour, height: int, width: int, tile: tuple[int, int], joint: int = 1) -> Image:
    """Slabs in running bond, each with a shade of its own."""
    tall, wide = tile
    rows = np.arange(height) // tall
    across = np.arange(width)[None] + (wide // 2) * (rows % 2)[:, None]
    shades = rng.integers(-9, 10, (rows[-1] + 1, (width + wide) // wide + 1)).astype(np.int16)
    out = grain(rng, colour, height, width, 5.0).astype(np.int16) + shades[rows[:, None], across // wide][..., None]
    gaps = (across % wide < joint) | (np.arange(height) % tall < joint)[:, None]
    out[gaps] = [int(c * 0.72) for c in colour]
    shown: Image = np.clip(out, 0, 255).astype(np.uint8)
    return shown


def asphalt(rng: Generator, height: int, width: int, per_metre: int, lanes: float) -> Image:
    """A road with a dashed middle line; the texture's height is the road's width."""
    out = grain(rng, (92, 94, 98), height, width, 6.0, 48)
    middle = int(height * lanes)
    for x in range(0, width, 5 * per_metre):
        cv2.rectangle(
            out, (x, middle - per_metre // 12), (x + 2 * per_metre, middle + per_metre // 12), (214, 214, 206), -1
        )
    return out


def crossing(texture: Image, left: int, right: int, per_metre: int) -> None:
    """Paint a zebra crossing over a road texture between two columns."""
    for y in range(per_metre // 4, texture.shape[0] - per_metre // 2, per_metre):
        cv2.rectangle(texture, (left, y), (right, y + per_metre // 2), (222, 222, 214), -1)


def facade(rng: Generator, height: int, width: int, per_metre: int) -> Image:
    """A row of houses: brick or plaster, windows in floors, doors and shop windows at street level. Row 0 is the
    roof."""
    out = np.zeros((height, width, 3), np.uint8)
    palette: tuple[Colour, ...] = (
        (168, 120, 96),
        (190, 172, 140),
        (150, 140, 132),
        (184, 150, 118),
        (134, 106, 92),
        (200, 190, 172),
    )
    x = 0
    while x < width:
        wide = int(rng.integers(5, 9)) * per_metre
        colour = palette[int(rng.integers(len(palette)))]
        house = _house(rng, colour, height, wide, per_metre)
        out[:, x : x + wide] = house[:, : width - x]
        x += wide
    return out


def _house(rng: Generator, colour: Colour, height: int, width: int, per_metre: int) -> Image:
    brick = bool(rng.random() < 0.5)
    wall = (
        paving(rng, colour, height, width, (max(per_metre // 6, 3), max(per_metre // 3, 6)))
        if brick
        else grain(rng, colour, height, width, 6)
    )
    frame: Colour = (222, 218, 208) if rng.random() < 0.6 else (70, 62, 58)
    floor, bay = 3 * per_metre, int(1.9 * per_metre)
    for level in range(1, height // floor + 1):
        top = height - level * floor + int(0.7 * per_metre)
        for left in range(int(0.5 * per_metre), width - int(1.2 * per_metre), bay):
            if level == 1:
                continue
            _window(rng, wall, left, top, int(1.1 * per_metre), int(1.5 * per_metre), frame)
    _ground_floor(rng, wall, per_metre, frame)
    cv2.rectangle(wall, (0, 0), (width - 1, height - 1), tuple(int(c * 0.7) for c in colour), 2)
    return wall


def _window(rng: Generator, wall: Image, x: int, y: int, wide: int, tall: int, frame: Colour) -> None:
    glass = int(rng.integers(50, 120))
    cv2.rectangle(wall, (x - 3, y - 3), (x + wide + 3, y + tall + 3), frame, -1)
    cv2.rectangle(wall, (x, y), (x + wide, y + tall), (glass, glass + 12, glass + 26), -1)
    pane = wall[max(y, 0) : y + tall, x : x + wide]
    bottom, right = pane.shape[0], pane.shape[1]
    cv2.line(pane, (0, bottom), (right, 0), (glass + 22, glass + 34, glass + 46), max(right // 8, 1))
    cv2.line(wall, (x + wide // 2, y), (x + wide // 2, y + tall), frame, 2)


def _ground_floor(rng: Generator, wall: Image, per_metre: int, frame: Colour) -> None:
    height, width = wall.shape[:2]
    top = height - int(2.5 * per_metre)
    door = int(rng.integers(per_metre // 2, max(width - 2 * per_metre, per_metre)))
    red, green, blue = rng.integers(40, 150, 3).tolist()
    paint: Colour = (red, green, blue)
    if rng.random() < 0.6:
        _window(rng, wall, int(0.4 * per_metre), top, width - int(0.8 * per_metre), int(1.9 * per_metre), paint)
        cv2.rectangle(
            wall,
            (int(0.3 * per_metre), top - int(0.55 * per_metre)),
            (width - int(0.3 * per_metre), top - 4),
            paint,
            -1,
        )
    else:
        for x in range(int(0.5 * per_metre), width - int(1.3 * per_metre), int(2.2 * per_metre)):
            _window(rng, wall, x, top + int(0.2 * per_metre), int(1.2 * per_metre), int(1.3 * per_metre), frame)
    cv2.rectangle(wall, (door, height - int(2.2 * per_metre)), (door + per_metre, height), paint, -1)
    cv2.circle(wall, (door + int(0.85 * per_metre), height - per_metre), max(per_metre // 20, 1), (210, 200, 150), -1)


def planks(rng: Generator, colour: Colour, height: int, width: int, board: int) -> Image:
    """A wooden floor with boards along the rows."""
    out = grain(rng, colour, height, width, 4.0, 96)
    streaks = cv2.resize(rng.normal(0, 7, (height, 8)).astype(np.float32), (width, height))
    out = np.clip(out + streaks[..., None], 0, 255).astype(np.uint8)
    for row, y in enumerate(range(0, height, board)):
        cv2.line(out, (0, y), (width, y), tuple(int(c * 0.7) for c in colour), 1)
        for x in range(int(rng.integers(0, board * 4)) + row % 2, width, board * 9):
            cv2.line(out, (x, y), (x, y + board), tuple(int(c * 0.7) for c in colour), 1)
    return np.asarray(out, np.uint8)


def shelf_front(rng: Generator, height: int, width: int, levels: int) -> Image:
    """The front of a shelf with goods. Row 0 is the top."""
    out = np.full((height, width, 3), 58, np.uint8)
    step = height // levels
    for level in range(levels):
        base = (level + 1) * step - max(step // 10, 2)
        x = 2
        while x < width - 4:
            wide, tall = int(rng.integers(step // 5, step // 2)), int(rng.integers(step // 2, int(step * 0.84)))
            hue = tuple(int(v) for v in rng.integers(50, 240, 3))
            for _ in range(int(rng.integers(1, 4))):
                if x + wide > width - 3:
                    break
                cv2.rectangle(out, (x, base - tall), (x + wide - 2, base), hue, -1)
                label = tuple(min(int(v * 1.4) + 25, 255) for v in hue)
                cv2.rectangle(
                    out, (x + wide // 5, base - tall * 2 // 3), (x + wide * 3 // 4, base - tall // 3), label, -1
                )
                x += wide
            x += int(rng.integers(1, 6))
        cv2.rectangle(out, (0, base), (width, base + max(step // 10, 2)), (196, 194, 188), -1)
    return out
