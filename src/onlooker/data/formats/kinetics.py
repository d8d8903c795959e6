"""Lists in Kinetics style: lines `path label`, the csv that Kinetics publishes, and its JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from onlooker.data.formats.common import Classes, Gathering, json_entries, numbered_lines, table, unnamed
from onlooker.data.media import VIDEOS, VideoFile
from onlooker.data.samples import Listing, Sample
from onlooker.records.formats.lines import read_text

COLUMNS = ("label", "youtube_id", "time_start", "time_end")


class _Row(NamedTuple):
    line: int
    label: str
    path: Path
    video: str
    start: float = 0.0
    end: float | None = None


def read_kinetics(
    path: str | Path, *, root: str | Path | None = None, classes: Classes = (), split: str = ""
) -> Listing:
    """A list of labelled videos in one of three forms.

    Lines `path label` with a space or a comma between (paths may hold spaces; labels are numbers or names; empty lines
    and lines that begin with # do not count). The published csv with a header that has the columns `label`,
    `youtube_id`, `time_start`, `time_end` and possibly `split` and others. The published JSON
    `{id: {"annotations": {"label", "segment"}, "subset"}}`. `split` chooses rows of the last two.
    Published rows mean the trimmed file `ID_000010_000020.mp4` where it is there (in `root`, in a folder of the split
    or the label below it), else that part of `ID.mp4`. Paths are relative to `root`, by default the list's folder.
    Without `classes` the labels must be names.
    """
    path = Path(path)
    into, rows = Gathering(path, classes), list[_Row]()
    files = _Files(path.parent if root is None else Path(root))
    text = read_text(path).lstrip()
    if text.startswith("{"):
        _published_json(path, into, rows, files, split)
    elif "youtube_id" in text.partition("\n")[0].replace('"', "").strip().split(","):
        _published_csv(path, into, rows, files, split)
    else:
        _plain(path, into, rows, files.root)
    names = tuple(classes) or tuple(sorted({row.label for row in rows}))
    if not classes and any(re.fullmatch(r"-?\d+", name) for name in names):
        raise unnamed(path.name)
    into = _labelled(path, into, rows, names)
    return into.listing()


def _labelled(path: Path, found: Gathering, rows: Sequence[_Row], names: tuple[str, ...]) -> Gathering:
    into = Gathering(path, names)
    into.faults += found.faults
    for row in rows:
        plain_number = row.label not in names and re.fullmatch(r"-?\d{1,9}", row.label)
        label = into.numbered(row.line, row.label) if plain_number else into.named(row.line, row.label)
        if label is not None:
            into.add(Sample(VideoFile(row.path), (label,), into.where(row.line), row.start, row.end, row.video))
    return into


def _plain(path: Path, into: Gathering, rows: list[_Row], root: Path) -> None:
    for line, text in numbered_lines(path):
        if not text.strip() or text.startswith("#"):
            continue
        found = re.fullmatch(r"\s*(.+?)(?:\s*,\s*|\s+)([^\s,]+)\s*", text)
        if found is None:
            into.fault(line, f"{text[:80]!r} is no `path label`")
        else:
            file = root / found[1].strip('"')
            rows.append(_Row(line, found[2], file, str(file)))


def _published_csv(path: Path, into: Gathering, rows: list[_Row], files: _Files, split: str) -> None:
    for line, row in table(path, (*COLUMNS, "split") if split else COLUMNS, into.faults):
        of = row.get("split", "")
        if not split or of == split:
            start, end = (into.seconds(line, row[name]) for name in ("time_start", "time_end"))
            if into.part(line, start, end) and into.inside(line, files.root, row["youtube_id"]):
                rows.append(files.row(line, row["label"], row["youtube_id"], float(start or 0), float(end or 0), of))


def _published_json(path: Path, into: Gathering, rows: list[_Row], files: _Files, split: str) -> None:
    for line, video, entry in json_entries(path, into.faults):
        try:
            annotations, of = entry["annotations"], str(entry.get("subset", ""))
            label, (start, end) = str(annotations["label"]), map(float, annotations["segment"])
        except (KeyError, TypeError, ValueError, AttributeError):
            into.fault(line, f"{video!r} has no annotations with label and segment")
            continue
        if (not split or of == split) and into.part(line, start, end) and into.inside(line, files.root, video):
            rows.append(files.row(line, label, video, start, end, of))


class _Files:
    """The files of a Kinetics folder; each folder is listed once, since lists have hundreds of thousands of rows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[str, frozenset[str]] = {}

    def row(self, line: int, label: str, video: str, start: float, end: float, split: str) -> _Row:
        """The trimmed clip where it is there, else the part of the whole video."""
        trimmed = f"{video}_{int(start):06d}_{int(end):06d}"
        # a label with a path in it names no folder of this set
        folders = [""] if "/" in label or label in (".", "..") else ["", label, label.replace(" ", "_")]
        folders += [os.path.join(split, folder) for folder in folders] if split else []
        for stem, part in ((trimmed, False), (video, True)):
            for folder in folders:
                name = self._find(folder, stem)
                if name:
                    file = self.root / folder / name
                    return _Row(line, label, file, video, start, end) if part else _Row(line, label, file, video)
        whole = video if Path(video).suffix in VIDEOS else f"{video}.mp4"
        return _Row(line, label, self.root / whole, video, start, end)

    def _find(self, folder: str, stem: str) -> str:
        names = self._names(folder)
        if stem in names and Path(stem).suffix in VIDEOS:
            return stem
        return next((stem + suffix for suffix in VIDEOS if stem + suffix in names), "")

    def _names(self, folder: str) -> frozenset[str]:
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(self.root / folder))
            except (OSError, ValueError):
                self._listed[folder] = frozenset()
        return self._listed[folder]
