"""The live tracks of one scale: where they have been, and the descriptors that they gathered on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.descriptors import corners, describe
from onlooker.methods.recognition.dense_trajectories.farneback import Flow, Plane
from onlooker.methods.recognition.dense_trajectories.rows import LENGTH

PARTS = 3
WIDTHS = (32, 36, 32, 32)
"""Numbers per frame of hog, hof, mbh_x and mbh_y."""

Floats = NDArray[np.float32]


class Tracks:
    """Tracks of `LENGTH` steps in pixels of their level, kept in slots that are used again.

    `alive` lists the slots in order of birth. `points` (slots, 16, 2), `moves` (slots, 15, 2) without the camera's
    motion, `sums` (slots, 3, 132) of descriptors over the thirds of a track, `age` (slots,) in steps.
    """

    def __init__(self) -> None:
        self.alive: NDArray[np.intp] = np.zeros(0, np.intp)
        self._free: NDArray[np.intp] = np.zeros(0, np.intp)
        self._allocate(0)

    def __len__(self) -> int:
        return len(self.alive)

    def _allocate(self, slots: int) -> None:
        self.points = np.zeros((slots, LENGTH + 1, 2), np.float32)
        self.moves = np.zeros((slots, LENGTH, 2), np.float32)
        self.sums = np.zeros((slots, PARTS, sum(WIDTHS)), np.float32)
        self.age = np.zeros(slots, np.intp)

    def add(self, points: Floats) -> None:
        """Begin a track at each of the points (n, 2)."""
        if len(points) > len(self._free):
            self._grow(len(points) - len(self._free))
        slots, self._free = self._free[: len(points)], self._free[len(points) :]
        self.points[slots, 0] = points
        self.sums[slots] = 0
        self.age[slots] = 0
        self.alive = np.concatenate((self.alive, slots))

    def _grow(self, missing: int) -> None:
        """Doubling; there are never more tracks than 15 frames can start."""
        had = len(self.age)
        extra = max(missing, had)
        points, moves, sums, age = self.points, self.moves, self.sums, self.age
        self._allocate(had + extra)
        self.points[:had], self.moves[:had], self.sums[:had], self.age[:had] = points, moves, sums, age
        self._free = np.concatenate((self._free, np.arange(had, had + extra)))

    def here(self) -> Floats:
        """Where each live track is now (n, 2)."""
        found: Floats = self.points[self.alive, self.age[self.alive]]
        return found

    def advance(
        self, fields: Iterable[Iterable[Plane]], flow: Flow, residual: Flow, epsilon: float
    ) -> NDArray[np.intp]:
        """Describe every track where it is, move it by the flow, and drop those that leave the picture.

        `residual` is the flow without the camera's motion. Gives the slots of the tracks that are now complete; they
        are free again, and hold their track until the next `add`.
        """
        height, width = flow.shape[:2]
        slots, age, here = self.alive, self.age[self.alive], self.here()
        top_left = corners(here, width, height)
        described = np.concatenate([describe(planes, top_left, epsilon) for planes in fields], axis=1)
        self.sums.reshape(-1, sum(WIDTHS))[slots * PARTS + age * PARTS // LENGTH] += described
        columns, rows = np.clip(np.rint(here).astype(np.intp), 0, [width - 1, height - 1]).T
        there = here + flow[rows, columns]
        self.moves[slots, age] = residual[rows, columns]
        self.points[slots, age + 1] = there
        self.age[slots] += 1
        inside = (there > 0).all(axis=1) & (there[:, 0] < width) & (there[:, 1] < height)
        complete = inside & (age + 1 == LENGTH)
        done: NDArray[np.intp] = slots[complete]
        self._free = np.concatenate((self._free, slots[~inside], done))
        self.alive = slots[inside & ~complete]
        return done

    def described(self, slots: NDArray[np.intp]) -> list[Floats]:
        """hog, hof, mbh_x and mbh_y (n, 3 * width each) of complete tracks: means over thirds, time slowest."""
        means = self.sums[slots] * np.float32(PARTS / LENGTH)
        ends = np.cumsum((0, *WIDTHS))
        return [means[:, :, a:b].reshape(len(slots), PARTS * (b - a)) for a, b in pairwise(ends)]

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The live tracks as plain arrays, in order of birth."""
        kept = self.alive
        return {
            "points": self.points[kept], "moves": self.moves[kept], "sums": self.sums[kept], "age": self.age[kept]
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Tracks:
        """Undoes `to_arrays`."""
        tracks = cls()
        tracks._allocate(len(arrays["age"]))
        for name in ("points", "moves", "sums", "age"):
            getattr(tracks, name)[:] = arrays[name]
        tracks.alive = np.arange(len(arrays["age"]))
        return tracks
