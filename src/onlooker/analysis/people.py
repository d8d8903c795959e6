"""One summary per person from the tables of a run: when seen, where, doing what."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GAP_SECONDS = 1.5
BOX = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Person:
    """A track in order of time.

    `frames`, `times` (n,) in seconds, `boxes` (n, 4) xyxy in displayed pixels, `scores`, `observed` (n,); `visits` are
    (start, end), half open: a gap of more than 1.5 seconds ends one; `activities` are (start, end, label).
    """

    track_id: int
    frames: NDArray[np.int64]
    times: NDArray[np.float64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    observed: NDArray[np.bool_]
    visits: list[tuple[float, float]]
    activities: list[tuple[float, float, str]]

    @property
    def seconds(self) -> float:
        """How long the person was in the picture, gaps left out."""
        return sum(end - start for start, end in self.visits)

    @property
    def feet(self) -> NDArray[np.float32]:
        """Bottom centre of each box `(n, 2)`."""
        return feet_of(self.boxes)

    def best_frame(self) -> int:
        """The row that shows the person best: large, confident and really observed."""
        size = (self.boxes[:, 2] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 1])
        return int(np.argmax(np.sqrt(np.maximum(size, 0)) * (0.2 + self.scores) * (0.1 + self.observed)))


def feet_of(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where people touch the ground: bottom centres `(n, 2)` of boxes `(n, 4)`."""
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], 1)


def collect_people(tracks: pa.Table, segments: pa.Table) -> list[Person]:
    """People in order of first appearance."""
    rows = tracks.take(pc.sort_indices(tracks, [("track_id", "ascending"), ("frame", "ascending")]))
    frames, times = rows["frame"].to_numpy(), rows["time"].to_numpy()
    boxes = np.stack([rows[name].to_numpy() for name in BOX], 1)
    scores = np.nan_to_num(pc.fill_null(rows["score"], 0).to_numpy())
    observed = pc.fill_null(rows["observed"], True).to_numpy(zero_copy_only=False)
    doing = activities_of(segments)
    people = []
    for track, first, last in runs_of(rows["track_id"].to_numpy()):
        part = slice(first, last)
        people.append(
            Person(
                track_id=track,
                frames=frames[part],
                times=times[part],
                boxes=boxes[part],
                scores=scores[part],
                observed=observed[part],
                visits=_visits(times[part]),
                activities=doing.get(track, []),
            )
        )
    return sorted(people, key=lambda person: (person.times[0], person.track_id))


def activities_of(segments: pa.Table) -> dict[int, list[tuple[float, float, str]]]:
    """(start, end, label) of each track's segments, in order of time."""
    found: dict[int, list[tuple[float, float, str]]] = {}
    columns = [segments[name].to_pylist() for name in ("track_id", "start", "end", "label")]
    for track, start, end, label in zip(*columns, strict=True):
        if track is not None:
            found.setdefault(track, []).append((start, end, label))
    return {track: sorted(rows) for track, rows in found.items()}


def count_inside(people: Sequence[Person], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many people are in the picture at each time."""
    starts = np.sort([start for person in people for start, _ in person.visits])
    ends = np.sort([end for person in people for _, end in person.visits])
    return np.searchsorted(starts, times, side="right") - np.searchsorted(ends, times, side="right")


def most_at_once(people: Sequence[Person]) -> int:
    """The largest number of people in the picture at one time."""
    starts = np.array([start for person in people for start, _ in person.visits])
    return int(count_inside(people, starts).max(initial=0))


def runs_of(values: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(value, first, last + 1) of each stretch of equal neighbours.

    >>> runs_of(np.array([4, 4, 7]))
    [(4, 0, 2), (7, 2, 3)]
    """
    if not len(values):
        return []
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return [(int(values[a]), a, b) for a, b in itertools.pairwise(bounds)]


def _visits(times: NDArray[np.float64]) -> list[tuple[float, float]]:
    """A visit lasts until the frame after its last one: the typical step later."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    breaks = np.flatnonzero(np.diff(times) > GAP_SECONDS)
    firsts = [0, *(breaks + 1).tolist()]
    lasts = [*breaks.tolist(), len(times) - 1]
    return [(float(times[a]), float(times[b]) + min(step, GAP_SECONDS)) for a, b in zip(firsts, lasts, strict=True)]
