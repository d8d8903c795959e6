"""Faces, and heads with shoulders, by OpenCV's bundled Haar cascades (Viola and Jones, CVPR 2001), for close views."""

from __future__ import annotations

import os
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import MissingDependency


@dataclass(frozen=True)
class Parts:
    """`boxes` (n, 4) of the part itself, xyxy pixels, `weights` (n,) of the cascade's last stage."""

    boxes: NDArray[np.float64]
    weights: NDArray[np.float64]


NO_PARTS = Parts(np.zeros((0, 4)), np.zeros(0))


def load_cascade(name: str) -> cv2.CascadeClassifier:
    """A bundled cascade. Errors: MissingDependency when this OpenCV does not carry it (OpenCV 5 does not)."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = os.path.join(folder, f"haarcascade_{name}.xml")
    cascade = cv2.CascadeClassifier(path) if hasattr(cv2, "CascadeClassifier") else None
    if cascade is None or cascade.empty():
        raise MissingDependency(
            f"OpenCV {cv2.__version__} carries no cascade '{name}': install opencv-python-headless>=4.10,<5."
        )
    return cascade


def find_parts(
    cascade: cv2.CascadeClassifier, grey: NDArray[np.uint8], scale: float, smallest: int, neighbours: int
) -> Parts:
    """Where the cascade fires on `grey`, which is the picture times `scale`; sorted, in picture pixels."""
    if min(grey.shape) <= smallest:
        return NO_PARTS
    found, _, weights = cascade.detectMultiScale3(
        grey, scaleFactor=1.15, minNeighbors=neighbours, minSize=(smallest, smallest), outputRejectLevels=True
    )
    if not len(found):
        return NO_PARTS
    corners = np.asarray(found, float)
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], 1) / scale
    strength = np.asarray(weights, float).reshape(-1)
    order = np.lexsort((*boxes.T, -strength))
    return Parts(boxes[order], strength[order])


def body_from_face(face: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """The visible body under upright faces: seven and a half heads tall, cut to the picture."""
    side = face[:, 2] - face[:, 0]
    centre = (face[:, 0] + face[:, 2]) / 2
    top = face[:, 1] - 0.35 * side
    return _body(centre, top, 1.5 * side, 8.0 * side, width, height)


def body_from_shoulders(part: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """The visible body under head-and-shoulder boxes."""
    side = part[:, 2] - part[:, 0]
    centre = (part[:, 0] + part[:, 2]) / 2
    return _body(centre, part[:, 1] + 0.08 * side, 0.35 * side, 2.2 * side, width, height)


def _body(
    centre: NDArray[np.float64],
    top: NDArray[np.float64],
    half: NDArray[np.float64],
    tall: NDArray[np.float64],
    width: float,
    height: float,
) -> NDArray[np.float64]:
    boxes = np.stack([centre - half, top, centre + half, top + tall], 1)
    return boxes.clip(0, [width, height, width, height])
