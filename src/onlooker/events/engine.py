"""The event engine: packets of tracks in, events out. Deterministic, bounded, and saved as JSON at any packet.

>>> from onlooker.events import Detection, EventEngine, Packet, parse_rules
>>> rules = parse_rules({"lines": [{"name": "door", "start": [0.5, 1.0], "end": [0.5, 0.0]}]})
>>> engine, events = EventEngine(rules), []
>>> for i in range(40):
...     person = Detection(7, "person", 1.0, (10 * i, 50, 10 * i + 20, 150))
...     events += engine.step(Packet("camera", i, i / 10, 400, 200, (person,)))
>>> events += engine.finish()
>>> [(event.type, event.direction, round(event.start, 2)) for event in events]
[('line_cross', 'out', 1.9)]
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from onlooker.errors import StorageError
from onlooker.events.clock import Clock, Released
from onlooker.events.event import Event, EventLog
from onlooker.events.lines import Lines
from onlooker.events.ownership import Ownership
from onlooker.events.packet import Packet
from onlooker.events.rules import Rules
from onlooker.events.tracks import Tracks
from onlooker.events.zones import Zones

SNAPSHOT_VERSION = 1


class EventEngine:
    """Applies rules to any number of streams."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._streams: dict[str, _Stream] = {}

    def step(self, packet: Packet) -> list[Event]:
        """Take one packet in, in any order within `clock.reorder_s`; returns what became certain, in order.

        Errors: RecordError for negative or doubled track ids and numbers that are not finite.
        """
        packet.check()
        stream = self._streams.get(packet.stream)
        if stream is None:
            stream = self._streams[packet.stream] = _Stream.start(packet.stream, self.rules)
        return stream.push(packet)

    def finish(self, stream: str | None = None) -> list[Event]:
        """The end of one stream or of all: packets that wait are worked on, open events end (reason "end")."""
        names = list(self._streams) if stream is None else [stream] if stream in self._streams else []
        return [event for name in names for event in self._streams.pop(name).finish()]

    def counts(self, stream: str) -> dict[str, dict[str, int]]:
        """Crossings per line since the stream began: {"door": {"in": 3, "out": 1}}."""
        known = self._streams.get(stream)
        return {} if known is None else known.crossings()

    def counters(self, stream: str) -> dict[str, int]:
        """Packets that were late or duplicate, gaps and restarts of the stream's clock."""
        known = self._streams.get(stream)
        return {} if known is None else dict(known.clock.counters)

    def snapshot(self) -> dict[str, Any]:
        """The whole state as values that JSON holds; later output is the same bytes after `restore`."""
        streams = {name: stream.snapshot() for name, stream in self._streams.items()}
        return {"version": SNAPSHOT_VERSION, "rules": _fingerprint(self.rules), "streams": streams}

    @classmethod
    def restore(cls, rules: Rules, snapshot: dict[str, Any]) -> EventEngine:
        """The engine that `snapshot` describes; the rules must be the same. Errors: StorageError when they are not."""
        if snapshot.get("version") != SNAPSHOT_VERSION:
            raise StorageError(
                f"the saved state has version {snapshot.get('version')}, not {SNAPSHOT_VERSION}: start the stream over."
            )
        if snapshot["rules"] != _fingerprint(rules):
            raise StorageError("the saved state belongs to other rules: restore with those that it was made with.")
        engine = cls(rules)
        engine._streams = {name: _Stream.restore(name, rules, s) for name, s in snapshot["streams"].items()}
        return engine


def _fingerprint(rules: Rules) -> str:
    return hashlib.blake2b(rules.model_dump_json().encode(), digest_size=8).hexdigest()


