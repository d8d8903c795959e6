"""The list of events: what happened when, in words, the important kinds first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onlooker.analysis.people import Person
from onlooker.records import Run

MOST_MOMENTS = 600
MINOR = ("heading", "dwell")  # listed when asked for: they happen all the time
SIDES = {"left": "from the left", "right": "from the right", "top": "from the top", "bottom": "from the bottom"}
RUNNING = "running"
NO_PLURAL = {"heading": "heading", "dwell": "staying", "enter": "coming", "leave": "leaving"}


@dataclass(frozen=True)
class Moment:
    """One entry: `start` and `end` in seconds of media time, `who` the tracks, `text` what they do."""

    kind: str
    start: float
    end: float | None
    who: list[int]
    text: str


@dataclass(frozen=True)
class Kind:
    """A kind of event for the filter: how often it happened, how often it is on the page, whether it shows at first."""

    name: str
    title: str
    total: int
    listed: int
    shown: bool


def collect_moments(run: Run, people: Sequence[Person]) -> tuple[list[Moment], list[Kind]]:
    """At most `MOST_MOMENTS` in order of time, important kinds before minor ones, and the kinds with their counts."""
    moments = [_moment(row) for row in standing_events(run)]
    moments += [
        Moment(RUNNING, start, end, [person.track_id], "runs")
        for person in people
        for start, end, label in person.activities
        if label == RUNNING
    ]
    moments.sort(key=lambda m: (m.start, m.kind, m.who))
    major = _spread([m for m in moments if m.kind not in MINOR], MOST_MOMENTS)
    minor = _spread([m for m in moments if m.kind in MINOR], MOST_MOMENTS - len(major))
    listed = sorted([*major, *minor], key=lambda m: (m.start, m.kind, m.who))
    totals, kept = Counter(m.kind for m in moments), Counter(m.kind for m in listed)
    only_minor = all(name in MINOR for name in totals)
    kinds = [
        Kind(name, title_of(name), total, kept[name], only_minor or name not in MINOR)
        for name, total in sorted(totals.items(), key=lambda item: (item[0] in MINOR, -item[1], item[0]))
    ]
    return listed, kinds


def standing_events(run: Run) -> list[dict[str, Any]]:
    """The latest version of each event that was not taken back."""
    latest: dict[str, dict[str, Any]] = {}
    for row in run.events.to_pylist():
        known = latest.get(row["event_id"])
        if known is None or row["version"] > known["version"]:
            latest[row["event_id"]] = row
    return [row for row in latest.values() if row["state"] != "retracted"]


def title_of(kind: str) -> str:
    """A kind as a word on a button.

    >>> title_of("line_crossed"), title_of("dwell")
    ('line crossed', 'staying')
    """
    return NO_PLURAL.get(kind, kind.replace("_", " "))


def _moment(row: dict[str, Any]) -> Moment:
    who = [p["track_id"] for p in json.loads(row["participants"]) if p.get("track_id") is not None]
    if not who and row["track_id"] is not None:
        who = [row["track_id"]]
    return Moment(row["type"], row["start"], row["end"], who, _words(row))


def _words(row: dict[str, Any]) -> str:
    kind, where = row["type"], (row["direction"] or "").replace("_", " ")
    seconds = None if row["end"] is None else row["end"] - row["start"]
    lasting = f" for {seconds:.0f} s" if seconds is not None and seconds >= 1 else ""
    if kind == "enter":
        return f"comes in {SIDES[where]}" if where in SIDES else "appears"
    if kind == "leave":
        return f"leaves {SIDES[where].replace('from', 'to')}" if where in SIDES else "disappears"
    if kind == "heading":
        return f"heads {where}{lasting}"
    if kind == "dwell":
        return f"stays in one place{lasting}"
    return " ".join(filter(None, [kind.replace("_", " "), where])) + lasting


def _spread(moments: list[Moment], most: int) -> list[Moment]:
    """At most `most` of them, evenly spread."""
    if len(moments) <= most:
        return moments
    return [moments[k * len(moments) // most] for k in range(most)] if most > 0 else []
