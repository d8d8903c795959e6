"""Makes one rendered frame into endlessly many unlike pictures, so that the network learns people and not the renderer.

Silhouettes are exact, so people can be dressed anew, cut out and put elsewhere, and the place behind them replaced.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.data.world_detection import Frame
from onlooker.methods.detection.small_people.clutter import clutter

Image = NDArray[np.uint8]
Rng = np.random.Generator

SEEN = 0.3  # people of whom less is visible are not to be learnt, and not to be held against the network
GONE = 0.05
SMALLEST = 14.0  # pixels tall


@dataclass(frozen=True, slots=True)
class Picture:
    """`image` uint8 RGB (height, width, 3); `boxes` to find and boxes to `ignore`, (n, 4) xyxy."""

    image: Image
    boxes: NDArray[np.float32]
    ignore: NDArray[np.float32]


@dataclass
class _Layers:
    """A picture in the making: `who` numbers the people as `boxes` does, from 1; `shown`: how much of each is seen."""

    image: Image
    who: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    shown: NDArray[np.float64]


def augment(frame: Frame, other: Frame, size: int, rng: Rng) -> Picture:
    """A square of `size` pixels from `frame`; people of `other` may come into it."""
    layers = _crop(frame, size, rng)
    if rng.random() < 0.5:
        _dress(layers, rng)
    if rng.random() < 0.3:
        layers.image = np.where(layers.who[..., None] > 0, layers.image, clutter(size, size, rng))
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 5))):
            _paste(layers, other, rng)
    if rng.random() < 0.25:
        _cover(layers, rng)
    if rng.random() < 0.5:
        layers.image = np.ascontiguousarray(layers.image[:, ::-1])
        layers.boxes[:, [0, 2]] = size - layers.boxes[:, [2, 0]]
    tall = layers.boxes[:, 3] - layers.boxes[:, 1]
    clear = (layers.shown >= SEEN) & (tall >= SMALLEST)
    unsure = ~clear & (layers.shown >= GONE)
    boxes = layers.boxes.astype(np.float32)
    return Picture(degrade(layers.image, rng), boxes[clear], boxes[unsure])


def plain(frame: Frame) -> Picture:
    """A frame as it is, for measuring."""
    boxes = frame.boxes
    clear = (frame.visible >= SEEN) & (boxes[:, 3] - boxes[:, 1] >= SMALLEST)
    return Picture(frame.image, boxes[clear], boxes[~clear & (frame.visible >= GONE)])


def _crop(frame: Frame, size: int, rng: Rng) -> _Layers:
    """A window around somebody, at a size that makes that person 20 pixels to the whole window tall."""
    height, width = frame.who.shape
    clear = np.flatnonzero(frame.visible >= SEEN)
    stretch = float(np.exp(rng.uniform(-0.15, 0.15)))
    least = 0.75 * size / min(height, width)
    if len(clear) and rng.random() < 0.85:
        box = frame.boxes[clear[int(rng.integers(len(clear)))]].astype(float)
        tall = float(np.exp(rng.uniform(np.log(22), np.log(1.3 * size))))
        scale = float(np.clip(tall / (box[3] - box[1]), least, 3.0))
        middle = (box[:2] + box[2:]) / 2
    else:
        scale = float(np.exp(rng.uniform(np.log(least), np.log(max(1.6, 1.1 * least)))))
        middle = rng.uniform(0, 1, 2) * (width, height)
    scales = np.array([scale * stretch, scale])
    window = size / scales
    corner = middle - rng.uniform(0.1, 0.9, 2) * window
    # stay in the frame where the frame is large enough
    room = np.array([width, height]) - window
    corner = np.where(room > 0, corner.clip(0, np.maximum(room, 0)), room * rng.uniform(0, 1, 2))
    inside = (corner >= -1).all() and (corner + window <= np.array([width, height]) + 1).all()
    beyond = None if inside or rng.random() < 0.5 else clutter(size, size, rng)
    return _warp(frame, scales, corner, size, beyond)


def _warp(
    frame: Frame, scales: NDArray[np.float64], corner: NDArray[np.float64], size: int, beyond: Image | None = None
) -> _Layers:
    """The window of `size / scales` pixels at `corner`; what lies outside the frame is black, or from `beyond`."""
    matrix = np.array([[scales[0], 0, -corner[0] * scales[0]], [0, scales[1], -corner[1] * scales[1]]])
    # pixels are squares: their middles lie half a pixel in
    matrix[:, 2] += scales / 2 - 0.5
    image = frame.image
    if scales.min() < 0.7:
        blur = 0.5 / float(scales.min()) - 0.3
        image = cv2.GaussianBlur(image, (0, 0), blur)
    shape = (size, size)
    image = cv2.warpAffine(image, matrix, shape, flags=cv2.INTER_LINEAR)
    if beyond is not None:
        inside = cv2.warpAffine(np.ones_like(frame.who), matrix, shape, flags=cv2.INTER_NEAREST)
        image = np.where(inside[..., None] > 0, image, beyond)
    who = cv2.warpAffine(frame.who, matrix, shape, flags=cv2.INTER_NEAREST)
    offset = np.tile(corner, 2)
    whole = (frame.boxes.astype(float) - offset) * np.tile(scales, 2)
    boxes = whole.clip(0, size)
    share = _area(boxes) / np.maximum(_area(whole), 1e-6)
    shown = frame.visible.astype(float) * np.where(share > 0.2, 1.0, share)
    return _Layers(np.ascontiguousarray(image), np.ascontiguousarray(who), boxes, shown)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def _dress(layers: _Layers, rng: Rng) -> None:
    """Other colours and a texture for each person, cut at the waist or not."""
    for index, box in enumerate(layers.boxes):
        x1, y1, x2, y2 = box.astype(int)
        if x2 - x1 < 2 or y2 - y1 < 4 or rng.random() < 0.3:
            continue
        region = layers.image[y1:y2, x1:x2]
        inside = layers.who[y1:y2, x1:x2] == index + 1
        layers.image[y1:y2, x1:x2] = np.where(inside[..., None], _dye(region, rng), region)


def _dye(region: Image, rng: Rng) -> Image:
    height, width = region.shape[:2]
    values = region.astype(np.float32)
    neck, waist = int(height * rng.uniform(0.1, 0.17)), int(height * rng.uniform(0.42, 0.6))
    parts = [(neck, waist), (waist, height)] if rng.random() < 0.7 else [(neck, height)]
    for top, bottom in parts:
        part = values[top:bottom]
        if not part.size:
            continue
        grey = part.mean(2, keepdims=True)
        if rng.random() < 0.5:  # dark clothes are common among people and rare among the rendered
            part[:] = grey * rng.uniform(0.1, 0.5) + rng.uniform(0, 30)
        else:
            part[:] = grey * rng.uniform(0.2, 1.0) + rng.uniform(-20, 20) + rng.uniform(-90, 90, 3)
        if rng.random() < 0.5:
            coarse = rng.normal(0, rng.uniform(4, 30), (int(rng.integers(2, 14)), int(rng.integers(2, 10)), 1))
            noise = cv2.resize(coarse.astype(np.float32), (width, bottom - top), interpolation=cv2.INTER_LINEAR)
            part += noise[..., None]
    if rng.random() < 0.3:
        values[:neck] *= rng.uniform(0.4, 1.2)
    return values.clip(0, 255).astype(np.uint8)


def _paste(layers: _Layers, other: Frame, rng: Rng) -> None:
    """Somebody out of another frame, at any place and size, before or behind those who are there."""
    whole = np.flatnonzero(other.visible > 0.9)
    if not len(whole):
        return
    index = int(whole[int(rng.integers(len(whole)))])
    x1, y1, x2, y2 = other.boxes[index].astype(int)
    size = layers.who.shape[0]
    tall = np.exp(rng.uniform(np.log(22), np.log(0.9 * size)))
    scale = float(np.clip(tall / max(y2 - y1, 1), 0.2, 2.5))
    shape = max(round((x2 - x1) * scale * float(rng.uniform(0.85, 1.15))), 3), max(round((y2 - y1) * scale), 6)
    if x2 - x1 < 3 or y2 - y1 < 6 or shape[0] >= size or shape[1] >= size:
        return
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cut = cv2.resize(other.image[y1:y2, x1:x2], shape, interpolation=method)
    inside = cv2.resize((other.who[y1:y2, x1:x2] == index + 1).astype(np.uint8), shape, interpolation=cv2.INTER_AREA)
    inside = inside > 0
    if rng.random() < 0.6:
        cut = _dye(cut, rng)
    if rng.random() < 0.5:
        cut, inside = cut[:, ::-1], inside[:, ::-1]
    left = int(rng.integers(-shape[0] // 4, size - 3 * shape[0] // 4))
    top = int(rng.integers(-shape[1] // 5, size - 2 * shape[1] // 3))
    rows = slice(max(top, 0), min(top + shape[1], size))
    columns = slice(max(left, 0), min(left + shape[0], size))
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    mask, cut = inside[part].copy(), cut[part]
    here = layers.who[rows, columns]
    total = max(int(inside.sum()), 1)
    if rng.random() < 0.5:
        mask &= here == 0
    _hide(layers, here[mask])
    layers.image[rows, columns][mask] = cut[mask]
    here[mask] = len(layers.boxes) + 1
    box = np.array([[columns.start, rows.start, columns.stop, rows.stop]], float)
    layers.boxes = np.concatenate([layers.boxes, box])
    shown = min(float(mask.sum()) / max(float(inside[part].sum()), 1.0), float(mask.sum()) / total * 3)
    layers.shown = np.append(layers.shown, shown)


def _hide(layers: _Layers, covered: NDArray[np.uint8]) -> None:
    """Take what is covered from what is seen of everybody."""
    if not len(layers.boxes):
        return
    lost = np.bincount(covered, minlength=len(layers.boxes) + 1)[1:]
    had = np.bincount(layers.who.reshape(-1), minlength=len(layers.boxes) + 1)[1:]
    layers.shown = layers.shown * (1 - lost[: len(layers.boxes)] / np.maximum(had[: len(layers.boxes)], 1))


def _cover(layers: _Layers, rng: Rng) -> None:
    """Something plain in front: a post, a board, a table's edge."""
    size = layers.who.shape[0]
    wide, tall = (int(size * rng.uniform(0.02, 0.35)) + 1 for _ in range(2))
    if rng.random() < 0.4:
        wide, tall = int(rng.integers(2, 14)), size
    x, y = int(rng.integers(0, size)), int(rng.integers(0, size))
    area = (slice(y, y + tall) if tall < size else slice(0, size), slice(x, x + wide))
    _hide(layers, layers.who[area].reshape(-1))
    layers.who[area] = 0
    layers.image[area] = clutter(size, size, rng)[area] if rng.random() < 0.3 else rng.integers(0, 256, 3)


