"""The three ways to say what happens when: a label per frame, segments, and boundaries between segments.

Frame i shows from `times[i]` to `times[i + 1]`; the last frame lasts as long as the one before it.
Variable frame rates are therefore right everywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onlooker.errors import RecordError


@dataclass(frozen=True, slots=True)
class Segment:
    """Something that holds from `start` up to, not including, `end` (seconds)."""

    start: float
    end: float
    label: str


def frame_edges(times: ArrayLike) -> NDArray[np.float64]:
    """When each frame begins and the last one ends: (n + 1,) for times (n,). A single frame lasts 0 s."""
    t = np.asarray(times, np.float64)
    if t.ndim != 1 or (np.diff(t) < 0).any():
        raise RecordError("frame times must be one row of seconds that never go backwards: sort the frames by time.")
    if not len(t):
        return np.zeros(0)
    last = t[-1] - t[-2] if len(t) > 1 else 0.0
    return np.append(t, t[-1] + last)


def labels_to_segments(labels: Sequence[str | None], times: ArrayLike) -> list[Segment]:
    """Runs of equal labels as segments; frames labelled None belong to none.

    >>> labels_to_segments(["walk", "walk", None, "run"], [0.0, 0.5, 1.0, 1.5])
    [Segment(start=0.0, end=1.0, label='walk'), Segment(start=1.5, end=2.0, label='run')]
    """
    edges = frame_edges(times)
    if len(labels) != max(len(edges) - 1, 0):
        raise RecordError(f"{len(labels)} labels for {max(len(edges) - 1, 0)} frames: give one label per frame.")
    starts = [i for i in range(len(labels)) if i == 0 or labels[i] != labels[i - 1]]
    found = []
    for start, end in zip(starts, [*starts[1:], len(labels)], strict=True):
        label = labels[start]
        if label is not None:
            found.append(Segment(float(edges[start]), float(edges[end]), label))
    return found


def segments_to_labels(segments: Sequence[Segment], times: ArrayLike) -> list[str | None]:
    """The label of each frame, by the moment at which the frame begins; where segments overlap the later one wins."""
    t = np.asarray(times, np.float64)
    labels: list[str | None] = [None] * len(t)
    for segment in segments:
        if segment.end < segment.start:
            raise RecordError(
                f"segment {segment.label!r} starts at {segment.start:g} s after its end {segment.end:g} s."
            )
        for i in range(int(np.searchsorted(t, segment.start)), int(np.searchsorted(t, segment.end))):
            labels[i] = segment.label
    return labels


def segments_to_boundaries(segments: Sequence[Segment]) -> NDArray[np.float64]:
    """Every moment at which something begins or ends, sorted, each once."""
    return np.unique(np.array([moment for s in segments for moment in (s.start, s.end)], np.float64))


def boundaries_to_segments(boundaries: ArrayLike, start: float, end: float, label: str = "segment") -> list[Segment]:
    """The stretches between boundaries from `start` to `end`; boundaries outside are ignored.

    >>> [(s.start, s.end) for s in boundaries_to_segments([2.0, 5.0], 0.0, 6.0)]
    [(0.0, 2.0), (2.0, 5.0), (5.0, 6.0)]
    """
    inside = [float(b) for b in np.unique(np.asarray(boundaries, np.float64)) if start < b < end]
    edges = [float(start), *inside, float(end)]
    return [Segment(a, b, label) for a, b in itertools.pairwise(edges) if b > a]


def intervals_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Temporal intersection over union (n, m) of (start, end) rows; 0 where both are empty."""
    left = np.asarray(a, np.float64).reshape(-1, 1, 2)
    right = np.asarray(b, np.float64).reshape(1, -1, 2)
    common = np.clip(np.minimum(left[..., 1], right[..., 1]) - np.maximum(left[..., 0], right[..., 0]), 0, None)
    union = (left[..., 1] - left[..., 0]) + (right[..., 1] - right[..., 0]) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
