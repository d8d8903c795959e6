"""What a person looks like, as histograms: colour (Lab) and gradient directions of head, torso and legs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 24, 60
PARTS = ((0, 11), (11, 32), (32, 60))
LIGHT, CHROMA, DIRECTIONS = 8, 6, 8
COLOUR = LIGHT + CHROMA * CHROMA
SIZE = len(PARTS) * (COLOUR + DIRECTIONS)

Look = NDArray[np.float32]

# Pixels at the side of a person's box are mostly background: weigh the middle.
_ACROSS = np.exp(-0.5 * (np.linspace(-1, 1, WIDTH) / 0.45) ** 2)
_PIXEL_WEIGHT = np.repeat(_ACROSS[None], HEIGHT, 0)
_PART_OF_ROW = np.repeat(np.arange(len(PARTS)), [end - begin for begin, end in PARTS])
_PART = np.repeat(_PART_OF_ROW[:, None], WIDTH, 1)


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
    light, a, b = lab[..., 0], lab[..., 1] - 128, lab[..., 2] - 128
    # Clothes are seldom saturated: the tangent-like squeeze gives most chroma bins to the greyish middle.
    chroma = [np.tanh(channel / 30.0) * 0.5 + 0.5 for channel in (a, b)]
    bins = LIGHT + _grid(chroma[0]) * CHROMA + _grid(chroma[1])
    lightness = _histogram(_PART, light * (LIGHT / 256.0), LIGHT, _PIXEL_WEIGHT)
    colour = np.bincount(
        (_PART * COLOUR + bins).reshape(-1), weights=_PIXEL_WEIGHT.reshape(-1), minlength=len(PARTS) * COLOUR
    ).reshape(len(PARTS), COLOUR)[:, LIGHT:]
    gx, gy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    strength = np.hypot(gx, gy) * _PIXEL_WEIGHT
    turn = (np.arctan2(gy, gx) % np.pi) * (DIRECTIONS / np.pi)
    directions = _histogram(_PART, turn, DIRECTIONS, strength, circular=True)
    parts = [_unit(lightness), _unit(colour), _unit(directions)]
    return np.concatenate(parts, 1).reshape(-1).astype(np.float32)


def _grid(value: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.minimum((value * CHROMA).astype(np.int64), CHROMA - 1)


def _histogram(
    part: NDArray[np.int64], value: NDArray[np.float32], bins: int, weight: NDArray[np.float64], circular: bool = False
) -> NDArray[np.float64]:
    """Histogram per part with linear votes into the two nearest bins, so that a little change of light changes little."""
    shifted = value - 0.5
    low = np.floor(shifted).astype(np.int64)
    share = shifted - low
    total = np.zeros(len(PARTS) * bins)
    for offset, vote in ((0, 1 - share), (1, share)):
        index = (low + offset) % bins if circular else (low + offset).clip(0, bins - 1)
        total += np.bincount((part * bins + index).reshape(-1), weights=(vote * weight).reshape(-1), minlength=len(total))
    return total.reshape(len(PARTS), bins)


def _unit(histogram: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(histogram / np.maximum(histogram.sum(1, keepdims=True), 1e-9))


def distance(a: Look, b: Look) -> NDArray[np.float64]:
    """How different every pair of looks is, `(len(a), len(b))` in [0, 1]; 1 where a look is missing.

    Per part one minus the Bhattacharyya coefficients, lightness and chroma 0.4 each and gradients 0.2. The part that
    differs most counts half: it may be hidden or carried things.
    """
    shape = (-1, len(PARTS), COLOUR + DIRECTIONS)
    roots = [np.sqrt(look.astype(np.float64)).reshape(shape) for look in (a, b)]
    similar = np.zeros((len(a), len(b), len(PARTS)))
    for begin, end, weight in ((0, LIGHT, 0.4), (LIGHT, COLOUR, 0.4), (COLOUR, COLOUR + DIRECTIONS, 0.2)):
        similar += weight * np.einsum("apk,bpk->abp", roots[0][..., begin:end], roots[1][..., begin:end])
    differ = np.sort(1 - similar, axis=2)
    return np.asarray((differ @ np.array([0.4, 0.4, 0.2])).clip(0, 1))
