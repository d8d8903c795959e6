"""WebVTT: timed text that browsers show over a video. Times are kept to the millisecond, as the format does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from onlooker.errors import RecordError
from onlooker.records.formats.lines import read_text, refuse, write_lines
from onlooker.records.schemas import SCHEMAS

_TIMING = re.compile(
    r"^((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})[ \t]+-->[ \t]+((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})(?:[ \t].*)?$"
)
_WORDS = ("text", "label", "type", "identity")
_VOICE = re.compile(r"^<v(?:\.[^ \t>]*)? person (\d+)>")


def read_webvtt(path: str | Path, video: str | None = None) -> pa.Table:
    """A `captions` table: one row a cue. `<v person 3>` gives track 3; other tags are dropped, entities decoded.

    `video` defaults to the file's stem. Errors: RecordError listing every fault with its line.
    """
    path = Path(path)
    lines = read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.match(r"^WEBVTT([ \t]|$)", lines[0]):
        raise RecordError(f"{path.name}:1: a WebVTT file begins with WEBVTT.")
    cues, faults = _parse(lines, path.name)
    refuse(faults)
    rows = [{**cue, "video": video or path.stem, "score": None, "source": f"file/webvtt@{path.name}"} for cue in cues]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["captions"])


def _parse(lines: list[str], name: str) -> tuple[list[dict[str, Any]], list[str]]:
    cues, faults = [], []
    for first, block in _blocks(lines):
        if re.match(r"^(NOTE|STYLE|REGION)\b", block[0]) or first == 1:
            continue
        at = 0 if "-->" in block[0] else 1
        timing = _TIMING.match(block[at]) if at < len(block) else None
        if timing is None:
            faults.append(f"{name}:{first + min(at, len(block) - 1)}: expected '00:00.000 --> 00:00.000'")
            continue
        start, end = (_seconds(word) for word in timing.groups())
        if start > end:
            faults.append(f"{name}:{first + at}: the cue ends before it starts")
            continue
        text = "\n".join(block[at + 1 :])
        voice = _VOICE.match(text)
        plain = html.unescape(re.sub(r"<[^>]*>", "", text))
        cues.append({"track_id": int(voice[1]) if voice else None, "start": start, "end": end, "text": plain})
    return cues, faults


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines that are not empty, each with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line:
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def write_webvtt(table: pa.Table, path: str | Path) -> None:
    """Write a table with start and end: the cues say its text, label, type or identity, whichever column it has.

    Cues are in the order of their start. Line breaks inside a text stay, blank lines inside it become single breaks
    (a blank line ends a cue). Errors: RecordError for a cue that ends before it starts or begins before 0.
    """
    column = next((name for name in _WORDS if name in table.column_names), None)
    if column is None or not {"start", "end"} <= set(table.column_names):
        raise RecordError(
            f"{Path(path).name}: cues need start, end and one of {', '.join(_WORDS)}: choose such a table."
        )
    rows = sorted(table.to_pylist(), key=lambda row: (row["start"], row["end"] or row["start"]))
    write_lines(path, _cues(rows, column))


def _cues(rows: list[dict[str, Any]], column: str) -> Iterator[str]:
    yield "WEBVTT\n"
    for row in rows:
        start, end = row["start"], row["end"]
        if end is None or end < start or start < 0:
            raise RecordError(f"{row['video']}: a cue from {start} to {end} cannot be written: times must be in order.")
        voice = f"<v person {row['track_id']}>" if row.get("track_id") is not None else ""
        text = re.sub(r"\n{2,}", "\n", re.sub(r"\r\n?", "\n", row[column])).strip("\n")
        yield f"\n{_clock(start)} --> {_clock(end)}\n{voice}{html.escape(text, quote=False)}\n"


def _clock(seconds: float) -> str:
    total = round(seconds * 1000)
    return f"{total // 3_600_000:02d}:{total // 60_000 % 60:02d}:{total // 1000 % 60:02d}.{total % 1000:03d}"


def _seconds(clock: str) -> float:
    whole, thousandths = clock.split(".")
    value = 0
    for part in whole.split(":"):
        value = value * 60 + int(part)
    return (value * 1000 + int(thousandths)) / 1000
