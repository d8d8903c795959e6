"""COCO's run-length masks: column by column, runs of zeros and ones in turn, beginning with zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import RecordError

Mask = NDArray[np.bool_]


def decode_mask(segmentation: Any, size: tuple[int, int] | None = None) -> Mask:
    """A mask (height, width) from a run-length object (counts as list or text) or from polygons on `size`.

    Polygons are filled by pixel centres; pycocotools rounds their outline, so a few border pixels can differ.
    Errors: RecordError when the runs do not fill the mask, or a polygon comes without (height, width).
    """
    if isinstance(segmentation, Mapping):
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        runs = np.asarray(counts, np.int64) if isinstance(counts, list) else decode_counts(counts)
        if (runs < 0).any() or runs.sum() != height * width:
            raise RecordError(f"a run-length mask of {height}x{width} holds {runs.sum()} pixels: it is damaged.")
        values = np.arange(len(runs)) % 2 == 1
        return np.repeat(values, runs).reshape(width, height).T
    if size is None:
        raise RecordError("polygons need the picture's (height, width).")
    return _fill_polygons(segmentation, size)


def _fill_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> Mask:
    """Pixels whose centre lies inside any of the polygons (even-odd rule)."""
    canvas = np.zeros(size, bool)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64).reshape(-1, 2)
        canvas |= _fill_polygon(points, size)
    return canvas


def _fill_polygon(points: NDArray[np.float64], size: tuple[int, int]) -> Mask:
    height, width = size
    start, end = points, np.roll(points, -1, axis=0)
    toggles = np.zeros((height, width + 1), np.int64)
    for (x0, y0), (x1, y1) in zip(start, end, strict=True):
        low, high = sorted((y0, y1))
        rows = np.arange(max(0, int(np.ceil(low - 0.5))), min(height, int(np.ceil(high - 0.5))))
        if len(rows):
            crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            np.add.at(toggles, (rows, np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)), 1)
    return np.asarray(np.cumsum(toggles, axis=1)[:, :width] % 2 == 1)


def decode_counts(text: str | bytes) -> NDArray[np.int64]:
    """Runs from the compressed text: base 32 digits, low first, bit 6 says more follow; from the third run on each is
    the difference to the one two before.
    """
    digits = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8).astype(np.int64) - 48
    runs: list[int] = []
    value = shift = 0
    for digit in digits.tolist():
        if not 0 <= digit < 64:
            raise RecordError("a compressed mask holds a letter outside its alphabet: it is damaged.")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value |= -1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise RecordError("a compressed mask ends in the middle of a number: it is damaged.")
    return np.asarray(runs, np.int64)


def encode_mask(mask: NDArray[Any]) -> dict[str, Any]:
    """The run-length object of a mask (height, width), with compressed text as counts."""
    flat = np.asarray(mask, bool).T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [len(flat)]])
    runs = np.diff(bounds).tolist()
    if len(flat) and flat[0]:
        runs = [0, *runs]
    return {"size": list(np.asarray(mask).shape), "counts": encode_counts(runs)}


def encode_counts(runs: Sequence[int]) -> str:
    """The inverse of `decode_counts`."""
    text = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            digit = value & 31
            value >>= 5
            more = value != (-1 if digit & 16 else 0)
            text.append(chr(digit + (32 if more else 0) + 48))
    return "".join(text)


def mask_intersection(a: Sequence[Mask], b: Sequence[Mask]) -> NDArray[np.float64]:
    """Common pixels (n, m) of masks of one size."""
    if not a or not b:
        return np.zeros((len(a), len(b)))
    left = np.stack([mask.reshape(-1) for mask in a]).astype(np.float32)
    right = np.stack([mask.reshape(-1) for mask in b]).astype(np.float32)
    return np.asarray(left @ right.T, np.float64)


def mask_iou(a: Sequence[Mask], b: Sequence[Mask]) -> NDArray[np.float64]:
    """Intersection over union (n, m) of masks of one size; 0 where both are empty."""
    common = mask_intersection(a, b)
    sizes_a = np.array([mask.sum() for mask in a], np.float64).reshape(-1, 1)
    sizes_b = np.array([mask.sum() for mask in b], np.float64).reshape(1, -1)
    union = sizes_a + sizes_b - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)
