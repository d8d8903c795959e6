"""Textured pictures that move in known ways."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Smooth noise, 0 to 255."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5) + 2 * cv2.GaussianBlur(noise, (0, 0), 4)
    return np.clip(128 + 50 * smooth / smooth.std(), 0, 255)


def slide(image: NDArray[np.float32], dx: float, dy: float, height: int, width: int) -> NDArray[np.uint8]:
    """A window of a large picture, moved so that its content goes by (dx, dy)."""
    top, left = (image.shape[0] - height) / 2 - dy, (image.shape[1] - width) / 2 - dx
    matrix = np.array([[1, 0, left], [0, 1, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (width, height), flags=flags).round().astype(np.uint8)


def moving(frames: int, dx: float, dy: float, *, height: int = 64, width: int = 80, seed: int = 0) -> NDArray[np.uint8]:
    """RGB frames of a texture that goes by (dx, dy) in each frame."""
    large = texture(height + 200, width + 200, seed)
    grey = [slide(large, dx * t, dy * t, height, width) for t in range(frames)]
    return np.stack(grey)[..., None].repeat(3, -1)


def patch_over(frames: NDArray[np.uint8], dx: float, dy: float, size: int = 24) -> NDArray[np.uint8]:
    """The same with a square of another texture that starts in the middle and goes by (dx, dy)."""
    own = texture(size, size, 99).astype(np.uint8)[..., None]
    result = frames.copy()
    for t, frame in enumerate(result):
        top = round((frame.shape[0] - size) / 2 + dy * t)
        left = round((frame.shape[1] - size) / 2 + dx * t)
        frame[top : top + size, left : left + size] = own
    return result


@pytest.fixture(scope="session")
def make() -> dict[str, object]:
    """The functions above, for tests that are imported without a package."""
    return {"texture": texture, "slide": slide, "moving": moving, "patch_over": patch_over}
