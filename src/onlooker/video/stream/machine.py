"""The states of a live source and when it is tried again. No threads and no clock of its own: `now` is given."""

from __future__ import annotations

import random
from collections import deque
from enum import StrEnum
from typing import NamedTuple

_STEADY = 60.0  # seconds of live picture after which the back-off starts anew
_HOUR = 3600.0
_HISTORY = 200


class StreamState(StrEnum):
    """CONNECTING, LIVE, STALLED, RECONNECTING, LIVE ...; FAILED_* are tried again rarely, the last two never."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"
    FAILED_AUTH = "failed_auth"
    FAILED_DNS = "failed_dns"
    FAILED = "failed"
    STOPPED = "stopped"


class Transition(NamedTuple):
    """A change of state at a reading of the monotonic clock, and why."""

    at: float
    state: StreamState
    message: str


class Machine:
    """State, attempts and delays: min(`longest`, `first` * 2^k) seconds with `jitter`, anew after a minute LIVE.

    `denied` is the delay after wrong credentials or an unknown host. With `attempts` failures in a row: FAILED.
    """

    def __init__(
        self,
        now: float,
        *,
        stall: float,
        first: float = 1.0,
        longest: float = 60.0,
        denied: float = 300.0,
        jitter: float = 0.2,
        attempts: int | None = None,
        seed: int | None = None,
    ) -> None:
        self._stall, self._first, self._longest, self._denied = stall, first, longest, denied
        self._jitter, self._attempts = jitter, attempts
        self._random = random.Random(seed)
        self._failures = 0
        self._live_since: float | None = None
        self.last_frame: float | None = None
        self._reconnects: deque[float] = deque(maxlen=100_000)
        self.history: deque[Transition] = deque([Transition(now, StreamState.CONNECTING, "")], maxlen=_HISTORY)

    @property
    def current(self) -> Transition:
        return self.history[-1]

    @property
    def ended(self) -> bool:
        return self.current.state in (StreamState.FAILED, StreamState.STOPPED)

    def look(self, now: float) -> StreamState:
        """The state at `now`: a live source that gives nothing for the stall time is STALLED."""
        if self.current.state is StreamState.LIVE and self.last_frame is not None:
            silent = now - self.last_frame
            if silent > self._stall:
                self._go(now, StreamState.STALLED, f"no frame for {silent:.1f} s")
        return self.current.state

    def frame(self, now: float) -> None:
        """A decoded frame came."""
        if self.ended:
            return
        self.look(now)
        self.last_frame = now
        if self.current.state is not StreamState.LIVE:
            if self.current.state is not StreamState.STALLED:
                self._live_since = now
            self._go(now, StreamState.LIVE, "")
        if self._live_since is not None and now - self._live_since >= _STEADY:
            self._failures = 0

    def fail(self, now: float, kind: StreamState, message: str) -> float | None:
        """The connection broke or was refused: seconds to wait before the next attempt, or None when there is none.

        `kind` is RECONNECTING, FAILED_AUTH, FAILED_DNS, or FAILED for what no attempt will mend.
        """
        if self.ended:
            return None
        self._failures += 1
        self._live_since = None
        if kind is StreamState.FAILED or (self._attempts is not None and self._failures >= self._attempts):
            self._go(now, StreamState.FAILED, message)
            return None
        self._go(now, kind, message)
        self._reconnects.append(now)
        if kind in (StreamState.FAILED_AUTH, StreamState.FAILED_DNS):
            delay = self._denied
        else:
            delay = min(self._longest, self._first * 2.0 ** min(self._failures - 1, 60))
        return delay * (1.0 + self._jitter * self._random.uniform(-1.0, 1.0))

    def stop(self, now: float, message: str = "") -> None:
        """The end, asked for or reached."""
        if not self.ended:
            self._go(now, StreamState.STOPPED, message)

    def reconnects(self, now: float) -> int:
        """Attempts to connect again in the last hour."""
        while self._reconnects and now - self._reconnects[0] > _HOUR:
            self._reconnects.popleft()
        return len(self._reconnects)

    def _go(self, now: float, state: StreamState, message: str) -> None:
        if (state, message) != self.current[1:]:
            self.history.append(Transition(now, state, message))
