"""MOTChallenge text: one box a line, frames, ids and pixels counted from 1.

`frame, id, left, top, width, height, confidence, ...`. In ground truth of MOT16 and later column 7 is a flag (0: ignore
this box), column 8 the class, column 9 the visibility; in results the last three columns are -1.
Tables count frames from 0 and their pixels are continuous, so `left = 1` becomes `x1 = 0`.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.errors import ConfigError, RecordError
from onlooker.records.boxes import from_xyxy, to_xyxy
from onlooker.records.formats.lines import number_matrix, read_text, refuse, show_number, write_lines
from onlooker.records.schemas import SCHEMAS

CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non-motorised vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on ground",
    "occluder full",
    "reflection",
    "crowd",
)


@dataclass(frozen=True)
class MotRows:
    """A MOT file as it is written: frames and ids from the file, `boxes` (n, 4) left, top, width, height.

    `confidence` is the flag in ground truth; `classes` is -1 and `visibility` NaN where the file has none.
    `lines` are line numbers, for messages.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    confidence: NDArray[np.float64]
    classes: NDArray[np.int64]
    visibility: NDArray[np.float64]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frames)

    def keep(self, mask: NDArray[np.bool_]) -> MotRows:
        """The rows where the mask is true."""
        return MotRows(**{name: values[mask] for name, values in vars(self).items()})


@dataclass(frozen=True)
class SequenceInfo:
    """The content of `seqinfo.ini`."""

    name: str
    rate: float
    length: int
    width: int
    height: int


def read_mot_rows(path: str | Path, *, allow_repeats: bool = False) -> MotRows:
    """Read `gt.txt`, `det.txt` or a result file without changing its conventions.

    Errors: RecordError listing every fault with its line: columns, words, sizes below 0, frames below 1, and an id that
    occurs twice in a frame (unless `allow_repeats`, or the id is -1 as in detection files).
    """
    matrix, lines = number_matrix(path, (6, 11))
    frames, ids = matrix[:, 0], matrix[:, 1]
    faults = []
    for mask, what in (
        (frames != np.floor(frames), "the frame is not a whole number"),
        (ids != np.floor(ids), "the id is not a whole number"),
        (frames < 1, "frames count from 1"),
        ((matrix[:, 4:6] < 0).any(axis=1), "negative width or height"),
        (np.zeros(len(ids), bool) if allow_repeats else _repeats(frames, ids), "this id is already in this frame"),
    ):
        faults += [(int(line), what) for line in lines[mask]]
    refuse([f"{Path(path).name}:{line}: {what}" for line, what in sorted(faults)])
    confidence = np.where(np.isnan(matrix[:, 6]), 1.0, matrix[:, 6])
    classes = np.where(np.isnan(matrix[:, 7]), -1, matrix[:, 7]).astype(np.int64)
    visibility = np.where(matrix[:, 8] >= 0, matrix[:, 8], np.nan)
    return MotRows(
        frames.astype(np.int64), ids.astype(np.int64), matrix[:, 2:6], confidence, classes, visibility, lines
    )


def _repeats(frames: NDArray[np.float64], ids: NDArray[np.float64]) -> NDArray[np.bool_]:
    again = np.ones(len(ids), bool)
    if len(ids):
        again[np.unique(np.stack([frames, ids], axis=1), axis=0, return_index=True)[1]] = False
    return again & (ids >= 0)


