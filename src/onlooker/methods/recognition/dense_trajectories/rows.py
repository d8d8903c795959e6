"""What comes out: kept trajectories with their descriptors, and the released code's text rows of 436 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError, RecordError
from onlooker.methods.recognition.dense_trajectories.config import CHANNELS
from onlooker.storage import atomic_write

Floats = NDArray[np.float32]
LENGTH = 15
_STATS = 7
_PLACES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """n kept trajectories, in the order in which they end.

    `frame` (n,) is the index of the last frame, `points` (n, 16, 2) the path in x and y, `mean` and `std` (n, 2) of it,
    `length` (n,) of the path, all in pixels of the frames that were given; `scale` (n,) that of the level.
    Descriptors: `shape` (n, 30), `hog` (n, 96), `hof` (n, 108), `mbh_x` and `mbh_y` (n, 96).

    >>> len(Trajectories.join([Trajectories.none(), Trajectories.none()]))
    0
    """

    frame: NDArray[np.int64]
    points: Floats
    mean: Floats
    std: Floats
    length: Floats
    scale: Floats
    shape: Floats
    hog: Floats
    hof: Floats
    mbh_x: Floats
    mbh_y: Floats

    def __len__(self) -> int:
        return len(self.frame)

    def channel(self, name: str) -> Floats:
        """The descriptors of one type (see `CHANNELS`)."""
        found: Floats = getattr(self, name)
        return found

    def pick(self, chosen: NDArray[np.intp]) -> Trajectories:
        """Those at some positions."""
        return Trajectories(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def join(cls, parts: Iterable[Trajectories]) -> Trajectories:
        """One after the other."""
        held = [part for part in parts if len(part)] or [cls.none()]
        if len(held) == 1:
            return held[0]
        return cls(*(np.concatenate([getattr(part, field.name) for part in held]) for field in fields(cls)))

    @classmethod
    def none(cls) -> Trajectories:
        """No trajectory."""
        empty = [np.zeros((0, width), np.float32) for width in CHANNELS.values()]
        points, pair, one = (np.zeros((0, *shape), np.float32) for shape in ((LENGTH + 1, 2), (2,), ()))
        return cls(np.zeros(0, np.int64), points, pair, pair, one, one, *empty)

    def to_rows(self, width: int, height: int, frames: int, start: int = 0) -> Floats:
        """The 436 columns of the released code for a video of that size and length that starts at frame `start`.

        Last frame, mean x and y, std x and y, path length, scale; mean place and middle frame as shares of width,
        height and length, within [0, 0.999]; then shape, HOG, HOF, MBHx, MBHy.
        """
        middle = (self.frame - LENGTH / 2 - start) / max(frames, 1)
        places = np.column_stack((self.mean / np.array([width, height], np.float32), middle))
        stats = np.column_stack((self.frame, self.mean, self.std, self.length, self.scale))
        described = [self.channel(name) for name in CHANNELS]
        return np.concatenate((stats, np.clip(places, 0, 0.999), *described), axis=1).astype(np.float32)


def write_rows(path: str | Path, rows: Floats) -> None:
    """Write rows (n, 436) as tab-separated text with seven digits. Errors: StorageError."""
    lines = ("\t".join(f"{value:.7g}" for value in row) + "\n" for row in np.asarray(rows, np.float32).tolist())
    atomic_write(path, "".join(lines).encode())


def read_rows(path: str | Path) -> Floats:
    """Rows (n, 436) of such a text. Raises RecordError that lists every faulty line."""
    wanted = _STATS + _PLACES + sum(CHANNELS.values())
    rows, faults = [], []
    for number, words in _lines(Path(path)):
        try:
            row = np.array(words, np.float32)
        except ValueError:
            faults.append(f"{Path(path).name}:{number}: not all of it is numbers")
            continue
        if len(row) != wanted:
            faults.append(f"{Path(path).name}:{number}: {len(row)} columns instead of {wanted}")
        rows.append(row)
    _refuse(faults, "Trajectories of another kind or a cut file; extract them again.")
    return np.stack(rows) if rows else np.zeros((0, wanted), np.float32)


def from_rows(rows: Floats, name: str) -> Floats:
    """The columns of one descriptor type out of rows (n, 436)."""
    if name not in CHANNELS:
        raise ConfigError(f"no descriptor {name!r}: choose {', '.join(CHANNELS)}.")
    start = _STATS + _PLACES
    for known, width in CHANNELS.items():
        if known == name:
            break
        start += width
    return np.ascontiguousarray(rows[:, start : start + CHANNELS[name]])


def read_boxes(path: str | Path) -> list[Floats]:
    """Boxes of people (n, 4) x1, y1, x2, y2 for each frame, from the released code's text.

    One line for every frame in order: its number, then x1 y1 x2 y2 confidence for each box. Raises RecordError that
    lists every faulty line.
    """
    boxes: list[Floats] = []
    faults: list[str] = []
    last = -1
    for number, words in _lines(Path(path)):
        try:
            values = np.array(words, np.float64)
        except ValueError:
            values = np.zeros(0)
        if len(values) % 5 != 1 or not np.isfinite(values).all() or (number > 1 and values[0] != last + 1):
            faults.append(f"{Path(path).name}:{number}: not the next frame's number and groups of five numbers")
            last += 1
            continue
        last = int(values[0])
        boxes.append(values[1:].reshape(-1, 5)[:, :4].astype(np.float32))
    _refuse(faults, "Every frame needs a line: its number, then x1 y1 x2 y2 confidence for each box.")
    return boxes


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path.name}: cannot be read as text ({error}). Check the path.") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.split()


def _refuse(faults: list[str], hint: str) -> None:
    if faults:
        raise RecordError("\n".join([*faults, hint]))
