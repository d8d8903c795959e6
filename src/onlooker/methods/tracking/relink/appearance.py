"""What a person looks like, as histograms: colour (Lab) and gradient directions of head, torso and legs, each in two
halves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 32, 96
PARTS = ((0, 9), (9, 17), (17, 34), (34, 51), (51, 73), (73, 96))
LIGHT, CHROMA, DIRECTIONS = 10, 6, 8
COLOUR = LIGHT + CHROMA * CHROMA
SIZE = len(PARTS) * (COLOUR + DIRECTIONS)

Look = NDArray[np.float32]

# The sides of a person's box are mostly background: only the middle half is looked at.
_MIDDLE = slice(WIDTH // 4, WIDTH - WIDTH // 4)
_PART_OF_ROW = np.repeat(np.arange(len(PARTS)), [end - begin for begin, end in PARTS])
_PART = np.repeat(_PART_OF_ROW[:, None], WIDTH // 2, 1)
_EQUAL = np.ones(_PART.shape)


def describe(image: NDArray[np.uint8], boxes: NDArray[np.float64]) -> Look:
    """Looks `(n, SIZE)` of the people in `boxes` xyxy of an RGB picture. Each histogram sums to one."""
    looks = np.zeros((len(boxes), SIZE), np.float32)
    for row, box in enumerate(boxes):
        crop = _crop(image, box)
        if crop is not None:
            looks[row] = _look(crop)
    return looks


def _crop(image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8] | None:
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    inside = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    if inside.shape[0] < 8 or inside.shape[1] < 4:
        return None
    return np.asarray(cv2.resize(inside, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _look(crop: NDArray[np.uint8]) -> Look:
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    light, a, b = lab[:, _MIDDLE, 0], lab[:, _MIDDLE, 1] - 128, lab[:, _MIDDLE, 2] - 128
    # Dark clothes differ by little: the square root gives them more bins, as the squeeze does for greyish ones.
    lightness = _histogram(np.sqrt(light / 255) * LIGHT, LIGHT, _EQUAL)
    chroma = [(np.tanh(channel / 20) * 0.5 + 0.5) * CHROMA for channel in (a, b)]
    colour = _joint(chroma[0], chroma[1])
    gx, gy = (cv2.Sobel(lab[..., 0], cv2.CV_32F, *order)[:, _MIDDLE] for order in ((1, 0), (0, 1)))
    turn = (np.arctan2(gy, gx) % np.pi) * (DIRECTIONS / np.pi)
    directions = _histogram(turn, DIRECTIONS, np.hypot(gx, gy), circular=True)
    parts = [_unit(lightness), _unit(colour), _unit(directions)]
    return np.concatenate(parts, 1).reshape(-1).astype(np.float32)


def _joint(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Histogram per part of two values at once, each voting into its two nearest bins."""
    total = np.zeros(len(PARTS) * CHROMA * CHROMA)
    for i, share in _votes(first):
        for j, other in _votes(second):
            index = _PART * CHROMA * CHROMA + i.clip(0, CHROMA - 1) * CHROMA + j.clip(0, CHROMA - 1)
            total += np.bincount(index.reshape(-1), weights=(share * other).reshape(-1), minlength=len(total))
    return total.reshape(len(PARTS), -1)


def _votes(value: NDArray[np.float32]) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """The two nearest bins of each value and their shares of its vote, so that a little change changes little."""
    shifted = value - 0.5
    low = np.floor(shifted).astype(np.int64)
    share = (shifted - low).astype(np.float32)
    return [(low, 1 - share), (low + 1, share)]


def _histogram(
    value: NDArray[np.float32], bins: int, weight: NDArray[np.float64], circular: bool = False
) -> NDArray[np.float64]:
    """Weighted histogram per part."""
    total = np.zeros(len(PARTS) * bins)
    for low, share in _votes(value):
        index = low % bins if circular else low.clip(0, bins - 1)
        total += np.bincount(
            (_PART * bins + index).reshape(-1), weights=(share * weight).reshape(-1), minlength=len(total)
        )
    return total.reshape(len(PARTS), bins)


def _unit(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    total = histogram.sum(1, keepdims=True)
    # a plain part has no gradients: no direction more than any other
    return np.asarray(np.where(total > 0, histogram / np.maximum(total, 1e-9), 1 / histogram.shape[1]))


def distance(a: Look, b: Look) -> NDArray[np.float64]:
    """How different every pair of looks is, `(len(a), len(b))` in [0, 1]; 1 where a look is missing.

    Per part one minus the Bhattacharyya coefficients: lightness and chroma 0.425 each, gradients 0.15. The part that
    differs most counts little: it may be hidden, or carried things.
    """
    shape = (-1, len(PARTS), COLOUR + DIRECTIONS)
    first, second = (np.sqrt(look.astype(np.float64)).reshape(shape) * _BLOCK_WEIGHT for look in (a, b))
    differ = np.sort(1 - np.einsum("apk,bpk->abp", first, second), axis=2)
    return np.asarray((differ @ _SORTED_WEIGHT).clip(0, 1))


def dark(looks: Look) -> NDArray[np.float64]:
    """The share of torso and legs that is nearly black, (n,): colours that can hardly be told apart."""
    parts = looks.reshape(-1, len(PARTS), COLOUR + DIRECTIONS)[:, 2:, :LIGHT]
    return np.asarray(parts[..., : round(0.4 * LIGHT)].sum(2).mean(1), np.float64)


_BLOCK_WEIGHT = np.sqrt(np.repeat([0.425, 0.425, 0.15], [LIGHT, COLOUR - LIGHT, DIRECTIONS]))
_SORTED_WEIGHT = np.array([0.16, 0.16, 0.16, 0.16, 0.16, 0.2])
