"""Boxes, ids and trails drawn onto a frame; faces or people hidden."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
HEAD = 0.22  # part of a standing person's box, from the top, that holds the head with some margin


def color_of(track_id: int) -> tuple[int, int, int]:
    """An RGB colour for a track: consecutive ids get hues far apart (golden ratio)."""
    hue = (track_id * 0.6180339887) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_trail(image: Image, points: NDArray[np.float32], track_id: int) -> None:
    """A line through the foot points `(n, 2)`, in place."""
    if len(points) > 1:
        thickness = max(1, round(image.shape[0] / 360))
        cv2.polylines(image, [np.rint(points).astype(np.int32)], False, color_of(track_id), thickness, cv2.LINE_AA)


def draw_box(image: Image, box: Sequence[float], track_id: int, text: str, *, observed: bool) -> None:
    """One person's box with a caption, in place; thinner where the tracker only bridges a gap."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    color = color_of(track_id)
    thick = max(1, round(height / 300)) if observed else 1
    cv2.rectangle(image, (x1, y1), (x2, y2), color, thick, cv2.LINE_AA)
    scale = max(0.38, height / 1100)
    (w, h), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = min(max(0, x1), max(0, width - w - 4))
    top = y1 - h - base - 3 if y1 - h - base - 3 >= 0 else min(y1 + 1, height - h - base - 3)
    cv2.rectangle(image, (left, top), (left + w + 4, top + h + base + 3), color, cv2.FILLED)
    cv2.putText(image, text, (left + 2, top + h + 2), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)


def hide(image: Image, boxes: NDArray[np.float32], what: str) -> None:
    """Pixelate `people` (whole boxes) or `faces` (the head part of each box), in place, beyond recognition."""
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes:
        bottom = y2 if what == "people" else y1 + HEAD * (y2 - y1) + 0.25 * (x2 - x1) * (y2 - y1 < 1.5 * (x2 - x1))
        left, top = max(0, int(x1) - 2), max(0, int(y1) - 2)
        right, low = min(width, int(np.ceil(x2)) + 2), min(height, int(np.ceil(bottom)) + 2)
        if right - left > 1 and low - top > 1:
            patch = image[top:low, left:right]
            blocks = (max(1, (right - left) * 4 // max(right - left, low - top)), 4)
            tiny = cv2.resize(patch, blocks, interpolation=cv2.INTER_AREA)
            image[top:low, left:right] = cv2.resize(tiny, (right - left, low - top), interpolation=cv2.INTER_NEAREST)
