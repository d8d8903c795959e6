"""Soft shadows of people on the ground."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from onlooker.world.camera import NEAR, Camera
from onlooker.world.canvas import Canvas, darken
from onlooker.world.geometry import Floats
from onlooker.world.light import Light
from onlooker.world.pose import JOINT

# bones and their radii in metres, enough for a shadow
_BONES = [
    ("pelvis", "chest", 0.16),
    ("chest", "neck", 0.17),
    ("neck", "head_top", 0.10),
    ("l_hip", "l_knee", 0.08),
    ("l_knee", "l_ankle", 0.055),
    ("r_hip", "r_knee", 0.08),
    ("r_knee", "r_ankle", 0.055),
    ("l_heel", "l_toe", 0.06),
    ("r_heel", "r_toe", 0.06),
    ("l_shoulder", "l_elbow", 0.05),
    ("l_elbow", "l_hand", 0.04),
    ("r_shoulder", "r_elbow", 0.05),
    ("r_elbow", "r_hand", 0.04),
]
_FIRST = np.array([JOINT[a] for a, _, _ in _BONES])
_SECOND = np.array([JOINT[b] for _, b, _ in _BONES])
_RADIUS = np.array([radius for _, _, radius in _BONES])


def paint_shadows(canvas: Canvas, camera: Camera, skeletons: Sequence[Floats], light: Light) -> None:
    """Darken the ground under people given as joints (joint, 3), before they are painted."""
    if not skeletons or light.shadow <= 0:
        return
    height, width = canvas.depth.shape
    mask = np.zeros((height // 2 + 1, width // 2 + 1), np.uint8)
    toward = light.vector
    joints = np.stack(skeletons)
    fallen = joints - toward * (joints[..., 2:] / toward[2])
    pixels, depth = camera.project(fallen * np.array([1, 1, 0.0]))
    scale = camera.K[0, 0] / np.maximum(depth, NEAR)
    thick = np.maximum(np.rint(scale[:, _FIRST] * _RADIUS), 1).astype(int)
    half = np.rint(np.clip(pixels / 2, -9000, 9000) * 4).astype(np.int32)
    for body in range(len(joints)):
        if (depth[body] < NEAR).any():
            continue
        for first, second, size in zip(
            half[body, _FIRST].tolist(), half[body, _SECOND].tolist(), thick[body].tolist(), strict=True
        ):
            cv2.line(mask, first, second, 255, min(size, 60), 8, 2)
    x, y, wide, tall = cv2.boundingRect(mask)
    if not wide:
        return
    soft = max(width // 200, 1) * 2 + 1
    x1, y1 = max(x - soft, 0), max(y - soft, 0)
    x2, y2 = min(x + wide + soft, width // 2), min(y + tall + soft, height // 2)
    part = cv2.blur(mask[y1:y2, x1:x2], (soft, soft))
    part = cv2.resize(part, ((x2 - x1) * 2, (y2 - y1) * 2), interpolation=cv2.INTER_LINEAR)
    window = (slice(y1 * 2, y2 * 2), slice(x1 * 2, x2 * 2))
    part = cv2.bitwise_and(part, canvas.ground[window])
    darken(canvas.image[window], part, light.shadow)
