"""What the readers of lists share: gathering samples and faults, class names, tables and JSON with line numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from onlooker.data.faults import raise_faults
from onlooker.data.media import VIDEOS, FrameFolder, Media, VideoFile
from onlooker.data.places import is_file, is_folder
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError, RecordError
from onlooker.records.formats.lines import read_text

Classes = Sequence[str]


class Gathering:
    """Samples and faults of one list while it is read."""

    def __init__(self, path: Path, classes: Classes) -> None:
        self.name = path.name
        self.classes = tuple(classes)
        self.samples: list[Sample] = []
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self._numbers = {name: number for number, name in enumerate(self.classes)}

    def where(self, line: int) -> str:
        """`file:line`."""
        return f"{self.name}:{line}"

    def fault(self, line: int, what: str) -> None:
        """Something that makes the line unusable."""
        self.faults.append(f"{self.where(line)}: {what}")

    def named(self, line: int, name: str) -> int | None:
        """The number of a class by its name; None and a fault when there is none."""
        number = self._numbers.get(name)
        if number is None:
            self.fault(line, f"{name!r} is none of the {len(self.classes)} classes")
        return number

    def numbered(self, line: int, word: object, count: int | None = None) -> int | None:
        """The number of one of `count` classes (all by default) from 0 on as it is written; None and a fault when there
        is no such class."""
        count = len(self.classes) if count is None else count
        try:
            number = int(str(word))
        except ValueError:
            self.fault(line, f"{word!r} is no number of a class")
            return None
        if not 0 <= number < count:
            self.fault(line, f"the label {number} is outside 0 to {count - 1}")
            return None
        return number

    def part(self, line: int, start: float | None, end: float | None) -> bool:
        """Whether a part of a video is one; a fault when it is not."""
        if start is None or end is None:
            return False
        if not 0 <= start < end < float("inf"):
            self.fault(line, f"the part from {start:g} to {end:g} s is empty")
            return False
        return True

    def seconds(self, line: int, word: str) -> float | None:
        """Seconds, or `hours:minutes:seconds`; None and a fault for anything else.

        >>> Gathering(Path("x.csv"), ()).seconds(1, "00:01:01.5")
        61.5
        """
        try:
            parts = [float(part) for part in word.strip().split(":")]
            if len(parts) > 3:
                raise ValueError
        except ValueError:
            self.fault(line, f"{word!r} is no time")
            return None
        return sum(part * 60.0**power for power, part in enumerate(reversed(parts)))

    def inside(self, line: int, root: Path, name: str) -> Path | None:
        """`root / name`; None and a fault for names that lead out of `root`."""
        if not name.strip() or "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
            self.fault(line, f"{name!r} leads out of the folder of the videos")
            return None
        return root / name

    def add(self, sample: Sample) -> None:
        """One more sample."""
        self.samples.append(sample)

    def listing(self, *, multi_label: bool = False, disjoint_groups: bool = False, repeats: bool = False) -> Listing:
        """What was gathered."""
        return Listing(
            tuple(self.samples),
            self.classes,
            tuple(self.faults),
            tuple(self.warnings),
            multi_label,
            disjoint_groups,
            repeats,
        )


def table(
    path: Path, needed: Sequence[str], faults: list[str], *, delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a csv with a header as (line, column -> text).

    Rows with another number of columns are left out and become faults, and so does what is no csv. Raises RecordError
    for a file without a header, and for one that lacks a `needed` column.
    """
    rows = cells(path, faults, delimiter)
    names = [name.strip() for name in next(rows, (1, [""]))[1]]
    if lacking := [name for name in needed if name not in names]:
        raise RecordError(f"{path.name}:1: no column {', '.join(lacking)}; there are {', '.join(names) or 'none'}.")
    for line, row in rows:
        if len(row) == len(names):
            yield line, dict(zip(names, row, strict=True))
        else:
            faults.append(f"{path.name}:{line}: {len(row)} columns, expected {len(names)}")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers as editors count them: other separators of Unicode begin no line."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        yield number, line.removesuffix("\r")


