"""Who is in which zone, with hysteresis in space (margins) and in time (a change must last).

All zones and tracks are updated at once: state is a table of arrays (zones, slots). A change is confirmed when it has
been observed for `enter_s` or `exit_s`, in at least `observations` frames; one observation to the contrary beyond the
other margin starts it over, and between the margins nothing changes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.events.anchors import anchor_points
from onlooker.events.event import EventLog
from onlooker.events.geometry import common_area, edges_of, oriented, signed_distance, signed_distances
from onlooker.events.rule_table import RuleTable
from onlooker.events.rules import ZoneRules
from onlooker.events.tracks import Seen, Tracks

APPEARED, LOST = 0.8, 0.5  # confidence of a visit whose beginning or end was not seen
TICK = 1e-9  # seconds or diagonals: what differs by less is the same
Mask = NDArray[np.bool_]

COLUMNS: dict[str, tuple[str, Any]] = {
    "inside": ("?", False),
    "pending": ("?", False),
    "unseen_outside": ("?", True),
    "run_time": ("<f8", 0.0),
    "run_count": ("<i8", 0),
    "run_start": ("<f8", 0.0),
    "run_seq": ("<i8", 0),
    "run_score": ("<f8", 1.0),
    "visit_start": ("<f8", 0.0),
    "dwell": ("<f8", 0.0),
    "dwelt": ("?", False),
}


class Zones(RuleTable):
    """State of all zones of one stream."""

    def __init__(self, rules: list[ZoneRules], capacity: int) -> None:
        super().__init__(COLUMNS, rules, capacity)
        self.rules = rules
        self.visits: dict[str, list[str]] = {}  # "zone,slot" -> ids of the open events
        self._size = (0.0, 0.0)
        self._margin_in = np.array([r.margin_in for r in rules]).reshape(-1, 1)
        self._margin_out = np.array([r.margin_out for r in rules]).reshape(-1, 1)
        self._hold = np.array([[r.enter_s, r.exit_s] for r in rules]).reshape(-1, 2)
        self._count = np.array([r.observations for r in rules]).reshape(-1, 1)
        self._score_min = np.array([r.score_min for r in rules]).reshape(-1, 1)
        self._dwell = np.array([math.inf if r.dwell_s is None else r.dwell_s for r in rules]).reshape(-1, 1)
        self._tolerance = np.array([r.dwell_tolerance_s for r in rules]).reshape(-1, 1)

    def update(self, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        """One packet: events go to the log."""
        if not self.rules:
            return
        self._place(seen.packet.width, seen.packet.height)
        if seen.gap:
            self.table["pending"][:] = False
        if len(seen.slots):
            self._observe(seen, tracks, log, epoch)
        self._give_up(seen, tracks, log, epoch)

    def discard(self, slot: int, log: EventLog, time: float) -> None:
        """The track was another one all along: its open visits never were."""
        for zone in range(len(self.rules)):
            for identity in self.visits.pop(f"{zone},{slot}", []):
                log.retract(identity, time, "merge")

    def rename(self, ids: dict[str, str]) -> None:
        """Open events that have a new id after a swap."""
        for key, held in self.visits.items():
            self.visits[key] = [ids.get(identity, identity) for identity in held]

    def inside(self, zone: int, slot: int) -> bool:
        """Whether the track counts as inside."""
        return bool(self.table["inside"][zone, slot])

    def distances(self, seen: Seen) -> NDArray[np.float64]:
        """Signed distances (zones, n) in diagonals, positive inside; with `overlap`, the share of the box above it."""
        diagonal = math.hypot(seen.packet.width, seen.packet.height)
        names = [r.anchor for r in self.rules]
        places = {name: anchor_points(name, seen.detections, seen.boxes, diagonal) for name in sorted(set(names))}
        if len(places) == 1:
            points = places[names[0]]
            x, y = points[:, 0], points[:, 1]
        else:
            points = np.stack([places[name] for name in names])[self._owner]
            x, y = points[..., 0], points[..., 1]
        distances = signed_distances(x, y, self._starts, self._ends, self._firsts)
        for zone, rule in enumerate(self.rules):
            if rule.overlap is not None:
                area = np.maximum((seen.boxes[:, 2:] - seen.boxes[:, :2]).prod(axis=1), 1e-12)
                distances[zone] = common_area(seen.boxes, *self._edges(zone)) / area - rule.overlap
        return distances

    def covers(self, zone: int, x: float, y: float) -> bool:
        """Whether a place (in diagonals) lies in the zone."""
        return bool(signed_distance(np.array([[x, y]]), *self._edges(zone))[0] >= 0)

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **super().snapshot(),
            "visits": {key: list(held) for key, held in self.visits.items()},
        }

    def load(self, values: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        super().load(values)
        self.visits = {key: list(held) for key, held in values["visits"].items()}

    def _place(self, width: float, height: float) -> None:
        """Fit the zones to the picture's shape."""
        if self._size == (width, height):
            return
        self._size = (width, height)
        scale = np.array([width, height]) / math.hypot(width, height)
        rings = [oriented([np.array(ring) * scale for ring in (r.polygon, *r.holes)]) for r in self.rules]
        edges = [edges_of(ring) for ring in rings]
        counts = [len(starts) for starts, _ in edges]
        self._starts, self._ends = (np.concatenate([pair[i] for pair in edges]) for i in range(2))
        self._firsts = np.cumsum([0, *counts[:-1]])
        self._owner = np.repeat(np.arange(len(counts)), counts)  # the zone of each edge

    def _edges(self, zone: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mine = self._owner == zone
        return self._starts[mine], self._ends[mine]

    def _observe(self, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        distance = self.distances(seen)
        at = {name: array[:, seen.slots] for name, array in self.table.items()}
        counts = self.applies[:, seen.slots] & (seen.scores >= self._score_min)
        into, out = counts & (distance >= self._margin_in - TICK), counts & (distance <= TICK - self._margin_out)
        was = at["inside"].copy()
        entered, left = _runs(at, into, out, seen, self._hold, self._count)
        self._dwells(at, was & counts & ~out, seen)
        changed = entered | left
        at["visit_start"][entered] = at["run_start"][entered]
        at["dwell"][entered] = at["run_time"][entered]
        at["dwelt"][entered] = False
        due = at["inside"] & ~at["dwelt"] & (at["dwell"] >= self._dwell - TICK)
        at["dwelt"] |= due
        appeared = at["unseen_outside"] & entered
        at["unseen_outside"] &= ~(out | entered)
        for name, array in at.items():
            self.table[name][:, seen.slots] = array
        for zone, row in np.argwhere(changed | due).tolist():
            slot = int(seen.slots[row])
            if left[zone, row]:
                self._leave(zone, slot, float(at["run_start"][zone, row]), seen, tracks, log, epoch, None)
            if entered[zone, row]:
                self._enter(zone, slot, bool(appeared[zone, row]), seen, tracks, log, epoch)
            if due[zone, row]:
                self._say("dwell", zone, slot, float(at["visit_start"][zone, row]), 1.0, seen, tracks, log, epoch)

    def _dwells(self, at: dict[str, NDArray[Any]], stays: Mask, seen: Seen) -> None:
        """Count the observed time inside; an absence of the track beyond the tolerance starts it over."""
        away = at["inside"] & ~at["dwelt"] & (seen.absent >= self._tolerance - TICK) & (seen.absent > 0)
        at["dwell"][away] = 0.0
        at["dwell"] += np.where(stays, seen.dt, 0.0)

    def _give_up(self, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        for zone, row in np.argwhere(self.table["inside"][:, seen.lost]).tolist():
            slot = int(seen.lost[row])
            self._leave(zone, slot, float(tracks.columns["seen"][slot]), seen, tracks, log, epoch, "lost")
        for name in ("inside", "pending"):
            self.table[name][:, seen.lost] = False
        self.table["unseen_outside"][:, seen.lost] = True

    def _enter(
        self, zone: int, slot: int, appeared: bool, seen: Seen, tracks: Tracks, log: EventLog, epoch: int
    ) -> None:
        start = float(self.table["run_start"][zone, slot])
        kind = "zone_appear" if appeared and not self.rules[zone].appear_as_enter else "zone_enter"
        self._say(kind, zone, slot, start, APPEARED if appeared else 1.0, seen, tracks, log, epoch)

    def _say(
        self, kind: str, zone: int, slot: int, start: float, factor: float,
        seen: Seen, tracks: Tracks, log: EventLog, epoch: int,
    ) -> None:  # fmt: skip
        confidence = factor * float(self.table["run_score"][zone, slot] * tracks.columns["factor"][slot])
        identity = log.say(
            kind, self.rules[zone].name, epoch, (tracks.role("subject", slot),), start, seen.packet.pts, confidence,
            open=True, place=_feet(slot, seen, tracks),
            evidence=(int(self.table["run_seq"][zone, slot]), seen.packet.seq),
        )  # fmt: skip
        self.visits.setdefault(f"{zone},{slot}", []).append(identity)

    def _leave(
        self, zone: int, slot: int, time: float,
        seen: Seen, tracks: Tracks, log: EventLog, epoch: int, reason: str | None,
    ) -> None:  # fmt: skip
        now = seen.packet.pts
        for identity in self.visits.pop(f"{zone},{slot}", []):
            log.close(identity, time, now, reason)
        score = float(self.table["run_score"][zone, slot] * tracks.columns["factor"][slot])
        log.say(
            "zone_exit", self.rules[zone].name, epoch, (tracks.role("subject", slot),), time, now,
            score * (LOST if reason else 1.0), reason=reason, place=_feet(slot, seen, tracks),
            evidence=(int(self.table["run_seq"][zone, slot]), seen.packet.seq),
        )  # fmt: skip


def _runs(
    at: dict[str, NDArray[Any]], into: Mask, out: Mask, seen: Seen, hold: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[Mask, Mask]:
    """Advance the runs of like observations; returns who has entered and who has left."""
    inside = at["inside"]
    toward, contrary = np.where(inside, out, into), np.where(inside, into, out)
    start = toward & ~at["pending"]
    goes_on = toward & at["pending"]
    at["run_start"][start] = seen.packet.pts
    at["run_seq"][start] = seen.packet.seq
    at["run_time"] = np.where(start, 0.0, at["run_time"] + np.where(goes_on, seen.dt, 0.0))
    at["run_count"] = np.where(start, 1, at["run_count"] + goes_on)
    at["run_score"] = np.where(
        start, seen.scores, np.where(goes_on, np.minimum(at["run_score"], seen.scores), at["run_score"])
    )
    at["pending"] = (at["pending"] | start) & ~contrary
    needed = np.where(inside, hold[:, 1:], hold[:, :1])
    done = toward & at["pending"] & (at["run_time"] >= needed - TICK) & (at["run_count"] >= count)
    at["inside"] = inside ^ done
    at["pending"] &= ~done
    return done & ~inside, done & inside


def _feet(slot: int, seen: Seen, tracks: Tracks) -> tuple[float, float]:
    diagonal = math.hypot(seen.packet.width, seen.packet.height)
    x1, _, x2, y2 = tracks.columns["box"][slot].tolist()
    return 0.5 * (x1 + x2) * diagonal, y2 * diagonal
