"""Precision and recall from scored hits, and the two ways to make one number of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RECALL_POINTS = np.linspace(0.0, 1.0, 101)


def precision_recall(scores: ArrayLike, hits: ArrayLike, positives: float) -> tuple[Floats, Floats]:
    """Precision and recall (n,) after each detection, best score first; equal scores keep their order.

    `hits` (n,) is true where a detection found something, `positives` how much there was to find.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    hit = np.asarray(hits, bool)[order]
    found = np.cumsum(hit)
    return found / np.arange(1, len(hit) + 1), found / positives


def envelope(precision: Floats) -> Floats:
    """The best precision at this recall or any higher."""
    return np.asarray(np.maximum.accumulate(precision[::-1])[::-1])


def voc_ap(scores: ArrayLike, hits: ArrayLike, positives: float) -> float:
    """Area under the precision envelope at every recall (VOC 2010 and later, AVA, video-mAP); NaN without positives.

    >>> voc_ap([0.9, 0.8, 0.7], [True, False, True], 2)
    0.8333333333333333
    """
    if positives == 0:
        return float("nan")
    precision, recall = precision_recall(scores, hits, positives)
    steps = np.diff(recall, prepend=0.0)
    return float((steps * envelope(precision)).sum()) if len(steps) else 0.0


def interpolated(precision: Floats, recall: Floats) -> Floats:
    """The precision envelope at the 101 recall points of COCO, 0 past the highest recall: (101,)."""
    values = np.zeros(len(RECALL_POINTS))
    at = np.searchsorted(recall, RECALL_POINTS, side="left")
    inside = at < len(recall)
    values[inside] = envelope(precision)[at[inside]]
    return values
