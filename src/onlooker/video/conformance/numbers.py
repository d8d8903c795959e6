"""Pictures that carry a number which survives lossy coding, and the reading of it.

The upper three quarters of a picture hold 6 x 4 black or white cells: 16 bits of the number in Gray code, then an
8-bit checksum. The lower quarter shows the numeral to people. Pictures smaller than 24 x 16 carry the number as one
grey level instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError

Image = NDArray[np.uint8]

COLUMNS, ROWS = 6, 4
CODE_HEIGHT = 0.75
BLACK, WHITE = 40, 215
SMALLEST = (24, 16)
LEVEL_FIRST, LEVEL_STEP, LEVELS = 24, 26, 9
CONTRAST = 60.0  # least difference between a black and a white cell
MARGIN = 0.15  # a cell closer than this share of the contrast to the threshold is not read


@dataclass(frozen=True)
class Reading:
    """What a picture says: its number (None: unreadable) and by how many quarter turns it lies on its side."""

    number: int | None
    turns: int = 0

    @property
    def upright(self) -> int | None:
        """The number if the picture stands upright, else None."""
        return self.number if self.turns == 0 else None


def draw(number: int, width: int, height: int) -> Image:
    """An RGB picture `(height, width, 3)` that carries `number`."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return _draw_level(number, width, height)
    grey = np.full((height, width), 128, np.uint8)
    for (top, bottom, left, right), bit in zip(_cells(width, height), _bits(number), strict=True):
        grey[top:bottom, left:right] = WHITE if bit else BLACK
    _draw_numeral(grey, number)
    return np.asarray(cv2.merge([grey, grey, grey]), np.uint8)


def read(image: Image) -> Reading:
    """The number of a picture, tried upright first and then on its sides."""
    if image.shape[1] < SMALLEST[0] or image.shape[0] < SMALLEST[1]:
        return Reading(_read_level(image))
    for turns in range(4):
        turned = np.rot90(image, turns)
        if turned.shape[1] < SMALLEST[0] or turned.shape[0] < SMALLEST[1]:
            continue
        number = _read_cells(turned)
        if number is not None:
            return Reading(number, turns)
    return Reading(None)


def _draw_numeral(grey: Image, number: int) -> None:
    height, width = grey.shape
    strip = height - int(height * CODE_HEIGHT)
    if strip < 10:
        return
    scale = strip / 32
    cv2.putText(grey, str(number), (2, height - strip // 5), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, round(scale)))
    # a bar that walks: motion in every frame, as real video has
    left = number * 3 % width
    grey[height - strip : height - strip + 2, left : left + 6] = 20


def _draw_level(number: int, width: int, height: int) -> Image:
    if not 0 <= number < LEVELS:
        raise ConfigError(f"a {width}x{height} picture carries the numbers 0 to {LEVELS - 1}, not {number}")
    return np.full((height, width, 3), LEVEL_FIRST + LEVEL_STEP * number, np.uint8)


def _read_level(image: Image) -> int | None:
    level = (float(image.mean()) - LEVEL_FIRST) / LEVEL_STEP
    number = round(level)
    return number if 0 <= number < LEVELS and abs(level - number) < 0.4 else None


def _read_cells(image: Image) -> int | None:
    height, width = image.shape[:2]
    means = np.array([image[box].mean() for box in _centres(width, height)])
    low, high = float(means.min()), float(means.max())
    if high - low < CONTRAST:
        return None
    away = (means - (low + high) / 2) / (high - low)
    if float(np.abs(away).min()) < MARGIN:
        return None
    bits = away > 0
    gray = int(sum(1 << k for k in range(16) if bits[k]))
    number = gray
    for shift in (8, 4, 2, 1):
        number ^= number >> shift
    return number if np.array_equal(bits, _bits(number)) else None


def _bits(number: int) -> NDArray[np.bool_]:
    if not 0 <= number < 1 << 16:
        raise ConfigError(f"frame numbers have 16 bits: {number} does not fit")
    word = (number ^ number >> 1) | _checksum(number) << 16
    return np.array([word >> k & 1 for k in range(COLUMNS * ROWS)], np.bool_)


def _checksum(number: int) -> int:
    """CRC-8 (polynomial 0x07), started at 0x5A so that a black picture is no code."""
    value = 0x5A
    for byte in (number >> 8, number & 0xFF):
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value


def _cells(width: int, height: int) -> list[tuple[int, int, int, int]]:
    xs = [round(k * width / COLUMNS) for k in range(COLUMNS + 1)]
    ys = [round(k * height * CODE_HEIGHT / ROWS) for k in range(ROWS + 1)]
    return [(ys[r], ys[r + 1], xs[c], xs[c + 1]) for r in range(ROWS) for c in range(COLUMNS)]


def _centres(width: int, height: int) -> list[tuple[slice, slice]]:
    """The inner part of each cell: ringing at the edges does not count."""
    boxes = []
    for top, bottom, left, right in _cells(width, height):
        dy, dx = (bottom - top) // 4, (right - left) // 4
        boxes.append((slice(top + dy, bottom - dy), slice(left + dx, right - dx)))
    return boxes
