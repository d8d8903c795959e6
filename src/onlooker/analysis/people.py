"""One summary per person from the tables of a run: when seen, where, doing what."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GAP_SECONDS = 1.5


@dataclass(frozen=True)
class Person:
    """A track: `times` (n,) seconds and `boxes` (n, 4) xyxy in order, `scores` (n,), `visits` as (start, end)."""

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
        return np.stack([(self.boxes[:, 0] + self.boxes[:, 2]) / 2, self.boxes[:, 3]], 1)

    def best_frame(self) -> int:
        """The row that shows the person best: large, confident and really observed."""
        size = (self.boxes[:, 2] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 1])
        return int(np.argmax(np.sqrt(np.maximum(size, 0)) * (0.2 + self.scores) * (0.1 + self.observed)))


def collect_people(tracks: pa.Table, segments: pa.Table) -> list[Person]:
    """People in order of first appearance."""
    order = pc.sort_indices(tracks, [("track_id", "ascending"), ("frame", "ascending")])
    rows = tracks.take(order)
    ids = rows["track_id"].to_numpy()
    columns = {name: rows[name].to_numpy() for name in ("frame", "time", "x1", "y1", "x2", "y2")}
    scores = np.nan_to_num(pc.fill_null(rows["score"], 0).to_numpy())
    observed = pc.fill_null(rows["observed"], True).to_numpy(zero_copy_only=False)
    doing = _activities(segments)
    people = []
    for track, first, last in _runs(ids):
        part = slice(first, last)
        times = columns["time"][part]
        boxes = np.stack([columns[name][part] for name in ("x1", "y1", "x2", "y2")], 1)
        people.append(
            Person(
                track_id=track,
                frames=columns["frame"][part],
                times=times,
                boxes=boxes,
                scores=scores[part],
                observed=observed[part],
                visits=_visits(times),
                activities=doing.get(track, []),
            )
        )
    return sorted(people, key=lambda person: (person.times[0], person.track_id))


def count_inside(people: list[Person], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many people are in the picture at each time."""
    starts = np.sort([start for person in people for start, _ in person.visits])
    ends = np.sort([end for person in people for _, end in person.visits])
    return np.searchsorted(starts, times, side="right") - np.searchsorted(ends, times, side="left")


def _runs(ids: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    if not len(ids):
        return []
    edges = np.flatnonzero(np.diff(ids)) + 1
    bounds = [0, *edges.tolist(), len(ids)]
    return [(int(ids[a]), a, b) for a, b in itertools.pairwise(bounds)]


def _visits(times: NDArray[np.float64]) -> list[tuple[float, float]]:
    breaks = np.flatnonzero(np.diff(times) > GAP_SECONDS)
    firsts = [0, *(breaks + 1).tolist()]
    lasts = [*breaks.tolist(), len(times) - 1]
    return [(float(times[a]), float(times[b])) for a, b in zip(firsts, lasts, strict=True)]


def _activities(segments: pa.Table) -> dict[int, list[tuple[float, float, str]]]:
    found: dict[int, list[tuple[float, float, str]]] = {}
    for row in segments.to_pylist():
        if row["track_id"] is not None:
            found.setdefault(row["track_id"], []).append((row["start"], row["end"], row["label"]))
    return found
