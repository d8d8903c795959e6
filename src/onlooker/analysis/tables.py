"""Rows of the run folder from what the stages compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.records import SCHEMAS, Detections, FrameTracks
from onlooker.video import Clip


def make_table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """A table of the schema `name`; columns are sequences of equal length."""
    return pa.table(dict(columns), schema=SCHEMAS[name])


def rows_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table of the schema `name` from one mapping a row."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMAS[name])


def inside(found: Detections, width: int, height: int) -> Detections:
    """The detections cut to the picture; what has no pixel left in it is dropped."""
    boxes, kept = _cut(found.boxes, width, height)
    return replace(found, boxes=boxes).keep(kept)


def tracks_inside(found: FrameTracks, width: int, height: int) -> FrameTracks:
    """The tracks cut to the picture; what has no pixel left in it is dropped."""
    boxes, kept = _cut(found.boxes, width, height)
    labels = tuple(label for label, keep in zip(found.labels, kept, strict=True) if keep)
    return FrameTracks(found.ids[kept], boxes[kept], found.scores[kept], labels, found.observed[kept])


def _cut(boxes: NDArray[np.float32], width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    limits = np.array([width, height, width, height], np.float32)
    cut = np.clip(boxes, 0, limits).astype(np.float32)
    left: NDArray[np.bool_] = np.all(cut[:, 2:] - cut[:, :2] >= 1, axis=1)
    return cut, left


def detections_table(video: str, clip: Clip, found: Sequence[Detections], source: str) -> pa.Table:
    """Detections of a clip, one entry of `found` a frame."""
    columns = _per_box(video, clip, found, source)
    columns["score"] = np.concatenate([d.scores for d in found]) if found else []
    columns["label"] = [label for d in found for label in d.labels]
    return make_table("detections", columns)


def tracks_table(video: str, clip: Clip, found: Sequence[FrameTracks], source: str) -> pa.Table:
    """Tracks of a clip, one entry of `found` a frame."""
    columns = _per_box(video, clip, found, source)
    columns["track_id"] = np.concatenate([t.ids for t in found]) if found else []
    columns["score"] = np.concatenate([t.scores for t in found]) if found else []
    columns["observed"] = np.concatenate([t.observed for t in found]) if found else []
    columns["label"] = [label for t in found for label in t.labels]
    return make_table("tracks", columns)


def _per_box(
    video: str, clip: Clip, found: Sequence[Detections] | Sequence[FrameTracks], source: str
) -> dict[str, Any]:
    counts = [len(frame) for frame in found]
    boxes = np.concatenate([frame.boxes for frame in found]) if found else np.zeros((0, 4), np.float32)
    total = len(boxes)
    return {
        "video": [video] * total,
        "frame": np.repeat(clip.indices, counts),
        "time": np.repeat(clip.times, counts),
        **{name: boxes[:, axis].astype(np.float32) for axis, name in enumerate(("x1", "y1", "x2", "y2"))},
        "source": [source] * total,
    }
