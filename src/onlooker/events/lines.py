"""Who crosses which line, which way and when.

A crossing counts when a track was settled on one side, is now settled on the other, and its path in between met the
line. Settled means: beyond the dead band for `settle_s` and `observations` frames. So neither jitter on the line, nor a
flicker to the far side, nor a way around the line's end is a crossing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.events.anchors import anchor_points
from onlooker.events.event import EventLog
from onlooker.events.geometry import meeting
from onlooker.events.rule_table import RuleTable
from onlooker.events.rules import LineRules
from onlooker.events.tracks import Seen, Tracks

TICK = 1e-9  # seconds or diagonals: what differs by less is the same
NEVER = -1e300

COLUMNS: dict[str, tuple[str, Any]] = {
    "side": ("<i8", 0),  # settled side: +1 left, -1 right, 0 not yet
    "run_side": ("<i8", 0),
    "run_time": ("<f8", 0.0),
    "run_count": ("<i8", 0),
    "run_seq": ("<i8", 0),
    "run_score": ("<f8", 1.0),
    "net": ("<i8", 0),  # times the path met the line to the left minus to the right, since it was on the settled side
    "met": ("<f8", 0.0),
    "met_x": ("<f8", 0.0),
    "met_y": ("<f8", 0.0),
    "crossed": ("<f8", NEVER),
    "last_x": ("<f8", 0.0),
    "last_y": ("<f8", 0.0),
    "last_time": ("<f8", 0.0),
    "last_known": ("?", False),
}
BROKEN = ("run_side", "run_time", "run_count", "net", "last_known")  # what a break in time voids


class Lines(RuleTable):
    """State of all lines of one stream."""

    def __init__(self, rules: list[LineRules], capacity: int) -> None:
        super().__init__(COLUMNS, rules, capacity)
        self.rules = rules
        self.counts = [{"in": 0, "out": 0} for _ in rules]
        self._start = np.array([r.start for r in rules]).reshape(-1, 2)
        self._along = np.array([r.end for r in rules]).reshape(-1, 2) - self._start
        self._tolerance = np.array([r.tolerance for r in rules]).reshape(-1, 1)
        self._margin = np.array([r.margin for r in rules]).reshape(-1, 1)
        self._settle = np.array([r.settle_s for r in rules]).reshape(-1, 1)
        self._count = np.array([r.observations for r in rules]).reshape(-1, 1)
        self._score_min = np.array([r.score_min for r in rules]).reshape(-1, 1)

    def update(self, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        """One packet: events go to the log."""
        if not self.rules:
            return
        if seen.gap:
            self._void(slice(None))
        if len(seen.slots):
            self._observe(seen, tracks, log, epoch)
        if len(seen.lost):
            self._void(seen.lost)
            self.table["side"][:, seen.lost] = 0

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **super().snapshot(),
            "counts": [dict(count) for count in self.counts],
        }

    def load(self, values: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        super().load(values)
        self.counts = [dict(count) for count in values["counts"]]

    def _void(self, slots: Any) -> None:
        for name in BROKEN:
            self.table[name][:, slots] = COLUMNS[name][1]

    def _observe(self, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        diagonal = math.hypot(seen.packet.width, seen.packet.height)
        names = [r.anchor for r in self.rules]
        places = {name: anchor_points(name, seen.detections, seen.boxes, diagonal) for name in sorted(set(names))}
        x, y = (np.stack([places[name][:, axis] for name in names]) for axis in range(2))
        size = np.array([seen.packet.width, seen.packet.height]) / diagonal
        start, along = self._start * size, self._along * size
        # positive to the left as seen in the picture, whose y axis points down
        aside = along[:, 1:] * (x - start[:, :1]) - along[:, :1] * (y - start[:, 1:])
        distance = aside / np.hypot(along[:, :1], along[:, 1:])
        counts = self.applies[:, seen.slots] & (seen.scores >= self._score_min) & ~np.isnan(distance)

        at = {name: array[:, seen.slots] for name, array in self.table.items()}
        self._meet(
            at, x, y, start - self._tolerance * along, (1 + 2 * self._tolerance) * along, counts, seen.packet.pts
        )
        left, right = counts & (distance >= self._margin - TICK), counts & (distance <= TICK - self._margin)
        crossed = self._settle_down(at, left.astype(np.int64) - right, seen)
        for name, array in at.items():
            self.table[name][:, seen.slots] = array
        for line, row in np.argwhere(crossed != 0).tolist():
            self._cross(line, int(seen.slots[row]), int(crossed[line, row]), seen, tracks, log, epoch)

    def _meet(
        self, at: dict[str, NDArray[Any]], x: NDArray[np.float64], y: NDArray[np.float64],
        start: NDArray[np.float64], along: NDArray[np.float64], counts: NDArray[np.bool_], time: float,
    ) -> None:  # fmt: skip
        """Where the step from the last place to this one meets the line. A step from the line itself does not: the one
        that led onto it did."""
        step = x - at["last_x"], y - at["last_y"]
        toward = start[:, :1] - at["last_x"], start[:, 1:] - at["last_y"]
        hits, share, turn = meeting(step, toward, (along[:, :1], along[:, 1:]))
        hits &= counts & at["last_known"] & (share > 0)
        if hits.any():
            share = share[hits]
            at["net"][hits] += np.sign(turn[hits]).astype(np.int64)
            for name, now in (("met_x", step[0]), ("met_y", step[1])):
                at[name][hits] = at["last" + name[3:]][hits] + share * now[hits]
            at["met"][hits] = at["last_time"][hits] + share * (time - at["last_time"][hits])
        for name, place in (("last_x", x), ("last_y", y), ("last_time", time)):
            at[name] = np.where(counts, place, at[name])
        at["last_known"] |= counts

    def _settle_down(self, at: dict[str, NDArray[Any]], side: NDArray[np.int64], seen: Seen) -> NDArray[np.int64]:
        """Advance the runs on one side; returns +1 or -1 where a crossing to the left or right is certain."""
        goes_on = (side != 0) & (side == at["run_side"])
        start = (side != 0) & (side != at["run_side"])
        at["run_time"] = np.where(start, 0.0, at["run_time"] + np.where(goes_on, seen.dt, 0.0))
        at["run_count"] = np.where(start, 1, at["run_count"] + goes_on)
        at["run_seq"][start] = seen.packet.seq
        worst = np.minimum(at["run_score"], seen.scores)
        at["run_score"] = np.where(start, seen.scores, np.where(goes_on, worst, at["run_score"]))
        at["run_side"] = np.where(side != 0, side, at["run_side"])
        at["net"][(side != 0) & (side == at["side"])] = 0
        settled = (at["run_time"] >= self._settle - TICK) & (at["run_count"] >= self._count)
        settled &= (goes_on | start) & (at["run_side"] != at["side"])
        crossed = np.where(settled & (at["side"] != 0) & (at["net"] * at["run_side"] > 0), at["run_side"], 0)
        at["side"] = np.where(settled, at["run_side"], at["side"])
        at["net"][settled] = 0
        return crossed

    def _cross(self, line: int, slot: int, side: int, seen: Seen, tracks: Tracks, log: EventLog, epoch: int) -> None:
        rule, table = self.rules[line], self.table
        time, before = float(table["met"][line, slot]), float(table["crossed"][line, slot])
        if (rule.once_per_track and before != NEVER) or time - before < rule.cooldown_s:
            return
        table["crossed"][line, slot] = time
        direction = "in" if side > 0 else "out"
        self.counts[line][direction] += 1
        diagonal = math.hypot(seen.packet.width, seen.packet.height)
        log.say(
            "line_cross", rule.name, epoch, (tracks.role("subject", slot),), time, seen.packet.pts,
            float(table["run_score"][line, slot] * tracks.columns["factor"][slot]), direction=direction,
            place=(float(table["met_x"][line, slot]) * diagonal, float(table["met_y"][line, slot]) * diagonal),
            evidence=(int(table["run_seq"][line, slot]), seen.packet.seq),
        )  # fmt: skip
