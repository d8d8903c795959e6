"""The live tracks of one scale: where they have been, and the descriptors that they gathered on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.descriptors import ENDS, QUARTERS, Places, corners
from onlooker.methods.recognition.dense_trajectories.farneback import Flow
from onlooker.methods.recognition.dense_trajectories.rows import LENGTH

PARTS = 3
_TURNS = LENGTH + 1

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Complete:
    """n tracks that have come to their end: `points` (n, 16, 2), `moves` (n, 15, 2) without the camera's motion, and
    the `columns` where `Tracks` still has their descriptors."""

    points: Floats
    moves: Floats
    columns: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.columns)


class Tracks:
    """Tracks of `LENGTH` steps in pixels of their level.

    Each has a column of the arrays, in order of birth; the used columns are a window that goes to the right and is
    moved back when it meets the end. So whatever happens to all tracks of one age happens to a slice, and nothing is
    looked up. A track that leaves the picture is marked as gone and keeps its column for a while.
    """

    def __init__(self) -> None:
        self._ages: list[list[int]] = []  # [age, number of columns] from the oldest to the youngest
        self._first = self._end = self._turn = 0
        self._allocate(0)

    def __len__(self) -> int:
        return int(self._live().sum())

    @property
    def capacity(self) -> int:
        """How many columns there are."""
        return len(self._gone)

    def _allocate(self, columns: int) -> None:
        """Points and moves by the turn at which they were written, sums by thirds of a track."""
        self._points = np.zeros((_TURNS, 2, columns), np.float32)
        self._moves = np.zeros((_TURNS, 2, columns), np.float32)
        self._sums = np.zeros((PARTS, ENDS[-1], columns), np.float32)
        self._gone = np.zeros(columns, np.bool_)

    def _live(self) -> NDArray[np.bool_]:
        return ~self._gone[self._first : self._end]

    def add(self, points: Floats) -> None:
        """Begin a track at each of the points (n, 2)."""
        if self._end + len(points) > self.capacity:
            self._make_room(len(points))
        new = slice(self._end, self._end + len(points))
        self._points[self._turn, :, new] = points.T
        self._sums[..., new] = 0
        self._gone[new] = False
        self._end = new.stop
        self._ages.append([0, len(points)])

    def _make_room(self, missing: int) -> None:
        """The window to the left, into larger arrays where it would fill two thirds: then this is seldom done.

        There are never more tracks than 15 frames can start.
        """
        held, count = slice(self._first, self._end), self._end - self._first
        olds = self._points, self._moves, self._sums, self._gone
        if 3 * (count + missing) > 2 * self.capacity:
            self._allocate(2 * (count + missing))
        for old, new in zip(olds, (self._points, self._moves, self._sums, self._gone), strict=True):
            new[..., :count] = old[..., held]
        self._first, self._end = 0, count

    def here(self) -> Floats:
        """Where each live track is now (n, 2)."""
        found: Floats = self._points[self._turn, :, self._first : self._end][:, self._live()].T
        return found

    def patches(self, width: int, height: int) -> Places:
        """Top left of the patch of each used column (n, 2), of tracks that are gone too."""
        return corners(self._points[self._turn, :, self._first : self._end].T, width, height)

    def advance(self, seen: Floats, flow: Flow, residual: Flow) -> Complete:
        """Keep what every track sees in its patch (132, n), move it by the flow, and drop those that leave the picture.

        `residual` is the flow without the camera's motion. Gives the tracks that are now complete; their descriptors
        are there until the next `add`.
        """
        height, width = flow.shape[:2]
        used = slice(self._first, self._end)
        here = self._points[self._turn, :, used]
        self._gather(seen)
        columns, rows = np.clip(np.rint(here).astype(np.intp), 0, [[width - 1], [height - 1]])
        places = rows * width + columns
        self._moves[self._turn, :, used] = residual.reshape(-1, 2)[places].T
        self._turn = (self._turn + 1) % _TURNS
        there = here + flow.reshape(-1, 2)[places].T
        self._points[self._turn, :, used] = there
        inside = (there > 0).all(axis=0) & (there[0] < width) & (there[1] < height)
        self._gone[used] |= ~inside
        for cohort in self._ages:
            cohort[0] += 1
        return self._complete()

    def _gather(self, seen: Floats) -> None:
        """Add it to the third that each track is in."""
        thirds = [0] * PARTS
        for age, count in self._ages:
            thirds[age * PARTS // LENGTH] += count
        done = 0
        for third in reversed(range(PARTS)):  # the oldest come first
            own = slice(done, done + thirds[third])
            self._sums[third, :, self._first + own.start : self._first + own.stop] += seen[:, own]
            done = own.stop

    def _complete(self) -> Complete:
        oldest = slice(self._first, self._first)
        if self._ages and self._ages[0][0] == LENGTH:
            oldest = slice(self._first, self._first + self._ages.pop(0)[1])
            self._first = oldest.stop
        turns = (self._turn + 1 + np.arange(_TURNS)) % _TURNS  # from the oldest
        whole = np.flatnonzero(~self._gone[oldest])
        points, moves = (
            np.ascontiguousarray(part[..., oldest][order][..., whole].transpose(2, 0, 1))
            for part, order in ((self._points, turns), (self._moves, turns[:-1]))
        )
        return Complete(points, moves, oldest.start + whole)

    def described(self, columns: NDArray[np.intp]) -> list[Floats]:
        """hog, hof, mbh_x and mbh_y (n, 3 * width each) of complete tracks: means over thirds, time slowest."""
        means = self._sums[..., columns] * np.float32(PARTS / LENGTH)
        return [
            means[:, a:b]
            .reshape(PARTS, (b - a) // QUARTERS, QUARTERS, len(columns))
            .transpose(3, 0, 2, 1)
            .reshape(len(columns), PARTS * (b - a))
            for a, b in pairwise(ENDS)
        ]

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The live tracks as plain arrays, in order of birth: the last axis is theirs, and their first is now."""
        kept = self._first + np.flatnonzero(self._live())
        ages = np.repeat([age for age, _ in self._ages], [count for _, count in self._ages]).astype(np.int64)
        points, moves = (np.roll(part[..., kept], -self._turn, axis=0) for part in (self._points, self._moves))
        return {"points": points, "moves": moves, "sums": self._sums[..., kept], "age": ages[self._live()]}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Tracks:
        """Undoes `to_arrays`."""
        tracks = cls()
        tracks._allocate(len(arrays["age"]))
        tracks._fill(arrays)
        return tracks

    def _fill(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        count = len(arrays["age"])
        for name in ("points", "moves", "sums"):
            getattr(self, f"_{name}")[..., :count] = arrays[name]
        self._gone[:count] = False
        values, counts = np.unique(arrays["age"], return_counts=True)
        self._ages = [[int(age), int(number)] for age, number in zip(values[::-1], counts[::-1], strict=True)]
        self._first, self._end, self._turn = 0, count, 0
