"""Do our compatible lines and zones count what the library they stand for counted?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from onlooker.errors import ConfigError
from onlooker.events.compat import Anchors, CompatLine, CompatZone

TOLERANCE = 0.0  # flags: equal or not


def parity(folder: str | Path) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """(name, ours, reference) for each recorded output: 0/1 flags (frames, tracks).

    `folder` holds config.json (line, line_threshold_frames, line_anchor_sets, polygon), inputs.safetensors (boxes_xyxy,
    visible) and outputs.safetensors (`line.<anchors>.thr<k>.in`, `.out`, `zone.<anchor>.inside`), of any size.
    Errors: ConfigError naming an output that is not understood.
    """
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    inputs, outputs = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    boxes, visible = inputs["boxes_xyxy"], inputs["visible"].astype(bool)
    for name in sorted(outputs):
        match name.split("."):
            case ["line", anchors, threshold, way] if threshold.startswith("thr") and way in ("in", "out"):
                ours = _line(config["line"], _anchors(anchors), int(threshold[3:]), boxes, visible)[way == "out"]
            case ["zone", anchor, "inside"]:
                ours = _zone(config["polygon"], _anchors(anchor), boxes, visible)
            case _:
                raise ConfigError(f"{folder.name}/outputs.safetensors holds {name!r}, which is no line and no zone.")
        yield name, ours.astype(outputs[name].dtype), outputs[name]


def _anchors(name: str) -> Anchors:
    known: dict[str, Anchors] = {"corners": "corners", "bottom_center": "bottom_center", "center": "center"}
    if name not in known:
        raise ConfigError(f"there are no anchors {name!r}: known are {', '.join(known)}.")
    return known[name]


def _line(
    line: list[list[float]], anchors: Anchors, threshold: int, boxes: NDArray[Any], visible: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    counter = CompatLine((line[0][0], line[0][1]), (line[1][0], line[1][1]), threshold, anchors)
    entered, left = np.zeros(visible.shape, bool), np.zeros(visible.shape, bool)
    for frame, seen in enumerate(visible):
        entered[frame, seen], left[frame, seen] = counter.trigger(np.flatnonzero(seen).tolist(), boxes[frame, seen])
    return entered, left


def _zone(
    polygon: list[list[int]], anchor: Anchors, boxes: NDArray[Any], visible: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    zone = CompatZone(polygon, anchor)
    return np.array([zone.inside(frame) for frame in boxes]) & visible
