"""Which detection belongs to which known track: ids, merges, swaps, links over an id change, and forgetting.

Each known track has a slot; the rules keep their state in columns of the same number. Lengths are in picture
diagonals, so that nothing depends on the resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.events.arrays import Table, table_from_json, table_to_json
from onlooker.events.event import Role
from onlooker.events.packet import Detection, Packet
from onlooker.events.rules import TrackRules
from onlooker.records.boxes import iou

Slots = NDArray[np.intp]
PREDICTED_S = 0.5  # a motion is carried on this far to find the same thing under another id


@dataclass(frozen=True, slots=True)
class Seen:
    """The tracks of one packet, row by row: `slots`, `detections`, `boxes` (n, 4) in diagonals, `scores`; `dt`, the
    seconds each was observed since the packet before (0 when it was missing there); `absent`, the seconds it was
    missing before now. `lost` slots have just been given up."""

    packet: Packet
    gap: bool
    slots: Slots
    detections: list[Detection]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    dt: NDArray[np.float64]
    absent: NDArray[np.float64]
    lost: Slots


@dataclass
class Tracks:
    """All slots of one stream."""

    rules: TrackRules
    capacity: int = 16
    labels: list[str] = field(default_factory=list)
    persons: list[str | None] = field(default_factory=list)
    columns: Table = field(default_factory=dict)
    fresh: list[int] = field(default_factory=list)
    _by_id: dict[int, int] = field(default_factory=dict)
    _by_person: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.columns:
            self.columns = _columns(self.capacity)
            self.labels = [""] * self.capacity
            self.persons = [None] * self.capacity

    def role(self, name: str, slot: int) -> Role:
        """The track as a participant."""
        return Role(name, int(self.columns["id"][slot]), self.persons[slot])

    def slot_of(self, track_id: int) -> int | None:
        """The slot of a known id."""
        return self._by_id.get(track_id)

    def advance(self, packet: Packet, dt: float, gap: bool) -> Seen:
        """Give each confirmed detection its slot. `fresh` names the slots that begin anew with this packet."""
        self.fresh = []
        detections = [d for d in packet.detections if d.track_id is not None]
        orphans: list[int] = []
        slots = self._known(detections, packet.pts, orphans)
        self._link(detections, slots, packet)
        rows = [self._begin(d, packet.pts) if slot is None else slot for d, slot in zip(detections, slots, strict=True)]
        return self._observe(packet, dt, gap, detections, np.array(rows, np.intp), orphans)

    def merge(self, old: int, new: int) -> tuple[int | None, int | None]:
        """`old` goes on as `new`. Returns its slot, and the slot that `new` had meanwhile (to be discarded)."""
        slot = self._by_id.pop(old, None)
        if slot is None:
            return None, None
        other = self._by_id.get(new)
        if other is not None:
            self.drop(other)
        self._by_id[new] = slot
        self.columns["id"][slot] = new
        return slot, other

    def swap(self, a: int, b: int) -> None:
        """The ids change places."""
        first, second = self._by_id.pop(a, None), self._by_id.pop(b, None)
        for slot, name in ((first, b), (second, a)):
            if slot is not None:
                self._by_id[name] = slot
                self.columns["id"][slot] = name

    def drop(self, slot: int) -> None:
        """Forget a track; its slot is free."""
        track = int(self.columns["id"][slot])
        if self._by_id.get(track) == slot:
            del self._by_id[track]
        person = self.persons[slot]
        if person is not None and self._by_person.get(person) == slot:
            del self._by_person[person]
        self.columns["id"][slot] = -1
        self.labels[slot], self.persons[slot] = "", None

    def forgotten(self, time: float) -> list[int]:
        """Slots whose tracks have been away too long to be known again."""
        c = self.columns
        gone = (c["id"] >= 0) & (time - c["seen"] > max(self.rules.forget_s, self.rules.lost_s)) & c["lost"]
        return [int(slot) for slot in np.flatnonzero(gone)]

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "capacity": self.capacity,
            "labels": list(self.labels),
            "persons": list(self.persons),
            "columns": table_to_json(self.columns),
            "by_id": [[track, slot] for track, slot in self._by_id.items()],
            "by_person": [[person, slot] for person, slot in self._by_person.items()],
        }

    @classmethod
    def restore(cls, rules: TrackRules, values: dict[str, Any]) -> Tracks:
        """The tracks that `snapshot` describes."""
        return cls(
            rules,
            values["capacity"],
            list(values["labels"]),
            list(values["persons"]),
            table_from_json(values["columns"]),
            _by_id=dict(values["by_id"]),
            _by_person=dict(values["by_person"]),
        )

    def _known(self, detections: list[Detection], time: float, orphans: list[int]) -> list[int | None]:
        """The slots of known tracks. Appearance claims first; no slot is claimed twice."""
        slots: list[int | None] = [None] * len(detections)
        claimed: set[int] = set()
        for index in sorted(range(len(detections)), key=lambda i: detections[i].person_id is None):
            slot = self._find(detections[index], time, orphans)
            if slot is not None and slot not in claimed:
                slots[index] = slot
                claimed.add(slot)
        return slots

    def _find(self, detection: Detection, time: float, orphans: list[int]) -> int | None:
        """The slot by the person's appearance, else by the track's id; an id used for something else is new."""
        assert detection.track_id is not None
        person = detection.person_id
        slot = None if person is None else self._by_person.get(person)
        if slot is None:
            slot = self._by_id.get(detection.track_id)
            if slot is not None and person is not None and self.persons[slot] is not None:
                slot = None  # the id now shows somebody else
        if slot is None:
            return None
        reused = time - self.columns["seen"][slot] > self.rules.forget_s
        if reused or self.labels[slot] != detection.label:
            orphans.append(slot)
            return None
        return slot

    def _link(self, detections: list[Detection], slots: list[int | None], packet: Packet) -> None:
        """New ids that take up where another track of the same class has just stopped (best overlap first)."""
        new = [i for i, slot in enumerate(slots) if slot is None]
        if not new or not self.rules.soft_link:
            return
        c = self.columns
        away = packet.pts - c["seen"]
        stopped = (c["id"] >= 0) & ~c["lost"] & (away <= self.rules.link_s + 1e-9)
        stopped[[slot for slot in slots if slot is not None]] = False
        known = np.flatnonzero(stopped)
        if not len(known):
            return
        shift = c["velocity"][known] * np.minimum(away[known], PREDICTED_S)[:, None]
        diagonal = math.hypot(packet.width, packet.height)
        found = np.array([detections[i].box for i in new]) / diagonal
        overlap = iou(c["box"][known] + np.tile(shift, 2), found)
        for flat in np.argsort(-overlap, axis=None, kind="stable").tolist():
            row, column = divmod(flat, len(new))
            detection, slot = detections[new[column]], int(known[row])
            if overlap[row, column] < self.rules.link_iou or overlap[row, column] <= 0:
                break
            same = self.labels[slot] == detection.label and (
                detection.person_id is None or self.persons[slot] in (None, detection.person_id)
            )
            if slots[new[column]] is None and slot not in slots and same:
                slots[new[column]] = slot
                self._rename(slot, detection)

    def _rename(self, slot: int, detection: Detection) -> None:
        assert detection.track_id is not None
        old = int(self.columns["id"][slot])
        if self._by_id.get(old) == slot:
            del self._by_id[old]
        self.columns["id"][slot] = detection.track_id
        self.columns["factor"][slot] *= self.rules.link_factor
        self._by_id[detection.track_id] = slot

    def _begin(self, detection: Detection, time: float) -> int:
        assert detection.track_id is not None
        free = np.flatnonzero(self.columns["id"] < 0)
        if not len(free):
            free = np.array([self.capacity])
            self._grow()
        slot = int(free[0])
        for name, array in _columns(1).items():
            self.columns[name][slot] = array[0]
        self.columns["id"][slot] = detection.track_id
        self.columns["seen"][slot] = time
        self.labels[slot] = detection.label
        self._by_id[detection.track_id] = slot
        self.fresh.append(slot)
        return slot

    def _grow(self) -> None:
        old, self.capacity = self.columns, 2 * self.capacity
        self.columns = _columns(self.capacity)
        for name, array in old.items():
            self.columns[name][: len(array)] = array
        self.labels += [""] * (self.capacity - len(self.labels))
        self.persons += [None] * (self.capacity - len(self.persons))

    def _observe(
        self, packet: Packet, dt: float, gap: bool, detections: list[Detection], slots: Slots, orphans: list[int]
    ) -> Seen:
        c = self.columns
        boxes = np.array([d.box for d in detections], np.float64).reshape(-1, 4)
        boxes /= math.hypot(packet.width, packet.height)
        self._name(detections, slots)
        absent = c["absent"][slots].copy()
        counted = np.where(c["here"][slots] & (not gap), dt, 0.0)
        self._move(slots, boxes, packet.pts)
        c["absent"][c["id"] >= 0] += 0.0 if gap else dt
        c["absent"][slots] = 0.0
        c["absent"][orphans] = self.rules.lost_s + 1.0
        c["here"][:] = False
        c["here"][slots] = True
        c["lost"][slots] = False
        lost = np.flatnonzero((c["id"] >= 0) & ~c["lost"] & (c["absent"] > self.rules.lost_s - 1e-9))
        c["lost"][lost] = True
        scores = np.array([d.score for d in detections], np.float64)
        return Seen(packet, gap, slots, detections, boxes, scores, counted, absent, lost)

    def _name(self, detections: list[Detection], slots: Slots) -> None:
        """Note ids and appearance identities that a slot has just got."""
        for detection, slot in zip(detections, slots.tolist(), strict=True):
            track, person = detection.track_id, detection.person_id
            if track is not None and self.columns["id"][slot] != track:
                old = int(self.columns["id"][slot])
                if self._by_id.get(old) == slot:
                    del self._by_id[old]
                self.columns["id"][slot] = track
            if track is not None:
                self._by_id[track] = slot
            if person is not None and self.persons[slot] is None:
                self.persons[slot] = person
                self._by_person[person] = slot

    def _move(self, slots: Slots, boxes: NDArray[np.float64], time: float) -> None:
        c = self.columns
        step = time - c["seen"][slots]
        moved = (step > 0) & c["known"][slots]
        shift = (boxes - c["box"][slots]).reshape(-1, 2, 2).mean(axis=1)
        speed = shift / np.where(moved, step, 1.0)[:, None]
        c["velocity"][slots] = np.where(moved[:, None], 0.5 * (c["velocity"][slots] + speed), c["velocity"][slots])
        c["box"][slots] = boxes
        c["seen"][slots] = time
        c["known"][slots] = True


def _columns(capacity: int) -> Table:
    return {
        "id": np.full(capacity, -1, np.int64),
        "seen": np.zeros(capacity),
        "absent": np.zeros(capacity),
        "here": np.zeros(capacity, bool),
        "lost": np.zeros(capacity, bool),
        "known": np.zeros(capacity, bool),
        "box": np.zeros((capacity, 4)),
        "velocity": np.zeros((capacity, 2)),
        "factor": np.ones(capacity),
    }
