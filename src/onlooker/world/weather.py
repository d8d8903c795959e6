"""What the air and the sensor add to a finished picture: rain, snow, the light's noise."""

from __future__ import annotations

import cv2
import numpy as np

from onlooker.world.canvas import Image
from onlooker.world.light import Light
from onlooker.world.seeds import generator

_MARGIN = 64


class Sensor:
    """Adds weather and noise; the same frame index gives the same bytes, in any order."""

    def __init__(self, light: Light, size: tuple[int, int], seed: int) -> None:
        self._light = light
        self._size = size
        width, height = size
        rng = generator(seed, "sensor")
        self._shifts = rng.integers(0, _MARGIN, (251, 2))
        field = np.rint(rng.normal(0, light.noise, (height + _MARGIN, width + _MARGIN)))
        self._more = np.repeat(np.clip(field, 0, 255).astype(np.uint8)[..., None], 3, 2)
        self._less = np.repeat(np.clip(-field, 0, 255).astype(np.uint8)[..., None], 3, 2)
        count = {"rain": 260, "snow": 320}.get(light.weather, 0)
        self._drops = rng.random((count, 4))

    def expose(self, image: Image, index: int, time: float) -> Image:
        """The picture as recorded."""
        if len(self._drops):
            self._precipitate(image, time)
        width, height = self._size
        y, x = self._shifts[index * 7 % len(self._shifts)].tolist()
        window = (slice(y, y + height), slice(x, x + width))
        return np.asarray(cv2.subtract(cv2.add(image, self._more[window]), self._less[window]), np.uint8)

    def _precipitate(self, image: Image, time: float) -> None:
        width, height = self._size
        near = 0.35 + 0.65 * self._drops[:, 2]
        if self._light.weather == "rain":
            x = (self._drops[:, 0] + 0.05 * time) % 1.1 * width
            y = (self._drops[:, 1] + time * 2.6 * near) % 1.1 * height
            length, colour = 0.055 * height * near, (206, 212, 220)
            ends = np.stack([x, y, x - 0.08 * length, y - length], -1)
            streaks = image.copy()
            for x1, y1, x2, y2 in np.rint(ends * 4).astype(int).tolist():
                cv2.line(streaks, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA, 2)
            cv2.addWeighted(image, 0.62, streaks, 0.38, 0, dst=image)
            return
        drift = 0.02 * np.sin(2 * np.pi * (0.3 * time + self._drops[:, 3]))
        x = (self._drops[:, 0] + drift + 0.03 * time) % 1.1 * width
        y = (self._drops[:, 1] + time * 0.22 * near) % 1.1 * height
        size = np.maximum(near * height / 130, 0.6)
        for column, row, radius in np.rint(np.stack([x, y, size], -1) * 4).astype(int).tolist():
            cv2.circle(image, (column, row), radius, (244, 246, 250), -1, cv2.LINE_AA, 2)