def read_mot(
    path: str | Path, *, rate: float | None = None, video: str | None = None, label: str = "person"
) -> pa.Table:
    """A `tracks` table from a MOT file, or a `detections` table when every id is -1.

    `rate` (frames per second) makes seconds of frames; without it `seqinfo.ini` beside or above the file is asked.
    `video` defaults to the sequence's name. Ground truth with classes gets the class's name as label (1 is `label`);
    rows whose flag is 0 are kept with score 0.
    """
    path = Path(path)
    info = find_sequence_info(path)
    if rate is None and info is None:
        raise ConfigError(
            f"{path.name}: no seqinfo.ini beside it, so seconds are unknown: give rate=FRAMES_PER_SECOND."
        )
    rows = read_mot_rows(path)
    boxes = to_xyxy(rows.boxes, "mot").astype(np.float32)
    frames = rows.frames - 1
    name = video or (info.name if info else path.stem)
    columns = {
        "video": [name] * len(rows),
        "frame": frames,
        "time": frames / (rate or (info.rate if info else 1.0)),
        "track_id": rows.ids,
        **{axis: boxes[:, i] for i, axis in enumerate(("x1", "y1", "x2", "y2"))},
        "label": [_label(value, label) for value in rows.classes],
        "score": rows.confidence.astype(np.float32),
        "observed": np.ones(len(rows), bool),
        "source": [f"file/mot@{path.name}"] * len(rows),
    }
    kind = "detections" if len(rows) and (rows.ids < 0).all() else "tracks"
    if kind == "tracks" and (rows.ids < 0).any():
        line = rows.lines[rows.ids < 0][0]
        raise RecordError(f"{path.name}:{line}: id {rows.ids[rows.ids < 0][0]} among tracks: ids must not be negative.")
    schema = SCHEMAS[kind]
    return pa.table({column: columns[column] for column in schema.names}, schema=schema)


def _label(number: int, person: str) -> str:
    if number in (-1, 1):
        return person
    return CLASSES[number - 1] if 1 <= number <= len(CLASSES) else str(number)


def write_mot(table: pa.Table | Iterable[pa.Table], path: str | Path) -> None:
    """Write a `tracks` (or `detections`) table as a MOT result file: ten columns, the last three -1.

    Accepts pieces, as `Run.batches` gives them. A missing score is written as 1. Rows of more than one video are a
    RecordError: the format holds one.
    """
    tables = [table] if isinstance(table, pa.Table) else table
    write_lines(path, _result_lines(tables))


def _result_lines(tables: Iterable[pa.Table]) -> Iterator[str]:
    videos: set[str] = set()
    for table in tables:
        videos |= set(table.column("video").unique().to_pylist())
        if len(videos) > 1:
            raise RecordError(
                f"MOT files hold one video, the table has {', '.join(sorted(videos))}: write one file each."
            )
        boxes = from_xyxy(np.stack([_floats(table, axis) for axis in ("x1", "y1", "x2", "y2")], axis=1), "mot")
        frames = table.column("frame").to_numpy() + 1
        has_ids = "track_id" in table.column_names
        ids = table.column("track_id").to_numpy() if has_ids else np.full(len(frames), -1)
        scores = np.nan_to_num(_floats(table, "score"), nan=1.0)
        for frame, number, box, score in zip(frames, ids, boxes, scores, strict=True):
            numbers = ",".join(show_number(value) for value in (*box, _short(score)))
            yield f"{frame},{number},{numbers},-1,-1,-1\n"


def _short(score: float) -> float:
    """The shortest decimal that is the same float32."""
    return float(str(np.float32(score)))


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table.column(name).to_numpy(zero_copy_only=False), np.float64)


def find_sequence_info(path: Path) -> SequenceInfo | None:
    """`seqinfo.ini` beside the file or one folder above it (as for `SEQ/gt/gt.txt`), if there is one."""
    for folder in (path.parent, path.parent.parent):
        if (folder / "seqinfo.ini").is_file():
            return read_sequence_info(folder / "seqinfo.ini")
    return None


def read_sequence_info(path: str | Path) -> SequenceInfo:
    """Read `seqinfo.ini`. Errors: RecordError naming the missing or wrong key."""
    path = Path(path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
        section = parser["Sequence"]
        return SequenceInfo(
            section["name"],
            float(section["frameRate"]),
            int(section["seqLength"]),
            int(section["imWidth"]),
            int(section["imHeight"]),
        )
    except (configparser.Error, KeyError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        raise RecordError(f"{path.name}:{line}: not a MOT sequence description ({error}).") from error
