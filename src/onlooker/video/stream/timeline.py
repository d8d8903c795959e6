"""From the time stamps of a source, which wrap, jump, repeat and come out of order, to times that only go on."""

from __future__ import annotations

import heapq
import zlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WRAP = Fraction(1 << 33, 90_000)  # MPEG time stamps have 33 bits at 90 kHz: 26.5 hours
_NEAR_WRAP = 2.0  # seconds by which a step may differ from a whole wrap
_SEEN = 64  # recent time stamps kept to know a duplicate


@dataclass
class Counts:
    """What was repaired or thrown away."""

    late: int = 0
    duplicates: int = 0
    reordered: int = 0
    jumps: int = 0


class Timeline:
    """Puts frames in order and on one clock.

    `add` takes a frame with its time stamp (seconds, or None), and the time at which it came; it gives frames that are
    ready, each with (time, epoch). Up to `window` frames are held back to be put in order. A step backwards of more
    than `jump` seconds, or one forwards that is `jump` seconds longer than the time that really passed, starts a new
    epoch; so does `cut`, after which times go on where the clock on the wall would be.
    """

    def __init__(self, *, jump: float = 2.0, window: int = 2) -> None:
        self._jump, self._window = jump, window
        self.counts = Counts()
        self.epoch = 0
        self._held: list[tuple[float, int, Any]] = []
        self._order = count()
        self._seen: list[float] = []
        self._began: float | None = None  # arrival of the very first frame
        self._offset: float | None = None  # from time stamps to our time, in this epoch
        self._wraps = Fraction(0)
        self._newest: tuple[float, float] | None = None  # time stamp and arrival of the newest frame
        self._given = -1.0
        self._started = False

    def add(self, frame: Any, stamp: Fraction | None, arrival: float) -> list[tuple[Any, float, int]]:
        """Frames that are ready now."""
        if self._began is None:
            self._began = arrival
        ready: list[tuple[Any, float, int]] = []
        value = self._unwrapped(stamp, arrival)
        if self._newest is not None and self._jumped(value, arrival):
            self.counts.jumps += 1
            ready = self.cut()
            self._wraps = Fraction(0)
            value = self._unwrapped(stamp, arrival)
        if self._offset is None:
            self._offset = max(arrival - self._began, self._given + 1e-3 if self._started else 0.0) - value
            self._started = True
        if value in self._seen:
            self.counts.duplicates += 1
            return ready
        self._seen = [*self._seen[-_SEEN:], value]
        if self._newest is not None and value < self._newest[0]:
            self.counts.reordered += 1
        else:
            self._newest = (value, arrival)
        heapq.heappush(self._held, (value, next(self._order), frame))
        while len(self._held) > self._window:
            ready += self._pop()
        return ready

    def flush(self) -> list[tuple[Any, float, int]]:
        """Everything that was held back."""
        ready: list[tuple[Any, float, int]] = []
        while self._held:
            ready += self._pop()
        return ready

    def cut(self) -> list[tuple[Any, float, int]]:
        """End the epoch: what was held back comes out, the next frame starts a new one."""
        ready = self.flush()
        if self._newest is not None:
            self.epoch += 1
        self._newest, self._offset, self._seen = None, None, []
        self._wraps = Fraction(0)
        return ready

    def _pop(self) -> list[tuple[Any, float, int]]:
        value, _, frame = heapq.heappop(self._held)
        time = value + (self._offset or 0.0)
        if time <= self._given:
            self.counts.late += 1
            return []
        self._given = time
        return [(frame, time, self.epoch)]

    def _unwrapped(self, stamp: Fraction | None, arrival: float) -> float:
        if stamp is None:
            # a source without time stamps: the clock is the best there is
            return arrival if self._newest is None else self._newest[0] + max(arrival - self._newest[1], 1e-3)
        if self._newest is not None:
            step = stamp + self._wraps - Fraction(self._newest[0])
            if abs(step + _WRAP) < _NEAR_WRAP + (arrival - self._newest[1]):
                self._wraps += _WRAP
            elif abs(step - _WRAP) < _NEAR_WRAP:
                self._wraps -= _WRAP  # a frame from before the wrap that comes late
        return float(stamp + self._wraps)

    def _jumped(self, value: float, arrival: float) -> bool:
        assert self._newest is not None
        step, passed = value - self._newest[0], arrival - self._newest[1]
        return step < -self._jump or step > self._jump + passed


class FrozenPicture:
    """Knows when a source keeps sending the same picture: identical content for more than `after` seconds."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._print: int | None = None
        self._since = 0.0
        self.frozen = False

    def look(self, image: NDArray[np.uint8], now: float) -> bool:
        """Whether the picture at `now` has been the same for too long."""
        # every third row: a change anywhere moves more than two rows
        content = zlib.crc32(image[::3].tobytes())
        if content != self._print:
            self._print, self._since = content, now
        self.frozen = now - self._since > self._after
        return self.frozen
