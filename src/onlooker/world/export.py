"""The truth in the formats of the field: MOTChallenge, AVA, COCO, Kinetics csv, THUMOS segments, CASIA-style
silhouettes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.records.formats.ava import write_ava
from onlooker.records.formats.mot import write_mot
from onlooker.storage import atomic_write
from onlooker.world.actions import ACTIONS, MOVING
from onlooker.world.pose import BONES, COCO_JOINTS, JOINTS
from onlooker.world.truth import Extent, FrameTruth

ACTION_NAMES: tuple[str, ...] = (*MOVING, *ACTIONS)
# COCO's names for its seventeen keypoints, from ours
_SIDES = {"l": "left", "r": "right"}


def export_mot(tables: Mapping[str, pa.Table], path: str | Path) -> None:
    """`gt.txt` of MOTChallenge from `World.truth_tables`: frames and ids from 1."""
    write_mot(tables["tracks"], path)


def export_ava(tables: Mapping[str, pa.Table], path: str | Path, size: tuple[int, int]) -> None:
    """AVA csv of the key frames at whole seconds, and the label map (pbtxt) beside it."""
    actions = tables["actions"]
    times = actions["time"].to_numpy()
    labels = dict(enumerate(ACTION_NAMES, 1))
    write_ava(actions.filter(pa.array(times == np.floor(times))), path, size, labels=labels)
    items = [f'item {{\n  name: "{name}"\n  id: {number}\n}}\n' for number, name in labels.items()]
    atomic_write(Path(path).with_suffix(".pbtxt"), "".join(items).encode())


def export_coco(frames: Iterable[FrameTruth], path: str | Path, size: tuple[int, int]) -> None:
    """COCO json with boxes of what is seen, run-length masks (uncompressed, column order), areas and 17 keypoints.

    A keypoint's flag is 2 where the person's own mask covers it, 1 elsewhere in the picture, 0 outside.
    """
    width, height = size
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for truth in frames:
        images.append(
            {
                "id": truth.index + 1,
                "file_name": f"{truth.index:06d}.png",
                "width": width,
                "height": height,
                "time": truth.time,
            }
        )
        for person in truth.people:
            if person.visible_box is not None:
                entry = _annotation(truth, person.extent, len(annotations) + 1, 1)
                annotations.append(
                    entry | {"track_id": person.track_id} | _keypoints(truth, person.joints, person.extent.instance)
                )
        annotations += [
            _annotation(truth, thing.extent, len(annotations) + 1 + offset, 2)
            for offset, thing in enumerate(t for t in truth.things if t.extent.visible_box is not None)
        ]
    names = [_coco_name(JOINTS[joint]) for joint in COCO_JOINTS]
    position = {JOINTS[joint]: number for number, joint in enumerate(COCO_JOINTS, 1)}
    skeleton = [[position[a], position[b]] for a, b in BONES if a in position and b in position]
    categories = [
        {"id": 1, "name": "person", "keypoints": names, "skeleton": skeleton},
        {"id": 2, "name": "thing"},
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    atomic_write(Path(path), json.dumps(content, allow_nan=False).encode())


def _coco_name(joint: str) -> str:
    side, _, part = joint.partition("_")
    return f"{_SIDES[side]}_{part}" if side in _SIDES and part else joint


def _annotation(truth: FrameTruth, extent: Extent, number: int, category: int) -> dict[str, Any]:
    assert extent.visible_box is not None
    x1, y1, x2, y2 = extent.visible_box
    mask = truth.mask(extent.instance)
    return {
        "id": number,
        "image_id": truth.index + 1,
        "category_id": category,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": {"size": list(mask.shape), "counts": run_lengths(mask)},
    }


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of runs of 0 and 1 in turn, beginning with 0, down the columns.

    >>> run_lengths(np.array([[True, False], [True, True]]))
    [0, 2, 1, 1]
    """
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def _keypoints(truth: FrameTruth, joints: NDArray[np.float64], instance: int) -> dict[str, Any]:
    height, width = truth.instances.shape
    found: list[float] = []
    for x, y, depth in joints[list(COCO_JOINTS)].tolist():
        column, row = int(np.floor(x)), int(np.floor(y))
        inside = depth > 0 and 0 <= column < width and 0 <= row < height
        flag = 0 if not inside else 2 if truth.instances[row, column] == instance else 1
        found += [round(x, 2), round(y, 2), flag] if inside else [0, 0, 0]
    return {"keypoints": found, "num_keypoints": sum(1 for flag in found[2::3] if flag)}


def export_kinetics(clips: Iterable[tuple[str, str, float, float, str]], path: str | Path) -> None:
    """Kinetics csv of (label, video, start, end, split): `label,youtube_id,time_start,time_end,split`."""
    lines = ["label,youtube_id,time_start,time_end,split"]
    lines += [f"{label},{video},{start:g},{end:g},{split}" for label, video, start, end, split in clips]
    atomic_write(Path(path), ("\n".join(lines) + "\n").encode())


def export_thumos(tables: Mapping[str, pa.Table], folder: str | Path) -> list[Path]:
    """One `LABEL_val.txt` per action in a folder, lines `video start end` in seconds as THUMOS has them. Returns
    the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for row in tables["segments"].to_pylist():
        if row["label"] in ACTION_NAMES:
            lines.setdefault(row["label"], []).append(f"{Path(row['video']).stem} {row['start']:.3f} {row['end']:.3f}")
    files = []
    for label, found in sorted(lines.items()):
        path = folder / f"{label}_val.txt"
        atomic_write(path, ("\n".join(found) + "\n").encode())
        files.append(path)
    return files


def export_silhouettes(frames: Iterable[FrameTruth], folder: str | Path, height: int = 64) -> int:
    """Gait silhouettes as sets have them: `folder/IDENTITY/FRAME.png`, white on black, `height` pixels tall, centred.

    Only whole silhouettes: people who are wholly in the picture and whom nothing hides. Returns how many were written.
    """
    count = 0
    for truth in frames:
        for person in truth.people:
            if person.visible < 0.98 or person.visible_box is None or person.full_box is None:
                continue
            x1, y1, x2, y2 = person.full_box
            if x1 < 0 or y1 < 0 or x2 > truth.instances.shape[1] or y2 > truth.instances.shape[0]:
                continue
            place = Path(folder) / str(person.identity)
            place.mkdir(parents=True, exist_ok=True)
            picture = normalised_silhouette(truth.mask(person.extent.instance), height)
            atomic_write(place / f"{truth.index:06d}.png", cv2.imencode(".png", picture)[1].tobytes())
            count += 1
    return count


def normalised_silhouette(mask: NDArray[np.bool_], height: int = 64) -> NDArray[np.uint8]:
    """A mask cut to its person, scaled to `height` and centred on its mass in a square; uint8 0 or 255."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    out = np.zeros((height, height), np.uint8)
    if not len(rows):
        return out
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8) * 255
    wide = max(round(part.shape[1] * height / part.shape[0]), 1)
    part = (cv2.resize(part, (wide, height), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8) * 255
    mass = part.sum(0, dtype=np.float64)
    shift = round(height / 2 - float((mass * (np.arange(wide) + 0.5)).sum() / max(mass.sum(), 1)))
    first, last = max(shift, 0), min(shift + wide, height)
    if last > first:
        out[:, first:last] = part[:, first - shift : last - shift]
    return out
