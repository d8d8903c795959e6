"""Puts packets in the order of media time and says where time breaks.

Late, doubled and jumping packets are the normal case with live sources. Nothing here looks at a wall clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from onlooker.events.packet import Packet, packet_from_json, packet_to_json
from onlooker.events.rules import ClockRules

REMEMBERED = 256  # sequence numbers, to recognise duplicates


@dataclass(frozen=True, slots=True)
class Released:
    """A packet whose turn it is. `dt` seconds since the one before; `gap` when time jumped ahead; `restart` when it
    began again from elsewhere: everything known before is void."""

    packet: Packet
    epoch: int
    dt: float
    gap: bool
    restart: bool


@dataclass
class Clock:
    """Reorder buffer of one stream.

    A packet waits until another one `reorder_s` later has come (or too many wait), and leaves by (pts, seq). One that
    is older than what has left is late and dropped, unless the source made it after the newest one (higher seq) or it
    is older by more than `restart_s`: then the source's clock has jumped back and a new epoch begins.
    """

    rules: ClockRules
    epoch: int = 0
    watermark: float | None = None
    counters: dict[str, int] = field(default_factory=lambda: {"late": 0, "duplicate": 0, "gap": 0, "restart": 0})
    _waiting: list[Packet] = field(default_factory=list)
    _known: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _newest: tuple[float, int] | None = None
    _restarted: bool = False

    def push(self, packet: Packet) -> list[Released]:
        """Take a packet in; returns those whose turn has come, in order."""
        released: list[Released] = []
        if self._went_back(packet):
            released = self.flush()
            self._begin_epoch()
        elif packet.seq in self._known:
            self.counters["duplicate"] += 1
            return []
        elif self.watermark is not None and packet.pts <= self.watermark:
            self.counters["late"] += 1
            return []
        self._known.append(packet.seq)
        self._waiting.append(packet)
        self._waiting.sort(key=lambda p: (p.pts, p.seq))
        self._newest = max(self._newest or (packet.pts, packet.seq), (packet.pts, packet.seq))
        return released + self._release(self._newest[0] - self.rules.reorder_s)

    def flush(self) -> list[Released]:
        """Everything that still waits, in order."""
        return self._release(float("inf"))

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "epoch": self.epoch,
            "watermark": self.watermark,
            "counters": dict(self.counters),
            "waiting": [packet_to_json(p) for p in self._waiting],
            "known": list(self._known),
            "newest": None if self._newest is None else list(self._newest),
            "restarted": self._restarted,
        }

    @classmethod
    def restore(cls, rules: ClockRules, values: dict[str, Any]) -> Clock:
        """The clock that `snapshot` describes."""
        newest = values["newest"]
        return cls(
            rules,
            epoch=values["epoch"],
            watermark=values["watermark"],
            counters=dict(values["counters"]),
            _waiting=[packet_from_json(p) for p in values["waiting"]],
            _known=deque(values["known"], maxlen=REMEMBERED),
            _newest=None if newest is None else (newest[0], newest[1]),
            _restarted=values["restarted"],
        )

    def _went_back(self, packet: Packet) -> bool:
        if self._newest is None or self._newest[0] - packet.pts <= self.rules.reorder_s:
            return False
        too_old = self._newest[0] - packet.pts > self.rules.restart_s
        return too_old or packet.seq > self._newest[1]

    def _begin_epoch(self) -> None:
        self.epoch += 1
        self.counters["restart"] += 1
        self.watermark, self._newest, self._restarted = None, None, True
        self._known.clear()

    def _release(self, until: float) -> list[Released]:
        ready = []
        while self._waiting and (self._waiting[0].pts <= until or len(self._waiting) > self.rules.max_packets):
            packet = self._waiting.pop(0)
            if self._waiting and self._waiting[0].pts == packet.pts:  # the same moment twice: the higher seq stays
                self.counters["duplicate"] += 1
                continue
            dt = 0.0 if self.watermark is None else packet.pts - self.watermark
            gap = dt > self.rules.gap_s
            self.counters["gap"] += gap
            ready.append(Released(packet, self.epoch, dt, gap, self._restarted))
            self.watermark, self._restarted = packet.pts, False
        return ready
