"""The picture under construction: colours, which instance owns each pixel, and the depth that decides who hides
whom."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
FAR = np.float32(1e6)


@dataclass(slots=True)
class Canvas:
    """`image` (h, w, 3) uint8 RGB, `instances` (h, w) uint16 (0: nobody), `depth` (h, w) float32, `ground` (h, w)
    uint8 0 or 255.

    Depth is that of the place on the floor below a thing (camera depth in metres), so one thing hides another as a
    whole.
    """

    image: Image
    instances: NDArray[np.uint16]
    depth: NDArray[np.float32]
    ground: Image

    @classmethod
    def empty(cls, size: tuple[int, int]) -> Canvas:
        """A black picture of (width, height)."""
        width, height = size
        return cls(
            np.zeros((height, width, 3), np.uint8),
            np.zeros((height, width), np.uint16),
            np.full((height, width), FAR, np.float32),
            np.zeros((height, width), np.uint8),
        )

    def copy(self) -> Canvas:
        """A canvas to paint on; the ground, which nobody changes, is shared."""
        return Canvas(self.image.copy(), self.instances.copy(), self.depth.copy(), self.ground)

    def clip(self, box: NDArray[np.float64]) -> tuple[int, int, int, int] | None:
        """The whole pixels (x1, y1, x2, y2) of a box inside the picture, or None."""
        height, width = self.depth.shape
        x1, y1 = max(int(np.floor(box[0])), 0), max(int(np.floor(box[1])), 0)
        x2, y2 = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
        return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


SHIFT = 4  # fractional bits of the coordinates given to OpenCV


def fixed(points: NDArray[np.float64], origin: tuple[int, int], zoom: int) -> NDArray[np.int32]:
    """Continuous picture coordinates as OpenCV fixed-point pixels of a region that starts at `origin`, `zoom`
    times enlarged."""
    local = (points - np.array(origin, np.float64)) * zoom - 0.5
    return np.rint(np.clip(local, -4e6, 4e6) * (1 << SHIFT)).astype(np.int32, order="C")


@dataclass(slots=True)
class Patchwork:
    """One figure on its own small canvas, `zoom` times enlarged; what is painted here lands in the picture with
    smooth edges."""

    origin: tuple[int, int]
    zoom: int
    colour: Image
    shade: Image
    depth: NDArray[np.float32]

    @classmethod
    def open(cls, region: tuple[int, int, int, int], zoom: int) -> Patchwork:
        """A patchwork over a region (x1, y1, x2, y2) of the picture."""
        x1, y1, x2, y2 = region
        height, width = (y2 - y1) * zoom, (x2 - x1) * zoom
        return cls(
            (x1, y1),
            zoom,
            np.zeros((height, width, 3), np.uint8),
            np.full((height, width), 160, np.uint8),
            np.full((height, width), FAR, np.float32),
        )

    def close(
        self,
        canvas: Canvas,
        instance: int,
        tint: tuple[float, float, float],
        fog: tuple[float, tuple[int, int, int]],
    ) -> NDArray[np.bool_]:
        """Put the figure into the picture where nothing nearer stands. Returns its whole silhouette (h, w) of the
        region."""
        height, width = (size // self.zoom for size in self.shade.shape)
        x, y = self.origin
        window = (slice(y, y + height), slice(x, x + width))
        colour = self._lit(tint, fog)
        behind = canvas.depth[window]
        target = canvas.image[window]
        if self.zoom > 1:
            behind = cv2.resize(behind, (width * self.zoom, height * self.zoom), interpolation=cv2.INTER_NEAREST)
            target = cv2.resize(target, (width * self.zoom, height * self.zoom), interpolation=cv2.INTER_NEAREST)
        solid = self.depth < FAR
        front = self.depth <= behind
        front &= solid
        shown = cv2.copyTo(colour, front.view(np.uint8), np.ascontiguousarray(target))
        if self.zoom > 1:
            shown = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
        canvas.image[window] = shown
        pick = (slice(None, None, self.zoom), slice(None, None, self.zoom))
        front, depth = front[pick], self.depth[pick]
        np.copyto(canvas.instances[window], np.uint16(instance), where=front)
        np.copyto(canvas.depth[window], depth, where=front)
        return solid[pick]

    def _lit(self, tint: tuple[float, float, float], fog: tuple[float, tuple[int, int, int]]) -> Image:
        shade = cv2.blur(self.shade, (3, 3))
        light = cv2.merge([cv2.convertScaleAbs(shade, alpha=channel) for channel in tint])
        colour = cv2.multiply(self.colour, light, scale=1 / 160)
        density, haze = fog
        if density > 0.01:
            colour = cv2.addWeighted(colour, 1 - density, np.full_like(colour, haze), density, 0)
        return np.asarray(colour, np.uint8)


def darken(image: Image, mask: Image, strength: float) -> None:
    """Multiply an image in place by 1 - strength where the mask is 255, and less where it is less."""
    factor = cv2.bitwise_not(cv2.convertScaleAbs(mask, alpha=strength))
    cv2.multiply(image, cv2.merge([factor, factor, factor]), dst=image, scale=1 / 255)
