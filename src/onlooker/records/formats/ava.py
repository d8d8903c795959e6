"""AVA csv: `video, second, x1, y1, x2, y2, action, person` with boxes divided by the picture's size and no header.

Detections carry a score in place of the person. Timestamps are whole seconds written with four digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from onlooker.errors import ConfigError, RecordError
from onlooker.records.boxes import from_xyxy, to_xyxy
from onlooker.records.formats.lines import is_number, read_text, refuse, show_number, write_lines
from onlooker.records.schemas import SCHEMAS

Sizes = tuple[int, int] | Mapping[str, tuple[int, int]]


def read_label_map(path: str | Path) -> dict[int, str]:
    """Action numbers and names from AVA's pbtxt (`name: "stand" ... id: 12`, in either order)."""
    labels: dict[int, str] = {}
    text = read_text(path)
    for item in re.finditer(r"\{([^}]*)\}", text):
        body = item.group(1)
        name = re.search(r'name:\s*"([^"]*)"', body)
        number = re.search(r"\b(?:label_)?id:\s*(\d+)", body)
        if name is None or number is None:
            line = text[: item.start()].count("\n") + 1
            raise RecordError(f"{Path(path).name}:{line}: an item without name or id.")
        labels[int(number.group(1))] = name.group(1)
    return labels


def read_ava(
    path: str | Path,
    sizes: Sizes,
    *,
    rate: float = 30.0,
    labels: Mapping[int, str] | None = None,
    scored: bool = False,
) -> pa.Table:
    """An `actions` table from an AVA csv.

    `sizes` is (width, height) of all videos or per video; `rate` turns seconds into frames; `labels` names the actions
    (without it the label is the number as text). `scored` says that column 8 is a score (detections) and not a person.
    Rows without an action (AVA-Kinetics writes people who do nothing so) are skipped.
    Errors: RecordError listing every fault with its line.
    """
    name = Path(path).name
    rows: list[tuple[Any, ...]] = []
    faults: list[str] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        words = [word.strip() for word in line.split(",")]
        fault = _fault(words, scored, labels)
        if fault:
            faults.append(f"{name}:{number}: {fault}")
        elif len(words) > 6 and words[6]:
            rows.append((words[0], *map(float, words[1:6]), int(words[6]), _optional(words)))
    refuse(faults)
    return _table(rows, sizes, rate, labels, scored, name)


def _optional(words: list[str]) -> float | None:
    return float(words[7]) if len(words) > 7 and words[7] else None


def _fault(words: list[str], scored: bool, labels: Mapping[int, str] | None) -> str | None:
    if not 7 <= len(words) <= 8:
        return f"{len(words)} columns, expected 7 or 8"
    wrong = next((word for word in words[1:] if word and not is_number(word)), None)
    if wrong is not None or not all(words[:6]):
        return f"{wrong!r} is not a number" if wrong else "an empty field among video, time and box"
    box = np.array([float(word) for word in words[2:6]])
    if not ((box >= 0) & (box <= 1)).all():
        return f"box {tuple(box.tolist())} is not within [0, 1]: AVA boxes are divided by the picture's size"
    if box[2] < box[0] or box[3] < box[1]:
        return f"box {tuple(box.tolist())} has a negative size"
    if words[6] and not words[6].isdigit():
        return f"action {words[6]!r} is not a whole number"
    if words[6] and labels is not None and int(words[6]) not in labels:
        return f"action {words[6]} is not in the label map"
    if len(words) > 7 and words[7] and not scored and float(words[7]) != int(float(words[7])):
        return f"person {words[7]!r} is not a whole number: pass scored=True for detections"
    return None


def _table(
    rows: list[tuple[Any, ...]],
    sizes: Sizes,
    rate: float,
    labels: Mapping[int, str] | None,
    scored: bool,
    name: str,
) -> pa.Table:
    boxes = np.array([to_xyxy([row[2:6]], "unit", _size(sizes, row[0]))[0] for row in rows]).reshape(-1, 4)
    times = np.array([row[1] for row in rows], np.float64)
    extra = [row[7] for row in rows]
    return pa.table(
        {
            "video": [row[0] for row in rows],
            "frame": np.round(times * rate).astype(np.int64),
            "time": times,
            "track_id": [None if scored or value is None else int(value) for value in extra],
            **{axis: boxes[:, i].astype(np.float32) for i, axis in enumerate(("x1", "y1", "x2", "y2"))},
            "label": [labels[row[6]] if labels is not None else str(row[6]) for row in rows],
            "score": [value if scored else None for value in extra],
            "source": [f"file/ava@{name}"] * len(rows),
        },
        schema=SCHEMAS["actions"],
    )


def write_ava(
    table: pa.Table | Iterable[pa.Table],
    path: str | Path,
    sizes: Sizes,
    *,
    labels: Mapping[int, str] | None = None,
    scored: bool = False,
) -> None:
    """Write an `actions` table as AVA csv, with the score in column 8 if `scored`, else the track.

    Errors: RecordError for a time that is not a whole second (AVA has no word for it), a label that is not in the
    label map, or one that is no number when there is no map.
    """
    tables = [table] if isinstance(table, pa.Table) else table
    numbers = {label: number for number, label in labels.items()} if labels is not None else None
    write_lines(path, _lines(tables, sizes, numbers, scored))


def _lines(tables: Iterable[pa.Table], sizes: Sizes, numbers: Mapping[str, int] | None, scored: bool) -> Iterator[str]:
    for table in tables:
        for row in table.to_pylist():
            if row["time"] != int(row["time"]):
                raise RecordError(
                    f"AVA times are whole seconds, {row['video']} has {row['time']:g} s: choose such rows."
                )
            size = _size(sizes, row["video"])
            box = from_xyxy([[row[axis] for axis in ("x1", "y1", "x2", "y2")]], "unit", size)[0]
            last = row["score"] if scored else row["track_id"]
            fields = [
                row["video"],
                f"{int(row['time']):04d}",
                *(show_number(float(value)) for value in np.clip(box, 0, 1)),
                str(_number(row["label"], numbers)),
                "" if last is None else show_number(float(last)),
            ]
            yield ",".join(fields) + "\n"


def _number(label: str, numbers: Mapping[str, int] | None) -> int:
    if numbers is not None and label in numbers:
        return numbers[label]
    if numbers is None and label.isdigit():
        return int(label)
    raise RecordError(f"label {label!r} has no AVA action number: add it to the label map.")


def _size(sizes: Sizes, video: str) -> tuple[int, int]:
    if not isinstance(sizes, Mapping):
        return sizes
    if video not in sizes:
        raise ConfigError(f"no picture size for video {video!r}: AVA boxes are relative, give sizes={{name: (w, h)}}.")
    return sizes[video]
