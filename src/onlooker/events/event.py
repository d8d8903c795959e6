"""An event, and the append-only log that versions it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from onlooker.records.schemas import SCHEMAS


@dataclass(frozen=True, slots=True)
class Role:
    """Who takes part, and as what."""

    role: str
    track_id: int
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """The object of an event."""

    label: str
    track_id: int
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One version of one event. Times are media seconds: `start` of the first evidence, `confirm` when it was certain
    (their difference is the built-in latency). `evidence` are sequence numbers of frames. `x`, `y` are pixels. `padded`
    is the interval of a put with the margin that annotators give it.

    `state` is opened, updated, closed or retracted; a higher `version` of the same `event_id` replaces a lower one.
    """

    event_id: str
    type: str
    rule: str
    state: str
    start: float
    confirm: float
    end: float | None
    participants: tuple[Role, ...]
    confidence: float
    stream: str
    epoch: int
    version: int = 1
    thing: Thing | None = None
    x: float | None = None
    y: float | None = None
    direction: str | None = None
    evidence: tuple[int, ...] = ()
    reason: str | None = None
    padded: tuple[float, float] | None = None

    @property
    def review(self) -> bool:
        """Whether a person should look at it before it is believed."""
        return self.confidence < 0.5


def event_id(stream: str, epoch: int, rule: str, kind: str, participants: Iterable[Role], start: float) -> str:
    """The same for the same happening, whenever it is computed."""
    key = json.dumps([stream, epoch, rule, kind, [(p.role, p.track_id) for p in participants], start])
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def event_to_json(event: Event) -> dict[str, Any]:
    """Plain values: one line of events.jsonl."""
    return asdict(event)


def event_from_json(values: dict[str, Any]) -> Event:
    """The inverse of `event_to_json`."""
    rest = dict(values)
    rest["participants"] = tuple(Role(**role) for role in values["participants"])
    rest["thing"] = None if values["thing"] is None else Thing(**values["thing"])
    rest["evidence"] = tuple(values["evidence"])
    rest["padded"] = None if values["padded"] is None else tuple(values["padded"])
    return Event(**rest)


@dataclass
class EventLog:
    """What was said in one stream: which events are open, and which are recent enough to be taken back."""

    stream: str
    report_min: float
    keep_s: float = 30.0
    open: dict[str, Event] = field(default_factory=dict)
    recent: list[Event] = field(default_factory=list)
    out: list[Event] = field(default_factory=list)

    def say(
        self,
        kind: str,
        rule: str,
        epoch: int,
        participants: tuple[Role, ...],
        start: float,
        confirm: float,
        confidence: float,
        *,
        open: bool = False,
        thing: Thing | None = None,
        place: tuple[float, float] | None = None,
        direction: str | None = None,
        evidence: tuple[int, ...] = (),
        reason: str | None = None,
        padded: tuple[float, float] | None = None,
    ) -> str:
        """A new event; returns its id. What is too uncertain is kept from the output, and so is what follows on it."""
        identity = event_id(self.stream, epoch, rule, kind, participants, start)
        event = Event(
            event_id=identity, type=kind, rule=rule, state="opened" if open else "closed",
            start=start, confirm=confirm, end=None if open else start,
            participants=participants, confidence=confidence, stream=self.stream, epoch=epoch,
            thing=thing, x=None if place is None else place[0], y=None if place is None else place[1],
            direction=direction, evidence=evidence, reason=reason, padded=padded,
        )  # fmt: skip
        if confidence >= self.report_min and identity not in self.open:
            self._append(event)
        return identity

    def close(self, identity: str, end: float, confirm: float, reason: str | None = None) -> None:
        """The open event ends."""
        event = self.open.get(identity)
        if event is not None:
            version = event.version + 1
            self._append(replace(event, state="closed", end=end, confirm=confirm, reason=reason, version=version))

    def close_all(self, time: float, reason: str) -> None:
        """Every open event ends, no earlier than it began."""
        for identity, event in list(self.open.items()):
            self.close(identity, max(time, event.start), max(time, event.confirm), reason)

    def retract(self, identity: str, confirm: float, reason: str) -> None:
        """The event did not happen."""
        event = self.open.get(identity) or next((e for e in reversed(self.recent) if e.event_id == identity), None)
        if event is not None and event.state != "retracted":
            self._append(replace(event, state="retracted", confirm=confirm, reason=reason, version=event.version + 1))

    def exchange(self, a: int, b: int, since: float, now: float) -> dict[str, str]:
        """Two tracks had each other's id: what was said of them since is retracted and said again of the other.

        Returns the new ids of the events by the old ones.
        """
        latest = {event.event_id: event for event in self.recent}
        latest.update(self.open)
        other = {a: b, b: a}
        renamed = {}
        for event in latest.values():
            tracks = {p.track_id for p in event.participants}
            if event.start < since or event.state == "retracted" or not {a, b} & tracks:
                continue
            roles = tuple(replace(p, track_id=other.get(p.track_id, p.track_id)) for p in event.participants)
            identity = event_id(self.stream, event.epoch, event.rule, event.type, roles, event.start)
            self.retract(event.event_id, now, "swap")
            renamed[event.event_id] = identity
            self._append(replace(event, event_id=identity, participants=roles, version=1, reason="swap", confirm=now))
        return renamed

    def take(self) -> list[Event]:
        """What has been said since the last call."""
        out, self.out = self.out, []
        return out

    def forget(self, now: float) -> None:
        """Drop what is too old to be taken back."""
        if self.recent and self.recent[0].confirm < now - self.keep_s:
            self.recent = [event for event in self.recent if event.confirm >= now - self.keep_s]

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "open": [event_to_json(event) for event in self.open.values()],
            "recent": [event_to_json(event) for event in self.recent],
        }

    def load(self, values: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        events = [event_from_json(event) for event in values["open"]]
        self.open = {event.event_id: event for event in events}
        self.recent = [event_from_json(event) for event in values["recent"]]

    def _append(self, event: Event) -> None:
        self.out.append(event)
        self.recent.append(event)
        if event.state in ("opened", "updated"):
            self.open[event.event_id] = event
        else:
            self.open.pop(event.event_id, None)


def events_table(events: Iterable[Event], video: str, source: str) -> pa.Table:
    """Events as rows of the run folder's table `events`."""
    rows = [
        {
            "video": video,
            "event_id": event.event_id,
            "version": event.version,
            "type": event.type,
            "rule": event.rule,
            "state": event.state,
            "start": event.start,
            "confirm": event.confirm,
            "end": event.end,
            "track_id": event.participants[0].track_id if event.participants else None,
            "participants": json.dumps([_row_role(role) for role in (*event.participants, *_as_role(event.thing))]),
            "direction": event.direction,
            "x": event.x,
            "y": event.y,
            "score": event.confidence,
            "source": source,
        }
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["events"])


def _as_role(thing: Thing | None) -> tuple[Role, ...]:
    return () if thing is None else (Role("object", thing.track_id),)


def _row_role(role: Role) -> dict[str, Any]:
    named = {} if role.person_id is None else {"person_id": role.person_id}
    return {"role": role.role, "track_id": role.track_id, **named}
