"""The scales of a frame: sizes that shrink by the square root of two down to 32 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FACTOR = 2**0.5
SMALLEST = 32

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Level:
    """One scale: `scale` original pixels make one of its own."""

    scale: float
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """As OpenCV wants it: width first."""
        return self.width, self.height


def levels(width: int, height: int, most: int = 8) -> tuple[Level, ...]:
    """All scales at which the shorter side has at least 32 pixels: one at least, `most` at most.

    >>> [(level.width, level.height) for level in levels(104, 80)]
    [(104, 80), (74, 57), (52, 40)]
    """
    found, side = [], float(min(width, height))
    for number in range(most):
        if number and side < SMALLEST:
            break
        scale = FACTOR**number
        found.append(Level(scale, round(width / scale), round(height / scale)))
        side /= FACTOR
    return tuple(found)


def grey_levels(frame: Grey, sizes: tuple[Level, ...]) -> list[Grey]:
    """A grey frame at every scale, each resized bilinearly from the one before."""
    found = [frame]
    for level in sizes[1:]:
        found.append(cv2.resize(found[-1], level.size, interpolation=cv2.INTER_LINEAR))
    return found


def to_grey(image: NDArray[np.uint8]) -> Grey:
    """An RGB image with the weights 0.299, 0.587, 0.114.

    >>> to_grey(np.full((2, 2, 3), 7, np.uint8)).tolist()
    [[7, 7], [7, 7]]
    """
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
