"""Boxes, captions and trails drawn onto a frame."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Color = tuple[int, int, int]
Place = tuple[int, int, int, int]
FONT = cv2.FONT_HERSHEY_SIMPLEX


@lru_cache(maxsize=4096)
def color_of(track_id: int) -> Color:
    """An RGB colour for a track: consecutive ids get hues far apart (golden ratio)."""
    hue = (track_id * 0.6180339887) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


@lru_cache(maxsize=4096)
def ink_of(track_id: int) -> Color:
    """Black or white, whichever is easier to read on the track's colour (WCAG relative luminance)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color_of(track_id)) / 255]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def draw_trail(image: Image, points: NDArray[np.float32], track_id: int) -> None:
    """A line through the foot points `(n, 2)`, in place."""
    if len(points) > 1:
        thickness = max(1, round(image.shape[0] / 360))
        cv2.polylines(image, [np.rint(points).astype(np.int32)], False, color_of(track_id), thickness, cv2.LINE_AA)


def draw_box(image: Image, box: Sequence[float], track_id: int, *, observed: bool) -> None:
    """One person's box, in place; thinner where the tracker only bridges a gap."""
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    thick = max(1, round(image.shape[0] / 300)) if observed else 1
    cv2.rectangle(image, (x1, y1), (x2, y2), color_of(track_id), thick)


def draw_captions(image: Image, boxes: Sequence[Sequence[float]], ids: Sequence[int], texts: Sequence[str]) -> None:
    """A caption at each box (`id text`), in place: moved where it would cover another, cut to the id where it must."""
    taken: list[Place] = []
    for box, track, text in zip(boxes, ids, texts, strict=True):
        words, place = _place(image.shape, box, [f"{track} {text}", str(track)] if text else [str(track)], taken)
        taken.append(place)
        left, top, right, bottom = place
        scale, height = _scale(image.shape[0]), _text_size(words, _scale(image.shape[0]))[1]
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), color_of(track), cv2.FILLED)
        cv2.putText(image, words, (left + 2, top + height + 2), FONT, scale, ink_of(track), 1, cv2.LINE_AA)


def _place(shape: tuple[int, ...], box: Sequence[float], spellings: list[str], taken: list[Place]) -> tuple[str, Place]:
    """The first spelling and place at the box that covers no other caption; else the shortest where it covers least."""
    best: tuple[int, str, Place] | None = None
    for words in spellings:
        for place in _places(shape, box, words):
            covered = sum(_overlap(place, other) for other in taken)
            if not covered:
                return words, place
            if best is None or covered < best[0]:
                best = covered, words, place
    assert best is not None, "every box has places"
    return best[1:]


def _places(shape: tuple[int, ...], box: Sequence[float], words: str) -> Iterator[Place]:
    """Above the box, below it, inside its top, inside its bottom; kept within the picture."""
    height, width = shape[:2]
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    text_width, text_height, base = _text_size(words, _scale(height))
    w, h = text_width + 4, text_height + base + 3
    for left, top in ((x1, y1 - h), (x2 - w + 1, y1 - h), (x1, y2 + 1), (x1, y1 + 1), (x2 - w, y1 + 1), (x1, y2 - h)):
        if top < 0 or top + h > height:
            top = min(max(0, y1 + 1), max(0, height - h))
        left = min(max(0, left), max(0, width - w))
        yield left, top, left + w, top + h


def _overlap(a: Place, b: Place) -> int:
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def _scale(height: int) -> float:
    return max(0.38, height / 1100)


@lru_cache(maxsize=8192)
def _text_size(text: str, scale: float) -> tuple[int, int, int]:
    (width, height), base = cv2.getTextSize(text, FONT, scale, 1)
    return width, height, base
