"""How a stored picture is turned and mirrored before it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to show a picture: transpose first, then mirror.

    >>> Orientation.of_degrees(90).degrees
    90
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of_degrees(cls, degrees: int) -> Orientation:
        """Counter-clockwise turn by a multiple of 90 degrees."""
        return {
            0: cls(),
            90: cls(True, False, True),
            180: cls(False, True, True),
            270: cls(True, True, False),
        }[degrees % 360]

    @classmethod
    def of_picture(cls, picture: Any) -> Orientation:
        """From the display matrix of a decoded picture (nine 16.16 numbers; x' = a x + c y, y' = b x + d y)."""
        for item in picture.side_data:
            if item.type.name == "DISPLAYMATRIX":
                a, b, _, c, d = np.frombuffer(bytes(item), np.int32)[:5].tolist()
                if abs(b) > abs(a):
                    return cls(True, c < 0, b < 0)
                return cls(False, a < 0, d < 0)
        return cls()

    @property
    def degrees(self) -> int:
        """The counter-clockwise turn in degrees, leaving mirroring aside."""
        if self.transpose:
            return 90 if self.flip_y else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """Whether left and right are swapped as in a mirror."""
        return (self.transpose + self.flip_x + self.flip_y) % 2 == 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Displayed (width, height) of a stored size."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, image: NDArray[Any]) -> NDArray[Any]:
        """`image` (height, width, channels) as it is shown."""
        if self.transpose:
            image = cv2.transpose(image)
        if self.flip_x or self.flip_y:
            image = cv2.flip(image, -1 if self.flip_x and self.flip_y else int(self.flip_x))
        return image

    def points(self, points: NDArray[Any], width: int, height: int) -> NDArray[Any]:
        """Stored pixel positions (n, 2) as x, y to displayed ones; `width` and `height` are the stored size."""
        shown_width, shown_height = self.size(width, height)
        x, y = (points[:, 1], points[:, 0]) if self.transpose else (points[:, 0], points[:, 1])
        return np.stack((shown_width - x if self.flip_x else x, shown_height - y if self.flip_y else y), axis=1)