def cells(path: Path, faults: list[str], delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of a csv as (first line, cells), empty ones left out; quotes that never end are a fault."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(f"{path.name}:{line}: this is not csv ({error}); nothing behind it was read")


def json_entries(path: Path, faults: list[str]) -> Iterator[tuple[int, str, Any]]:
    """The items of a JSON list or object as (line, key or "", value), so that faults can name their line.

    Text that is not JSON and a key that occurs twice are a fault and the end. Raises RecordError for another kind of
    JSON.
    """
    text = read_text(path)
    place = _skip(text, 0)
    kind = text[place : place + 1]
    if kind not in ("[", "{"):
        raise RecordError(f"{path.name}:1: a JSON list or object is expected.")
    end, decoder = {"[": "]", "{": "}"}[kind], json.JSONDecoder(object_pairs_hook=_unique)
    seen: set[str] = set()
    line, counted = 1, 0
    place = _skip(text, place + 1)
    try:
        while text[place : place + 1] != end:
            line, counted = line + text.count("\n", counted, place), place
            key = ""
            if kind == "{":
                key, place = decoder.raw_decode(text, place)
                if not isinstance(key, str) or key in seen:
                    raise ValueError(f"the key {key!r} occurs twice" if key in seen else "a key is a text")
                seen.add(key)
                place = _expect(text, place, ":")
            value, place = decoder.raw_decode(text, place)
            yield line, key, value
            place = _skip(text, place)
            if text[place : place + 1] != end:
                place = _expect(text, place, ",")
                if text[place : place + 1] == end:
                    raise ValueError("a comma with nothing behind it")
    except (ValueError, RecursionError) as error:
        line += text.count("\n", counted, place)
        faults.append(f"{path.name}:{line}: this is not JSON ({error}); nothing behind it was read")
        return
    if text[place + 1 :].strip():
        faults.append(f"{path.name}:{line}: there is something behind the end of the JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return values


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _expect(text: str, place: int, sign: str) -> int:
    place = _skip(text, place)
    if text[place : place + 1] != sign:
        raise ValueError(f"{sign!r} expected")
    return _skip(text, place + 1)


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Class names, one per line. Raises RecordError for a name that occurs twice."""
    path = Path(path)
    seen: dict[str, int] = {}
    faults = []
    for line, text in numbered_lines(path):
        name = text.strip()
        if name in seen:
            faults.append(f"{path.name}:{line}: the class {name!r} is already number {seen[name]}")
        elif name:
            seen[name] = len(seen)
    raise_faults(faults)
    return tuple(seen)


def unnamed(what: str) -> ConfigError:
    """The error for lists whose labels are numbers without names."""
    return ConfigError(
        f"{what}: the labels are numbers, so say which classes they are: labels in a recipe, --classes to a command."
    )


def beside(path: Path, names: Sequence[str], what: str) -> Path:
    """The file next to `path` with one of `names`. Raises ConfigError when there is none."""
    for name in names:
        if (path.parent / name).is_file():
            return path.parent / name
    raise ConfigError(f"{path.name}: {what} is needed: put {' or '.join(names)} beside it, or name the classes.")


def media_root(path: Path, root: str | Path | None, usual: Sequence[str]) -> Path:
    """Where the media lie: `root`, else the folder of one of the `usual` names beside the list, else the list's."""
    if root is not None:
        return Path(root)
    return next((path.parent / name for name in usual if (path.parent / name).is_dir()), path.parent)


def find_media(root: Path, stem: str, rate: float, suffixes: Sequence[str] = VIDEOS) -> Media:
    """The video or the folder of frames called `stem`; the first suffix's file when there is none of them."""
    for suffix in suffixes:
        if is_file(root / f"{stem}{suffix}"):
            return VideoFile(root / f"{stem}{suffix}")
    if is_folder(root / stem):
        return FrameFolder(root / stem, rate)
    return VideoFile(root / f"{stem}{suffixes[0]}")
