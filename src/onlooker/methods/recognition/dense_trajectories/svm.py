"""A linear support vector machine, one class against the rest, by dual coordinate descent.

C.-J. Hsieh and others, *A Dual Coordinate Descent Method for Large-scale Linear SVM*, ICML 2008, algorithm 1, on the
matrix of inner products: vectors are long here and examples few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError

Floats = NDArray[np.float64]


def fit_svm(
    vectors: NDArray[np.floating], labels: NDArray[np.integer], classes: int, cost: float = 100.0, *, rounds: int = 1000
) -> tuple[Floats, Floats]:
    """Coefficients (classes, dim) and intercepts (classes,) of vectors (n, dim) with labels (n,) from 0 on.

    Minimises half the squared norm of (w, b) plus `cost` times the sum of hinge losses max(0, 1 - y (w x + b)); the
    intercept belongs to the norm, as with a constant 1 in every vector. Ends when no variable violates its optimality
    by more than 1e-3, or after `rounds` over all examples. Raises ConfigError for a class without examples, or fewer
    than two classes.

    >>> coefficients, intercepts = fit_svm(np.array([[0.0], [1.0]]), np.array([0, 1]), 2)
    >>> (np.array([[0.2], [0.9]]) @ coefficients.T + intercepts).argmax(1).tolist()
    [0, 1]
    """
    data = np.asarray(vectors, np.float64)
    if len(data) != len(labels) or data.ndim != 2 or not np.isfinite(data).all():
        raise ConfigError(f"{len(labels)} labels for vectors of shape {data.shape}: one finite row per label, please.")
    counts = np.bincount(labels, minlength=classes)
    if classes < 2 or len(counts) > classes or (counts == 0).any():
        raise ConfigError(f"examples per class {counts.tolist()}: at least two classes, each with an example.")
    signs = np.where(labels[None] == np.arange(classes)[:, None], 1.0, -1.0)
    inner = data @ data.T + 1
    duals = _solve(inner, signs, cost, rounds) * signs
    return duals @ data, duals.sum(axis=1)


def _solve(inner: Floats, signs: Floats, cost: float, rounds: int) -> Floats:
    """Dual variables (classes, n) of all classes at once, example after example in a shuffled order."""
    classes, count = signs.shape
    duals = np.zeros((classes, count))
    outputs = np.zeros((classes, count))
    generator = np.random.default_rng(0)
    for _ in range(rounds):
        worst = 0.0
        for i in generator.permutation(count):
            gradient = signs[:, i] * outputs[:, i] - 1
            moved = np.clip(duals[:, i] - gradient / inner[i, i], 0, cost)
            change = moved - duals[:, i]
            projected = np.where(change == 0, 0.0, gradient)
            worst = max(worst, float(np.abs(projected).max()))
            duals[:, i] = moved
            outputs += (change * signs[:, i])[:, None] * inner[i]
        if worst < 1e-3:
            break
    return duals
