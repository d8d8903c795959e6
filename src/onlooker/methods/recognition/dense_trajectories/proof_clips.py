"""The experiment's data: a blob that moves in one of four ways over textured ground, before a camera that shakes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("left", "right", "circle", "swing")
FRAMES, HEIGHT, WIDTH = 25, 120, 160
PAN = (1.0, 4.0)
"""Pixels that the camera pans in each frame, in any direction."""
JITTER = 1.5
"""Standard deviation in pixels of what shaking adds to that, anew in each frame."""
RADIUS, SPEED, REACH, PERIOD = 18, 2.0, 12.0, 14
_ROOM = 160

Places = NDArray[np.float64]
Clip = NDArray[np.uint8]


def make_clip(label: int, shaking: bool, rng: np.random.Generator) -> tuple[Clip, list[NDArray[np.float32]]]:
    """Frames (25, 120, 160, 3) and, for each, the box (1, 4) around the blob."""
    ground = _texture((HEIGHT + 2 * _ROOM, WIDTH + 2 * _ROOM), rng)
    blob = _texture((2 * RADIUS + 1, 2 * RADIUS + 1), rng)
    start = np.array([WIDTH / 2, HEIGHT / 2]) + rng.uniform(-12, 12, 2)
    path = start + blob_path(label, rng)
    shift = camera_path(rng) if shaking else np.zeros((FRAMES, 2))
    frames, boxes = [], []
    for place, camera in zip(path, shift, strict=True):
        view = _shifted(ground, _ROOM + camera, (WIDTH, HEIGHT))
        x, y = place - camera
        _paste(view, blob, x, y)
        noisy = view + rng.normal(0, 2, view.shape)
        frames.append(np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
        boxes.append(np.array([[x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS]], np.float32))
    return np.stack(frames), boxes


def blob_path(label: int, rng: np.random.Generator) -> Places:
    """Where the blob is in the world, relative to its start (25, 2)."""
    time = np.arange(FRAMES)
    phase = 2 * np.pi * (time / PERIOD + rng.random())
    across = SPEED * (time - FRAMES / 2)
    still = np.zeros(FRAMES)
    x, y = {
        "left": (-across, still),
        "right": (across, still),
        "circle": (REACH * np.cos(phase), REACH * np.sin(phase)),
        "swing": (REACH * np.cos(phase), still),
    }[CLASSES[label]]
    return np.column_stack((x, y))


def camera_path(rng: np.random.Generator) -> Places:
    """Where a shaking camera looks (25, 2): a pan at constant speed, and a random step in each frame."""
    angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(*PAN)
    steps = speed * np.array([np.cos(angle), np.sin(angle)]) + rng.normal(0, JITTER, (FRAMES, 2))
    path = np.cumsum(steps, axis=0)
    return np.asarray(path - path[FRAMES // 2], np.float64)


def _texture(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise at two scales with a standard deviation of 45 grey levels."""
    fine = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 1.5)
    coarse = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 4)
    both = fine / fine.std() + coarse / coarse.std()
    return np.asarray(128 + 45 * both / both.std(), np.float32)


def _shifted(image: NDArray[np.float32], corner: Places, size: tuple[int, int]) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, corner[0]], [0, 1, corner[1]]])
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32)


def _paste(view: NDArray[np.float32], blob: NDArray[np.float32], x: float, y: float) -> None:
    height, width = view.shape
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    inside = np.clip(RADIUS - np.hypot(columns - x, rows - y), 0, 1).astype(np.float32)
    there = _shifted(blob, np.array([RADIUS - x, RADIUS - y]), (width, height))
    view += inside * (there - view)
