"""Upright people by OpenCV's histogram-of-gradients detector (Dalal and Triggs, CVPR 2005), in chosen regions only."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# The detector's window is 64 x 128; the people it was trained on are about 96 tall in it.
WINDOW = (64, 128)
PERSON_HEIGHT = 96.0
# The box drawn around the person in it, measured on hand-drawn boxes: width, height, and how far its centre lies up.
BOX = np.array([36.0, 92.0])
BOX_RISE = 2.0


@dataclass(frozen=True)
class Hits:
    """Raw windows: `boxes` (n, 4) around the person, `margins` (n,), distance from the SVM's plane."""

    boxes: NDArray[np.float64]
    margins: NDArray[np.float64]


def make_scanner(threshold: float, stride: int) -> Callable[[NDArray[np.uint8], NDArray[np.float64], float], Hits]:
    """A function of (grey picture, region xyxy, person height in pixels) that gives the hits in that region."""
    descriptor = cv2.HOGDescriptor()
    descriptor.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())

    def scan(grey: NDArray[np.uint8], region: NDArray[np.float64], height: float) -> Hits:
        scale = PERSON_HEIGHT / height
        crop, origin = _crop(grey, region, height)
        size = (round(crop.shape[1] * scale), round(crop.shape[0] * scale))
        if size[0] < WINDOW[0] or size[1] < WINDOW[1]:
            return Hits(np.zeros((0, 4)), np.zeros(0))
        resized = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        corners, margins = descriptor.detect(resized, threshold, (stride, stride), (0, 0))
        if not len(corners):
            return Hits(np.zeros((0, 4)), np.zeros(0))
        centre = np.asarray(corners, float).reshape(-1, 2) + np.array(WINDOW) / 2 - [0, BOX_RISE]
        boxes = np.concatenate([centre - BOX / 2, centre + BOX / 2], 1) / scale + np.tile(origin, 2)
        return Hits(boxes, np.asarray(margins, float).reshape(-1))

    return scan


def _crop(
    grey: NDArray[np.uint8], region: NDArray[np.float64], height: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The region with the room that a window needs at its edge; outside the picture the last pixels repeat."""
    side, above = 0.3 * height, 0.2 * height
    x1, y1 = int(region[0] - side), int(region[1] - above)
    x2, y2 = int(np.ceil(region[2] + side)), int(np.ceil(region[3] + above))
    rows, columns = grey.shape
    inside = grey[max(y1, 0) : min(y2, rows), max(x1, 0) : min(x2, columns)]
    padding = max(-y1, 0), max(y2 - rows, 0), max(-x1, 0), max(x2 - columns, 0)
    if any(padding):
        inside = cv2.copyMakeBorder(inside, *padding, cv2.BORDER_REPLICATE)
    return inside, np.array([x1, y1], float)


def scan_all(
    scan: Callable[[NDArray[np.uint8], NDArray[np.float64], float], Hits],
    pool: ThreadPoolExecutor,
    grey: NDArray[np.uint8],
    jobs: list[tuple[NDArray[np.float64], float]],
) -> Hits:
    """All hits of (region, person height) jobs, in the order of the jobs whatever thread ends first."""
    parts = list(pool.map(lambda job: scan(grey, *job), jobs))
    if not parts:
        return Hits(np.zeros((0, 4)), np.zeros(0))
    return Hits(np.concatenate([p.boxes for p in parts]), np.concatenate([p.margins for p in parts]))