def degrade(image: Image, rng: Rng) -> Image:
    """Light, colour, sharpness, noise and compression as cameras have them."""
    if rng.random() < 0.8:
        image = _relight(image, rng)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    colour = 0.0 if rng.random() < 0.12 else float(rng.uniform(0.4, 1.4))
    image = np.asarray(cv2.addWeighted(image, colour, grey, 1 - colour, 0), np.uint8)
    size = image.shape[0]
    if rng.random() < 0.35:
        small = max(int(size * rng.uniform(0.35, 0.9)), 8)
        less = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(less, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    elif rng.random() < 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.6))), np.uint8)
    if rng.random() < 0.3:
        image = _sharpen(image, float(rng.uniform(0.3, 1.5)))
    if rng.random() < 0.4:
        shape = (size, size, 1 if rng.random() < 0.5 else 3)
        noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(1, 10))
        image = (image + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 85))])[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(image)


def _relight(image: Image, rng: Rng) -> Image:
    """Gamma, contrast, brightness and a cast of colour, by tables."""
    level = 255 * np.linspace(0, 1, 256) ** float(np.exp(rng.uniform(-0.6, 0.6)))
    level = (level - 128) * rng.uniform(0.6, 1.4) + 128 + rng.uniform(-35, 35)
    table = (level[:, None] * rng.uniform(0.85, 1.15, 3)).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def _sharpen(image: Image, amount: float) -> Image:
    soft = cv2.GaussianBlur(image, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
