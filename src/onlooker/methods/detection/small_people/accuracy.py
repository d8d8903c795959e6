"""How right boxes are: average precision at IoU 0.5 over frames, and recall by height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.detection.embedded_people.boxes import area, intersection, iou

HEIGHTS = ((0.0, 40.0), (40.0, 80.0), (80.0, 160.0), (160.0, 1e9))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One frame: `scores` of the boxes that count and whether each is `right`; `heights` of the people and the score
    of the box that found each, 0 for none."""

    index: int
    scores: tuple[float, ...]
    right: tuple[bool, ...]
    heights: tuple[float, ...]
    found: tuple[float, ...]


def score_frame(
    index: int, boxes: Floats, scores: Floats, people: Floats, ignore: Floats, overlap: float = 0.5
) -> FrameScore:
    """Best boxes first, each takes the free person that it overlaps most; boxes half inside `ignore` don't count.

    >>> person = np.array([[0.0, 0, 10, 30]])
    >>> score_frame(0, np.array([[0.0, 0, 10, 29], [50, 0, 60, 30]]), np.array([0.9, 0.4]), person, person[:0]).right
    (True, False)
    """
    same = iou(boxes, people)
    covered = intersection(boxes, ignore) / np.maximum(area(boxes), 1e-9)[:, None]
    spared = [bool(row.max(initial=0.0) > 0.5) for row in covered]
    found = np.zeros(len(people))
    taken = np.zeros(len(people), bool)
    kept: list[tuple[float, bool]] = []
    for row in np.argsort(-scores, kind="stable").tolist():
        free = np.where(taken, -1.0, same[row])
        column = int(free.argmax()) if len(people) else -1
        if column >= 0 and free[column] >= overlap:
            taken[column], found[column] = True, scores[row]
            kept.append((float(scores[row]), True))
        elif not spared[row]:
            kept.append((float(scores[row]), False))
    tall = (people[:, 3] - people[:, 1]).tolist()
    return FrameScore(index, tuple(s for s, _ in kept), tuple(r for _, r in kept), tuple(tall), tuple(found.tolist()))


def average_precision(frames: Sequence[FrameScore]) -> float:
    """Area under precision over recall, precision made falling (all points, as PASCAL VOC 2010 has it)."""
    people = sum(len(frame.heights) for frame in frames)
    scores = np.array([score for frame in frames for score in frame.scores])
    right = np.array([hit for frame in frames for hit in frame.right], bool)
    if not people or not len(scores):
        return 0.0
    right = right[np.argsort(-scores, kind="stable")]
    hits = np.cumsum(right)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((precision * right).sum() / people)


def recall(frames: Sequence[FrameScore], threshold: float, low: float = 0.0, high: float = 1e9) -> tuple[float, int]:
    """The share of people between two heights that a box of at least this score found, and how many they are."""
    found = [
        score >= threshold and score > 0
        for frame in frames
        for tall, score in zip(frame.heights, frame.found, strict=True)
        if low <= tall < high
    ]
    return float(np.mean(found)) if found else float("nan"), len(found)


def precision(frames: Sequence[FrameScore], threshold: float) -> float:
    """The share of boxes of at least this score that are right; 1 without any."""
    right = [
        hit for frame in frames for score, hit in zip(frame.scores, frame.right, strict=True) if score >= threshold
    ]
    return float(np.mean(right)) if right else 1.0
