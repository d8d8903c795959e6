"""A contact sheet of where a model looks: the frames, and below each the same frame under a map of heat."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.attention_maps import Attention
from onlooker.storage import atomic_write

COLUMNS, SIDE, GAP = 8, 192, 6
_SUFFIXES = (".png", ".jpg", ".jpeg")


def draw_attention(found: Attention) -> NDArray[np.uint8]:
    """uint8 RGB, at most `COLUMNS` frames in a row; the strongest place of the clip is red, the weakest bare."""
    weakest = float(found.shares.min())
    room = max(float(found.shares.max()) - weakest, 1e-12)
    tiles = []
    for frame, share in zip(found.frames, found.shares, strict=True):
        picture = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        tiles.append(np.concatenate([picture, _heated(picture, (share - weakest) / room)]))
    blank = np.full_like(tiles[0], 255)
    columns = min(COLUMNS, len(tiles))
    tiles += [blank] * (-len(tiles) % columns)
    framed = [cv2.copyMakeBorder(tile, GAP, 0, GAP, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for tile in tiles]
    rows = [np.concatenate(framed[start : start + columns], 1) for start in range(0, len(framed), columns)]
    sheet = cv2.copyMakeBorder(np.concatenate(rows), 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return np.asarray(sheet, np.uint8)


def _heated(picture: NDArray[np.uint8], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    heat = np.clip(cv2.resize(share, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), 0, 1)
    colour = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    weight = (0.8 * heat)[..., None]
    return np.asarray((1 - weight) * picture + weight * colour, np.uint8)


def save_attention(found: Attention, out: str | os.PathLike[str]) -> Path:
    """Write the sheet as PNG or JPEG, whole or not at all. Raises ConfigError for another suffix, StorageError."""
    out = Path(out)
    if out.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"{out.name}: the picture's name ends in {', '.join(_SUFFIXES)}.")
    done, data = cv2.imencode(out.suffix.lower(), np.ascontiguousarray(draw_attention(found)[..., ::-1]))
    assert done
    atomic_write(out, data.tobytes())
    return out
