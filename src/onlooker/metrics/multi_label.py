"""Average precision of classes that may hold together, as Charades and others report it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from onlooker.errors import ConfigError


def average_precisions(
    scores: Float[np.ndarray, "videos classes"], truth: Bool[np.ndarray, "videos classes"]
) -> Float[np.ndarray, " classes"]:
    """The mean precision at the videos that have a class, best score first; NaN for a class that none has.

    Nothing is interpolated. Videos of equal score come in together, so their order makes no difference. Raises
    ConfigError for unlike shapes and scores that are not finite.

    >>> average_precisions(np.array([[0.9], [0.8], [0.7]]), np.array([[True], [False], [True]])).round(4).tolist()
    [0.8333]
    """
    scores, truth = np.asarray(scores, np.float64), np.asarray(truth, bool)
    if scores.shape != truth.shape or scores.ndim != 2 or not np.isfinite(scores).all():
        raise ConfigError(
            f"scores {scores.shape} and truth {truth.shape} are finite and of one shape, (videos, classes)."
        )
    return np.array([_average_precision(scores[:, i], truth[:, i]) for i in range(scores.shape[1])], np.float64)


def mean_average_precision(
    scores: Float[np.ndarray, "videos classes"], truth: Bool[np.ndarray, "videos classes"]
) -> float:
    """The mean over classes that a video has; NaN when there are none."""
    found = average_precisions(scores, truth)
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def _average_precision(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    found, taken = np.cumsum(truth[order]), np.arange(1, len(order) + 1)
    last = np.append(np.diff(scores[order]) != 0, True)
    gained = np.diff(found[last], prepend=0)
    return float((gained * found[last] / taken[last]).sum() / truth.sum())
