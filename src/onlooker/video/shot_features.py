"""How different two frames are, in a way that light, small motion and noise do not change. On thumbnails of 48 x 27."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 48, 27
Thumbnail = NDArray[np.uint8]

_SEARCH = 1 / 6  # how far the picture may have moved between the two frames, as a fraction of its size
_NOISE = 3.0  # variance that coding and sensor noise leave in a thumbnail, in grey levels squared
_FLAT = 6.0  # contrast (grey levels) under which structure says little
_DARK = 24  # bars beside a letterboxed picture are darker than this
_BINS = (8, 16, 16)


def thumbnail(image: NDArray[np.uint8]) -> Thumbnail:
    """RGB (27, 48, 3), each pixel the mean of the area it stands for."""
    height, width = image.shape[:2]
    # a decimated large picture still has forty samples for each pixel of the thumbnail
    stride = max(1, min(height // 180, width // 320))
    if stride > 1:
        image = image[::stride, ::stride]
    return cv2.resize(np.ascontiguousarray(image), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]


def difference(one: Thumbnail, other: Thumbnail) -> float:
    """From 0 (the same view) to about 2 (nothing in common): change of structure plus change of colour.

    A change of colour alone, such as a lamp being switched on, counts for little: the structure is the same.
    """
    rows, columns = _inside_bars(one, other)
    a, b = one[rows, columns], other[rows, columns]
    structure = _structure_change(a, b)
    colour = 1.0 - float(np.minimum(_histogram(a), _histogram(b)).sum())
    return structure + colour * min(1.0, structure / 0.4)


def is_plain(picture: Thumbnail, beside: Thumbnail) -> bool:
    """One colour but for a caption, or nearly so next to the picture that it fades from or to.

    At least nine in ten pixels lie within 10 grey levels of the median, or the contrast is a fifth of the other's.
    """
    rows, columns = _inside_bars(picture, picture)
    flat = picture[rows, columns].reshape(-1, 3).astype(np.int16)
    near = np.abs(flat - np.median(flat, axis=0)).max(axis=1) <= 10
    other = beside[_inside_bars(beside, beside)]
    return bool(near.mean() >= 0.9 or flat.std(axis=0).max() < 0.2 * other.reshape(-1, 3).std(axis=0).max())


def mixture(
    first: NDArray[np.float32], last: NDArray[np.float32], between: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least-squares weights alpha of `last` in each frame of `between` (n, d), and what the mixture leaves unexplained.

    In a dissolve f = (1 - alpha) first + alpha last. The residual is relative to half the distance of the two: a frame
    in which each pixel is either the old or the new one (a wipe, something walking through) leaves about 1.
    """
    step = last - first
    length = float(step @ step) + 1e-6
    moved = between - first
    alpha: NDArray[np.float32] = (moved @ step / length).astype(np.float32)
    rest = moved - alpha[:, None] * step
    unexplained: NDArray[np.float32] = 2 * np.sqrt(np.einsum("nd,nd->n", rest, rest) / np.float32(length))
    return alpha, unexplained


def _inside_bars(one: Thumbnail, other: Thumbnail) -> tuple[slice, slice]:
    """The part that is not black in both frames along whole edges, unless that leaves too little to compare."""
    lightest = np.maximum(one, other)
    rows = np.flatnonzero(lightest.reshape(HEIGHT, -1).max(axis=1) > _DARK)
    columns = np.flatnonzero(lightest.max(axis=0).max(axis=1) > _DARK)
    if len(rows) < HEIGHT // 3 or len(columns) < WIDTH // 3:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _structure_change(one: Thumbnail, other: Thumbnail) -> float:
    a = cv2.cvtColor(np.ascontiguousarray(one), cv2.COLOR_RGB2GRAY).astype(np.float32)
    b = cv2.cvtColor(np.ascontiguousarray(other), cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = max(_mean_and_spread(a)[1], _mean_and_spread(b)[1])
    matters = 1.0 - np.exp(-((contrast / _FLAT) ** 2))
    return float((1.0 - max(_correlation(a, b), _correlation(b, a))) * matters)


def _correlation(whole: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Best normalised correlation of the middle of `other` within `whole`, over all shifts that the search allows."""
    height, width = whole.shape
    down, right = max(1, int(height * _SEARCH)), max(1, int(width * _SEARCH))
    middle = other[down : height - down, right : width - right]
    centre, deviation = _mean_and_spread(middle)
    product = cv2.matchTemplate(whole, middle - np.float32(centre), cv2.TM_CCORR) / middle.size
    window = (middle.shape[1], middle.shape[0])
    corner = (slice(0, product.shape[0]), slice(0, product.shape[1]))
    mean = cv2.boxFilter(whole, cv2.CV_32F, window, anchor=(0, 0), borderType=cv2.BORDER_REFLECT)[corner]
    square = cv2.boxFilter(whole * whole, cv2.CV_32F, window, anchor=(0, 0), borderType=cv2.BORDER_REFLECT)[corner]
    spread = np.sqrt(np.maximum(square - mean * mean, 0.0)) * np.float32(deviation)
    return float((product / (spread + _NOISE)).max())


def _mean_and_spread(picture: NDArray[np.float32]) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(picture)
    return float(mean[0, 0]), float(spread[0, 0])


def _histogram(picture: Thumbnail) -> NDArray[np.float32]:
    """Luma and chroma together, each count spread over the neighbouring bins so that small shifts cost little."""
    colours = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YCrCb)
    counts = cv2.calcHist([colours], [0, 1, 2], None, list(_BINS), [0, 256, 64, 192, 64, 192])
    counts = cv2.GaussianBlur(counts.reshape(_BINS[0] * _BINS[1], _BINS[2]), (3, 1), 0.8)
    counts = cv2.GaussianBlur(counts.reshape(_BINS[0], _BINS[1] * _BINS[2]), (1, 3), 0.8)
    by_red = counts.reshape(_BINS).transpose(1, 0, 2).reshape(_BINS[1], -1)
    smooth = cv2.GaussianBlur(by_red, (1, 3), 0.8)
    return smooth / max(float(smooth.sum()), 1e-6)  # type: ignore[no-any-return]
