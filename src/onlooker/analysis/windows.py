"""Sliding windows over frames that come one by one: which frames each one looks at, and what time it speaks for.

Moments lie `seconds / frames` apart on the media clock, from the first frame of a stretch on; a stretch ends at a cut.
A moment shows the frame on screen. A window is `frames` successive moments, windows begin `stride` moments apart, and
each speaks for the `stride` moments in its middle (its cell): the first also for what is before, the last for the rest.
A stretch shorter than a window is one window.

All that is remembered is in a plain dict, and nothing depends on how the frames are handed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = dict[str, Any]
GRACE = 1e-9  # seconds: moments computed from a rate may fall just beside the frame that they mean


@dataclass(frozen=True, slots=True)
class Grid:
    """`frames` moments in a window of `seconds`; windows begin `stride` moments apart.

    >>> Grid.of(frames=8, seconds=4.0, step=1.0)
    Grid(frames=8, seconds=4.0, stride=2)
    """

    frames: int
    seconds: float
    stride: int

    @classmethod
    def of(cls, frames: int, seconds: float, step: float | None = None) -> Grid:
        """Windows about `step` seconds apart: a whole number of moments, at most a window; half of it by default."""
        wanted = seconds / 2 if step is None else step
        return cls(frames, seconds, min(frames, max(1, round(wanted * frames / seconds))))

    @property
    def tick(self) -> float:
        """Seconds from moment to moment."""
        return self.seconds / self.frames


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The frame on screen at one moment: its number in the video, and who is where in it."""

    index: int
    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]

    def box_of(self, track: int) -> NDArray[np.float32] | None:
        """The box `(4,)` of a track, or None when it is not there."""
        rows = np.flatnonzero(self.ids == track)
        return self.boxes[rows[0]] if len(rows) else None


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The moments to look at (at most `Grid.frames`), and the part of them that it speaks for.

    `first` and `last` count moments: `moments[first:last]` are those of the cell, from `start` to `end` in seconds.
    """

    moments: tuple[Moment, ...]
    first: int
    last: int
    start: float
    end: float

    @property
    def middle(self) -> Moment:
        """The moment in the middle of the cell."""
        return self.moments[(self.first + self.last - 1) // 2]


def start() -> State:
    """Before the first frame."""
    return {"origin": None, "filled": 0, "told": 0, "held": [], "shown": None, "end": 0.0}


def step(state: State, grid: Grid, moment: Moment, time: float, end: float, *, cut: bool = False) -> list[Window]:
    """One more frame, on screen from `time` to `end`; a `cut` begins a new stretch. Gives the windows now complete."""
    found: list[Window] = []
    if cut and state["origin"] is not None:
        found += finish(state, grid, time)
    if state["origin"] is None:
        state["origin"] = time
    else:
        found += _fill(state, grid, time)
    state["shown"] = [moment.index, moment.ids, moment.boxes]
    state["end"] = end
    return found


def finish(state: State, grid: Grid, end: float | None = None) -> list[Window]:
    """The stretch is over, at `end` or when its last frame leaves the screen: its last windows. Ready for the next."""
    found: list[Window] = []
    if state["origin"] is not None:
        until = state["end"] if end is None else end
        found += _fill(state, grid, until)
        if state["filled"] == 0:  # shorter than half a tick
            state["held"], state["filled"] = [state["shown"]], 1
        found.append(_window(state, grid, until, last=True))
    state.update(start())
    return found


def _fill(state: State, grid: Grid, until: float) -> list[Window]:
    """The frame on screen stands for all moments before `until`."""
    found = []
    while state["origin"] + (state["filled"] + 0.5) * grid.tick < until - GRACE:
        begun = state["filled"] - grid.frames
        if begun >= 0 and begun % grid.stride == 0:
            # told once something follows it: the last window of a stretch speaks for the rest as well
            found.append(_window(state, grid, 0.0, last=False))
        state["held"] = [*state["held"], state["shown"]][-grid.frames :]
        state["filled"] += 1
    return found


def _window(state: State, grid: Grid, until: float, *, last: bool) -> Window:
    """The window that ends with the newest moment. Its cell begins where the one before ended."""
    moments = tuple(Moment(*values) for values in state["held"])
    offset = state["filled"] - len(moments)
    first = state["told"]
    stop = state["filled"] if last else offset + (grid.frames - grid.stride) // 2 + grid.stride
    state["told"] = stop
    begins = state["origin"] + first * grid.tick
    ends = until if last else state["origin"] + stop * grid.tick
    return Window(moments, first - offset, stop - offset, begins, max(ends, begins))


def spread(count: int, frames: int) -> NDArray[np.int64]:
    """`frames` positions among `count` moments: all of them, or each repeated evenly where there are too few.

    >>> spread(2, 4).tolist()
    [0, 0, 1, 1]
    """
    return ((np.arange(frames) + 0.5) * count / frames).astype(np.int64)


def tracks_in(window: Window, most: int) -> tuple[list[int], int]:
    """The tracks seen in the cell of a window, largest first (at most `most`), and how many there are."""
    size: dict[int, float] = {}
    for moment in window.moments[window.first : window.last]:
        areas = (moment.boxes[:, 2] - moment.boxes[:, 0]) * (moment.boxes[:, 3] - moment.boxes[:, 1])
        for track, area in zip(moment.ids.tolist(), areas.tolist(), strict=True):
            size[track] = max(size.get(track, 0.0), area)
    return sorted(size, key=lambda track: (-size[track], track))[:most], len(size)


def boxes_of(window: Window, track: int) -> dict[int, NDArray[np.float32]]:
    """The boxes of a track by the position of their moment, in order of time."""
    boxes = {at: moment.box_of(track) for at, moment in enumerate(window.moments)}
    return {at: box for at, box in boxes.items() if box is not None}


def nearest(present: Sequence[int], wanted: NDArray[np.int64]) -> list[int]:
    """For each wanted position the nearest at which the track is there; of two, the earlier.

    >>> nearest([2, 5], np.arange(6))
    [2, 2, 2, 2, 5, 5]
    """
    places = np.asarray(present)
    return [int(places[np.abs(places - at).argmin()]) for at in wanted.tolist()]
