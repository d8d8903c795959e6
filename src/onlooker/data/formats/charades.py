"""Charades: a csv with a row per video and all its labelled segments; videos or frames at 24 a second."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from onlooker.data.formats.common import (
    Classes,
    Gathering,
    beside,
    find_media,
    media_root,
    numbered_lines,
    table,
)
from onlooker.data.samples import Listing, Sample
from onlooker.errors import RecordError

FOLDERS = ("Charades_v1_480", "../Charades_v1_480", "Charades_v1", "Charades_v1_rgb", "../Charades_v1_rgb", "videos")


class _Segment(NamedTuple):
    label: int
    start: float
    end: float


def read_charades(
    path: str | Path,
    *,
    root: str | Path | None = None,
    classes: Classes = (),
    rate: float = 24.0,
    part: Literal["videos", "segments"] = "videos",
) -> Listing:
    """`id,subject,...,actions,length` with actions `c092 11.90 21.20;c147 0.00 12.60`.

    `part="videos"`: a sample is a whole video with all its classes (none is possible). `part="segments"`: a sample is
    one segment (those of the same times being one) with the classes of all segments that cover its middle. Class names
    come from `Charades_v1_classes.txt` beside the list. Groups are subjects. Videos are `root/ID.mp4`, frames
    `root/ID/ID-000001.jpg` at `rate` a second. A segment that begins after its end or after the video is a fault, one
    that reaches beyond the video a warning.
    """
    path = Path(path)
    names = tuple(classes) or _classes(beside(path, ["Charades_v1_classes.txt"], "the list of classes"))
    into, folder = Gathering(path, names), media_root(path, root, FOLDERS)
    for line, row in table(path, ("id", "actions"), into.faults):
        if not into.inside(line, folder, row["id"]):
            continue
        segments = _segments(into, line, row)
        media = find_media(folder, row["id"], rate)
        whole = Sample(media, (), into.where(line), video=row["id"], group=row.get("subject", ""))
        if part == "videos":
            labels = tuple(sorted({segment.label for segment in segments}))
            into.add(replace(whole, labels=labels))
            continue
        for segment in {(one.start, one.end): one for one in segments}.values():
            middle = (segment.start + segment.end) / 2
            labels = tuple(sorted({other.label for other in segments if other.start <= middle < other.end}))
            into.add(replace(whole, labels=labels, start=segment.start, end=segment.end))
    return into.listing(multi_label=True)


def _segments(into: Gathering, line: int, row: dict[str, str]) -> list[_Segment]:
    length = into.seconds(line, row["length"]) if row.get("length", "").strip() else None
    found = []
    for action in filter(None, (text.strip() for text in row["actions"].split(";"))):
        words = action.split()
        if len(words) != 3 or not re.fullmatch(r"c\d{3}", words[0]):
            into.fault(line, f"{action!r} is no `c000 start end`")
            continue
        label = into.numbered(line, words[0][1:])
        start, end = (into.seconds(line, word) for word in words[1:])
        if label is None or start is None or end is None or not into.part(line, start, end):
            continue
        if length is not None and start >= length:
            into.fault(line, f"{action!r} begins after the end of the video, {length:g} s")
            continue
        if length is not None and end > length + 1.0:
            into.warnings.append(f"{into.where(line)}: {action!r} reaches beyond the end of the video, {length:g} s")
        found.append(_Segment(label, start, end))
    return found


def _classes(path: Path) -> tuple[str, ...]:
    """`c000 Holding some clothes`, one a line, numbers in order."""
    names: list[str] = []
    for line, text in numbered_lines(path):
        if not text.strip():
            continue
        number, _, name = text.strip().partition(" ")
        if number != f"c{len(names):03d}" or not name:
            raise RecordError(f"{path.name}:{line}: {text!r} is not `c{len(names):03d} name`.")
        names.append(name)
    return tuple(names)
