"""COCO json: images, annotations and categories, or a bare list of results.

Boxes are `[x, y, width, height]` in pixels from 0. An image of a video is named by three keys that other readers
ignore: `video`, `frame` and `time`; files without them become one video per image. JSON has no streaming reader in
Python's library, so reading holds the file; writing does not hold the table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from onlooker.errors import RecordError
from onlooker.records.boxes import from_xyxy
from onlooker.records.formats.lines import read_text, refuse, write_lines
from onlooker.records.schemas import SCHEMAS

_AXES = ("x1", "y1", "x2", "y2")


def read_json(path: str | Path) -> Any:
    """JSON whose numbers are finite. Errors: RecordError with file and line (NaN and Infinity are not JSON)."""
    path = Path(path)
    text = read_text(path)

    def refuse_constant(word: str) -> float:
        line = text[: text.index(word)].count("\n") + 1
        raise RecordError(f"{path.name}:{line}: {word} is not JSON: write null or a number.")

    try:
        return json.loads(text, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise RecordError(f"{path.name}:{error.lineno}: not valid JSON: {error.msg}.") from error


def read_coco(path: str | Path, results: str | Path | None = None) -> pa.Table:
    """A `detections` table of a COCO file's annotations, or of a result file on the images of `path`.

    Masks stay behind (read the file with `metrics.detection` to score them). Ground truth gets no score.
    Errors: RecordError listing every annotation that is faulty, by file, line 1 and position.
    """
    data = read_json(path)
    name = Path(path).name
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise RecordError(f"{name}:1: a COCO file is an object with images, annotations and categories.")
    images = _by_id(data["images"], name, "images")
    labels = {i: str(c.get("name", i)) for i, c in _by_id(data.get("categories", []), name, "categories").items()}
    items, source = data.get("annotations", []), name
    if results is not None:
        items, source = read_json(results), Path(results).name
    if not isinstance(items, list):
        raise RecordError(f"{source}:1: expected a list of boxes.")
    where = "annotations" if results is None else "results"
    faults = [f"{source}:1: {where}[{i}]: {w}" for i, item in enumerate(items) if (w := _wrong(item, images, labels))]
    faults += [] if results is not None else _duplicates(items, source)
    refuse(faults)
    rows = [_row(item, images[item["image_id"]], labels, source) for item in items]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["detections"])


def _by_id(items: Any, name: str, kind: str) -> dict[Any, dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) and "id" in item for item in items):
        raise RecordError(f"{name}:1: {kind} must be a list of objects with an id.")
    found = {item["id"]: item for item in items}
    if len(found) != len(items):
        raise RecordError(f"{name}:1: {kind} has duplicate ids.")
    return found


def _duplicates(items: list[Any], source: str) -> list[str]:
    seen: set[Any] = set()
    faults = []
    for index, item in enumerate(items):
        number = item.get("id") if isinstance(item, dict) else None
        if number is not None and number in seen:
            faults.append(f"{source}:1: annotations[{index}]: duplicate id {number}")
        seen.add(number)
    return faults


def _wrong(item: Any, images: Mapping[Any, Any], labels: Mapping[Any, str]) -> str | None:
    if not isinstance(item, dict):
        return "not an object"
    if item.get("image_id") not in images:
        return f"unknown image {item.get('image_id')!r}"
    if item.get("category_id") not in labels:
        return f"unknown class {item.get('category_id')!r}"
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int | float) for v in box):
        return f"bbox {box!r} is not four numbers"
    if not all(math.isfinite(v) for v in box) or box[2] < 0 or box[3] < 0:
        return f"bbox {box!r} has a negative size or a value that is not finite"
    return None


def _row(item: dict[str, Any], image: dict[str, Any], labels: Mapping[Any, str], source: str) -> dict[str, Any]:
    x, y, width, height = item["bbox"]
    return {
        "video": str(image.get("video", image.get("file_name", image["id"]))),
        "frame": int(image.get("frame", 0)),
        "time": float(image.get("time", 0.0)),
        **dict(zip(_AXES, (x, y, x + width, y + height), strict=True)),
        "label": labels[item["category_id"]],
        "score": item.get("score"),
        "source": f"file/coco@{source}",
    }


def write_coco(table: pa.Table, path: str | Path, sizes: tuple[int, int] | Mapping[str, tuple[int, int]]) -> None:
    """Write `detections` (or `tracks`) as a COCO file; images and categories are those that occur in the table.

    `sizes` is (width, height) of all videos or per video. A score, where there is one, is kept beside the box.
    """
    write_lines(path, _pieces(table, sizes))


def _pieces(table: pa.Table, sizes: tuple[int, int] | Mapping[str, tuple[int, int]]) -> Iterator[str]:
    images = _images(table)
    labels = {label: i for i, label in enumerate(sorted(table.column("label").unique().to_pylist()), 1)}
    yield '{"images": ['
    yield from _joined(_image(i, key, time, sizes) for key, (i, time) in images.items())
    yield '\n], "categories": ['
    yield from _joined({"id": i, "name": label} for label, i in labels.items())
    yield '\n], "annotations": ['
    yield from _joined(_annotations(table, images, labels))
    yield "\n]}\n"


def _joined(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for index, item in enumerate(items):
        yield ("," if index else "") + "\n" + json.dumps(item, ensure_ascii=False, allow_nan=False)


def _images(table: pa.Table) -> dict[tuple[str, int], tuple[int, float]]:
    found: dict[tuple[str, int], tuple[int, float]] = {}
    for batch in table.select(["video", "frame", "time"]).to_batches():
        for row in batch.to_pylist():
            found.setdefault((row["video"], row["frame"]), (len(found) + 1, row["time"]))
    return found


def _image(
    number: int, key: tuple[str, int], time: float, sizes: tuple[int, int] | Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    video, frame = key
    if isinstance(sizes, Mapping) and video not in sizes:
        raise RecordError(f"no picture size for video {video!r}: give sizes={{name: (width, height)}}.")
    width, height = sizes[video] if isinstance(sizes, Mapping) else sizes
    name = f"{video}/{frame:08d}.jpg"
    return {
        "id": number,
        "file_name": name,
        "width": width,
        "height": height,
        "video": video,
        "frame": frame,
        "time": time,
    }


def _annotations(
    table: pa.Table, images: Mapping[tuple[str, int], tuple[int, float]], labels: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    number = 0
    for batch in table.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            number += 1
            box = from_xyxy([[row[axis] for axis in _AXES]], "xywh")[0].tolist()
            item: dict[str, Any] = {
                "id": number,
                "image_id": images[row["video"], row["frame"]][0],
                "category_id": labels[row["label"]],
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            if row["score"] is not None:
                item["score"] = float(str(np.float32(row["score"])))  # the shortest decimal of the same float32
            yield item
