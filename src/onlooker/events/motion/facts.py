"""What is said about motion, and the tables of the run folder that it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from onlooker.records.schemas import SCHEMAS

ACTIVITIES = ("standing", "walking", "running")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that one or two people did from `start` to `end`; known since `confirm` (seconds).

    `kind` is standing, walking, running, company (with somebody at all), heading, dwell, enter, leave or together (with
    whom). `x`, `y` are displayed pixels of the feet. `score` is the share of the frames in which the person was seen.
    """

    kind: str
    start: float
    end: float
    confirm: float
    tracks: tuple[int, ...]
    direction: str | None = None
    x: float | None = None
    y: float | None = None
    score: float = 1.0


def to_tables(facts: Sequence[Fact], video: str, source: str) -> dict[str, pa.Table]:
    """Facts as rows: activities and company are `segments` (company is labelled "together"), the rest are `events`.

    >>> to_tables([Fact("walking", 0.0, 2.0, 2.0, (7,))], "street", "motion/default@none")["segments"].num_rows
    1
    """
    segments = [_segment(fact, video, source) for fact in facts if fact.kind in (*ACTIVITIES, "company")]
    events = [_event(fact, video, source) for fact in facts if fact.kind not in (*ACTIVITIES, "company")]
    return {
        "segments": pa.Table.from_pylist(segments, schema=SCHEMAS["segments"]),
        "events": pa.Table.from_pylist(events, schema=SCHEMAS["events"]),
    }


def _segment(fact: Fact, video: str, source: str) -> dict[str, object]:
    return {
        "video": video,
        "track_id": fact.tracks[0],
        "start": fact.start,
        "end": fact.end,
        "label": "together" if fact.kind == "company" else fact.kind,
        "score": fact.score,
        "source": source,
    }


def _event(fact: Fact, video: str, source: str) -> dict[str, object]:
    roles = [{"role": "person", "track_id": track} for track in fact.tracks]
    key = json.dumps([video, fact.kind, fact.tracks, fact.start])
    return {
        "video": video,
        "event_id": hashlib.blake2b(key.encode(), digest_size=8).hexdigest(),
        "version": 1,
        "type": fact.kind,
        "rule": "motion",
        "state": "closed",
        "start": fact.start,
        "confirm": fact.confirm,
        "end": fact.end,
        "track_id": fact.tracks[0],
        "participants": json.dumps(roles),
        "direction": fact.direction,
        "x": fact.x,
        "y": fact.y,
        "score": fact.score,
        "source": source,
    }