@dataclass
class _Stream:
    """Everything known about one stream."""

    rules: Rules
    clock: Clock
    log: EventLog
    tracks: Tracks
    zones: Zones
    lines: Lines
    ownership: Ownership | None
    last: float = 0.0

    @classmethod
    def start(cls, name: str, rules: Rules) -> _Stream:
        tracks = Tracks(rules.tracks)
        return cls(
            rules,
            Clock(rules.clock),
            EventLog(name, rules.report_min),
            tracks,
            Zones(rules.zones, tracks.capacity),
            Lines(rules.lines, tracks.capacity),
            None if rules.objects is None else Ownership(rules.objects, rules),
        )

    def push(self, packet: Packet) -> list[Event]:
        for released in self.clock.push(packet):
            self._work(released)
        return self.log.take()

    def finish(self) -> list[Event]:
        for released in self.clock.flush():
            self._work(released)
        self.log.close_all(self.last, "end")
        return self.log.take()

    def crossings(self) -> dict[str, dict[str, int]]:
        return {rule.name: dict(count) for rule, count in zip(self.lines.rules, self.lines.counts, strict=True)}

    def snapshot(self) -> dict[str, Any]:
        return {
            "last": self.last,
            "clock": self.clock.snapshot(),
            "events": self.log.snapshot(),
            "tracks": self.tracks.snapshot(),
            "zones": self.zones.snapshot(),
            "lines": self.lines.snapshot(),
            "objects": None if self.ownership is None else self.ownership.snapshot(),
        }

    @classmethod
    def restore(cls, name: str, rules: Rules, values: dict[str, Any]) -> _Stream:
        stream = cls.start(name, rules)
        stream.last = values["last"]
        stream.clock = Clock.restore(rules.clock, values["clock"])
        stream.tracks = Tracks.restore(rules.tracks, values["tracks"])
        stream.log.load(values["events"])
        stream.zones.load(values["zones"])
        stream.lines.load(values["lines"])
        if stream.ownership is not None:
            stream.ownership.load(values["objects"])
        return stream

    def _work(self, released: Released) -> None:
        packet, epoch = released.packet, released.epoch
        if released.restart:
            self._start_over()
        self._correct(packet)
        seen = self.tracks.advance(packet, released.dt, released.gap)
        for slot in self.tracks.fresh:
            self.zones.begin(slot, self.tracks.labels[slot])
            self.lines.begin(slot, self.tracks.labels[slot])
        self.zones.update(seen, self.tracks, self.log, epoch)
        self.lines.update(seen, self.tracks, self.log, epoch)
        if self.ownership is not None:
            self.ownership.update(seen, self.tracks, self.zones, self.log, epoch)
        for slot in self.tracks.forgotten(packet.pts):
            self._forget(slot)
        self.log.forget(packet.pts)
        self.last = packet.pts

    def _correct(self, packet: Packet) -> None:
        """What the tracker has learnt about identities."""
        for merge in packet.merges:
            slot, other = self.tracks.merge(merge.old, merge.new)
            if slot is not None and other is not None:
                self.zones.discard(other, self.log, packet.pts)
                if self.ownership is not None:
                    self.ownership.replace(other, slot)
        for swap in packet.swaps:
            self.tracks.swap(swap.a, swap.b)
            renamed = self.log.exchange(swap.a, swap.b, swap.since, packet.pts)
            self.zones.rename(renamed)
            if self.ownership is not None:
                self.ownership.rename(renamed)

    def _forget(self, slot: int) -> None:
        self.tracks.drop(slot)
        if self.ownership is not None:
            self.ownership.forget(slot)

    def _start_over(self) -> None:
        """A new epoch: nothing of before is known, but the counts of crossings go on."""
        self.log.close_all(self.last, "discontinuity")
        self.log.recent = []
        self.tracks = Tracks(self.rules.tracks)
        self.zones = Zones(self.rules.zones, self.tracks.capacity)
        counts = self.lines.counts
        self.lines = Lines(self.rules.lines, self.tracks.capacity)
        self.lines.counts = counts
        self.ownership = None if self.rules.objects is None else Ownership(self.rules.objects, self.rules)
