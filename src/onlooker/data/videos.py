"""Labelled video files: lists in Kinetics style and folders of classes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onlooker.data.faults import raise_faults
from onlooker.errors import ConfigError
from onlooker.records.formats.lines import read_text
from onlooker.video import Video
from onlooker.video.sampling import Interval, constant_clips, random_clips
from onlooker.weights.inputs import InputSpec

SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv")
HEADER = ("label", "youtube_id", "time_start", "time_end", "split")


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled video: the seconds from `start` to `end` of it (None: its end), and where the list says so."""

    path: Path
    label: int
    where: str
    start: float = 0.0
    end: float | None = None


class VideoClips:
    """Clips of labelled video files. A file that cannot be read raises MediaError; nothing is replaced in silence."""

    def __init__(self, items: Sequence[Item], classes: Sequence[str]) -> None:
        self.items = tuple(items)
        self._classes = tuple(classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return self._classes

    def __len__(self) -> int:
        return len(self.items)

    def label(self, index: int) -> int:
        """The class of a video."""
        return self.items[index].label

    def name(self, index: int) -> str:
        """The file, and the part of it where the list gives one."""
        item = self.items[index]
        part = f"#{item.start:g}-{item.end:g}" if item.end is not None else ""
        return f"{item.path}{part}"

    def random_clip(self, index: int, spec: InputSpec, draw: int) -> NDArray[np.uint8]:
        """With sampling by stride a window of `spec.seconds` from anywhere, with segments all of the video; a random
        moment of each of `spec.frames` equal parts of it in the second case, the middles in the first."""
        item = self.items[index]
        rng = np.random.default_rng(draw)
        with Video(item.path) as video:
            start, end = _extent(item, video)
            if spec.sampling == "segments" or end - start <= spec.seconds:
                window, generator = Interval(0.0, end - start), rng if spec.sampling == "segments" else None
            else:
                window, generator = random_clips(end - start, spec.seconds, 1, generator=rng)[0], None
            return _read(video, start + window.start, min(start + window.end, end), spec, generator)

    def clips(self, index: int, spec: InputSpec, count: int) -> list[NDArray[np.uint8]]:
        """Windows of `spec.seconds`, or `count` times all of the video with segments (whose frames are then equal)."""
        item = self.items[index]
        with Video(item.path) as video:
            start, end = _extent(item, video)
            length = end - start
            if spec.sampling == "segments" or length <= spec.seconds:
                windows = [Interval(0.0, length)]
            elif count == 1:
                middle = (length - spec.seconds) / 2
                windows = [Interval(middle, middle + spec.seconds)]
            else:
                windows = constant_clips(length, spec.seconds, count)
            return [_read(video, start + one.start, min(start + one.end, end), spec, None) for one in windows]


def _extent(item: Item, video: Video) -> tuple[float, float]:
    end = video.index.end
    return min(item.start, end), end if item.end is None else min(item.end, end)


def _read(
    video: Video, start: float, end: float, spec: InputSpec, generator: np.random.Generator | None
) -> NDArray[np.uint8]:
    images: NDArray[np.uint8] = video.clip(
        start, end, frames=spec.frames, size=spec.short_side, generator=generator
    ).images
    return images


def read_list(
    path: str | Path, *, root: str | Path | None = None, classes: Sequence[str] = (), split: str = ""
) -> VideoClips:
    """A list of labelled videos.

    Lines `path label` with a space or a comma between (paths may hold spaces; labels are numbers or names), or the csv
    that Kinetics publishes (header `label,youtube_id,time_start,time_end,split`, files named
    `ID_000010_000020.mp4`, `ID.mp4` or as the column says; `split` chooses rows). Empty lines and lines that begin
    with # do not count. Paths are relative to `root`, by default the list's folder. Without `classes` the labels must
    be names.

    Raises RecordError that lists every faulty line as `file:line: what`.
    """
    path = Path(path)
    root = path.parent if root is None else Path(root)
    lines = [(number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    if lines and tuple(next(csv.reader([lines[0][1]]))) == HEADER:
        rows, faults = _published_rows(path.name, lines[1:], root, split)
    else:
        rows, faults = _plain_rows(path.name, [row for row in lines if not row[1].startswith("#")], root)
    names = list(classes) or sorted({row.label for row in rows})
    if not classes and any(re.fullmatch(r"-?\d+", name) for name in names):
        raise ConfigError(f"{path.name}: the labels are numbers, so say which classes they are with labels: [...].")
    numbers = {name: number for number, name in enumerate(names)}
    items = []
    for row in rows:
        label = numbers.get(row.label, int(row.label) if re.fullmatch(r"-?\d{1,9}", row.label) else None)
        if label is None:
            faults.append(f"{row.where}: {row.label!r} is none of the {len(names)} classes")
        elif not 0 <= label < len(names):
            faults.append(f"{row.where}: the label {label} is outside 0 to {len(names) - 1}")
        else:
            items.append(Item(row.path, label, row.where, row.start, row.end))
    raise_faults(faults)
    return VideoClips(items, names)


@dataclass(frozen=True, slots=True)
class _Row:
    path: Path
    label: str
    where: str
    start: float = 0.0
    end: float | None = None


def _plain_rows(name: str, lines: list[tuple[int, str]], root: Path) -> tuple[list[_Row], list[str]]:
    rows, faults = [], []
    for number, line in lines:
        found = re.fullmatch(r"\s*(.+?)(?:\s*,\s*|\s+)([^\s,]+)\s*", line)
        if found is None:
            faults.append(f"{name}:{number}: {line[:80]!r} is no `path label`")
        else:
            rows.append(_Row(root / found[1].strip('"'), found[2], f"{name}:{number}"))
    return rows, faults


def _published_rows(name: str, lines: list[tuple[int, str]], root: Path, split: str) -> tuple[list[_Row], list[str]]:
    rows, faults = [], []
    for number, line in lines:
        where = f"{name}:{number}"
        cells = next(csv.reader([line]))
        if len(cells) != len(HEADER):
            faults.append(f"{where}: {len(cells)} columns, expected {len(HEADER)}")
            continue
        label, video, start, end, of = cells
        if split and of != split:
            continue
        try:
            begins, ends = float(start), float(end)
        except ValueError:
            faults.append(f"{where}: {start!r} to {end!r} are no seconds")
            continue
        if not 0 <= begins < ends < float("inf"):
            faults.append(f"{where}: the part from {start} to {end} s is empty")
            continue
        trimmed = root / f"{video}_{int(begins):06d}_{int(ends):06d}.mp4"
        if trimmed.is_file():
            rows.append(_Row(trimmed, label, where))
        else:
            whole = root / video if Path(video).suffix in SUFFIXES else root / f"{video}.mp4"
            rows.append(_Row(whole, label, where, begins, ends))
    return rows, faults


def read_folders(path: str | Path, *, classes: Sequence[str] = ()) -> VideoClips:
    """A folder per class, with videos in it (also in folders below). Classes are the folders' names, sorted.

    Raises ConfigError when there are none, or a folder that is none of `classes`.
    """
    path = Path(path)
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder. Give one that holds a folder of videos per class.")
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    names = list(classes) or [folder.name for folder in folders]
    if not names or (unknown := [folder.name for folder in folders if folder.name not in names]):
        faults = f"its folders {', '.join(unknown)} are no classes" if names else "holds no folders"
        raise ConfigError(f"{path.name}: {faults}. Give one folder of videos per class.")
    items = [
        Item(file, names.index(folder.name), str(file.relative_to(path)))
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in SUFFIXES and file.is_file()
    ]
    return VideoClips(items, names)


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Class names, one per line. Raises RecordError for a name that occurs twice."""
    path = Path(path)
    names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    seen: dict[str, int] = {}
    faults = []
    for number, name in enumerate(names, 1):
        if name in seen:
            faults.append(f"{path.name}:{number}: the class {name!r} is already number {seen[name] - 1}")
        seen.setdefault(name, number)
    raise_faults(faults)
    return tuple(names)
