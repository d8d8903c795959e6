"""From features of examples to a classifier: what varies within an action, its mean, and when it is none of them.

The threshold between known and unknown is found by trying: every action in turn plays the stranger while the others are
learned without it, and every group of examples (the copies of one moment) is judged by what the others taught.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.taught.model import Head

Floats = NDArray[np.float64]
SHARE = 0.1  # variance, of the mean along the directions that vary within actions, from which one is shrunk
SURE = 3.0  # logit by which a typical example beats the unknown
LEAST_ROOM = 0.05
FOLDS = 4  # parts of an action that are held out in turn, at most
RANK = 24  # directions that a file keeps, at most: those that vary most
WITHOUT_STRANGERS = 0.6  # of a typical example's cosine, where there is nothing to try the unknown on


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learned. `genuine` are cosines of examples to their own action, learned without them; `strange` the
    best cosines of what is none of the actions; `right` the share of examples that find their action."""

    head: Head
    genuine: Floats
    strange: Floats
    right: float
    threshold: float
    calibrated: bool
    confused: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """Where actions are compared: `Head` in float64, of arrays."""

    centre: Floats
    nuisance: Floats
    gains: Floats
    means: Floats
    sides: int = 1

    def cosines(self, vectors: Floats) -> Floats:
        each = self.project(vectors) @ self.means.T
        return np.asarray(each.reshape(len(vectors), -1, self.sides).max(axis=2))

    def project(self, vectors: Floats) -> Floats:
        apart = _unit(vectors) - self.centre
        apart = apart + ((apart @ self.nuisance.T) * (self.gains - 1)) @ self.nuisance
        return _unit(apart)


def learn(
    examples: Mapping[str, Float[np.ndarray, "vectors width"]],
    groups: Mapping[str, Sequence[int]] | None = None,
    strangers: Float[np.ndarray, "vectors width"] | None = None,
    *,
    mirrored: Mapping[str, Sequence[bool]] | None = None,
) -> Lesson:
    """A head for the actions in `examples`, features by action, in the order given.

    `groups` says which vectors of an action belong together (copies of one moment): they are held out together.
    `mirrored` says which vectors are mirror images: an action's other side has a mean of its own, and being like either
    counts. `strangers` are features of what is none of the actions, where there are some. With fewer than three actions
    and without strangers the threshold is a guess from the examples alone (`calibrated` is false). Raises ConfigError
    for no action, one without examples, and features that are not finite.
    """
    known = {label: np.asarray(rows, np.float64) for label, rows in examples.items()}
    for label, rows in known.items():
        if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all():
            raise ConfigError(f"{label}: no usable example (features of shape {rows.shape}). Give other clips of it.")
    if not known:
        raise ConfigError("no action to learn: give examples of at least one.")
    held = {label: _folds((groups or {}).get(label, range(len(rows)))) for label, rows in known.items()}
    foreign = None if strangers is None or not len(strangers) else np.asarray(strangers, np.float64)
    basis = _basis([*known.values(), *([] if foreign is None else [foreign])])
    known = {label: _unit(rows) @ basis.T for label, rows in known.items()}
    sides = {label: np.asarray((mirrored or {}).get(label, [False] * len(rows)), bool) for label, rows in known.items()}
    space = _space(known, sides)
    genuine, right, confused = _genuine(known, sides, held)
    strange = [] if foreign is None else [space.cosines(_unit(foreign) @ basis.T).max(1)]
    if len(known) > 2:
        for label in known:
            others = _space({name: rows for name, rows in known.items() if name != label}, sides)
            strange.append(others.cosines(known[label]).max(1))
    found = np.concatenate(strange) if strange else np.zeros(0)
    threshold = _threshold(genuine, found)
    head = _head(space, basis, threshold, genuine)
    return Lesson(head, genuine, found, right, threshold, bool(strange), confused)


def _folds(groups: Sequence[int]) -> NDArray[np.intp]:
    """Which fold each example is held out with: those of a group together, in at most `FOLDS`."""
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    return np.asarray(numbers * min(FOLDS, numbers.max() + 1) // (numbers.max() + 1), np.intp)


def _basis(rows: Sequence[Floats]) -> Floats:
    """Orthonormal rows that span all (unit) vectors: what is done to features is done to few numbers instead."""
    joined = _unit(np.concatenate(rows))
    if len(joined) >= joined.shape[1]:
        return np.eye(joined.shape[1])
    sizes, vectors = np.linalg.eigh(joined @ joined.T)
    kept = sizes > 1e-10 * sizes[-1]
    return np.asarray((vectors[:, kept] / np.sqrt(sizes[kept])).T @ joined)


def _space(known: Mapping[str, Floats], sides: Mapping[str, NDArray[np.bool_]]) -> _Space:
    """The centre of all actions, the directions in which examples of one side of one vary, and the means of each."""
    count = 2 if all(0 < sides[label].sum() < len(sides[label]) for label in known) else 1
    actions = [rows for label, own in known.items() for rows in (own[~sides[label]], own[sides[label]])[:count]]
    if count == 1:
        actions = list(known.values())
    unit = [_unit(rows) for rows in actions]
    # one action has no place among others: its vectors are compared as they are
    centre = np.mean([rows.mean(0) for rows in unit], axis=0) if len(unit) > 1 else np.zeros(unit[0].shape[1])
    apart = np.concatenate([rows - rows.mean(0) for rows in unit])
    variances, directions = np.linalg.eigh(apart.T @ apart / len(apart))
    variances, directions = variances[::-1], directions.T[::-1]
    kept = variances > 1e-9 * max(float(variances[0]), 1e-12)
    kept[max(len(apart) - len(unit), 0) :] = False
    floor = SHARE * variances[kept].mean() if kept.any() else 1.0
    kept[RANK:] = False
    gains = 1 / np.sqrt(1 + variances[kept] / floor)
    space = _Space(centre, directions[kept], gains, np.zeros((0, len(centre))))
    means = _unit(np.stack([space.project(rows).mean(0) for rows in actions]))
    return _Space(centre, directions[kept], gains, means, count)


def _genuine(
    known: Mapping[str, Floats], sides: Mapping[str, NDArray[np.bool_]], folds: Mapping[str, NDArray[np.intp]]
) -> tuple[Floats, float, tuple[tuple[str, str, int], ...]]:
    """Cosines of held-out examples to their own action, the share that finds it, and who is taken for whom."""
    labels = list(known)
    cosines: list[float] = []
    wrong: dict[tuple[str, str], int] = {}
    for own, label in enumerate(labels):
        number = folds[label]
        parts = [number == fold for fold in range(number.max() + 1)]
        if len(parts) == 1:  # copies of a single moment: each is held out alone
            parts = [np.arange(len(number)) == at for at in range(len(number))] if len(number) > 1 else []
        for out in parts:
            space = _space({**known, label: known[label][~out]}, {**sides, label: sides[label][~out]})
            found = space.cosines(known[label][out])
            cosines += found[:, own].tolist()
            for best in found.argmax(1).tolist():
                if best != own:
                    wrong[label, labels[best]] = wrong.get((label, labels[best]), 0) + 1
    total = max(len(cosines), 1)
    pairs = sorted(((a, b, count) for (a, b), count in wrong.items()), key=lambda item: (-item[2], item[:2]))
    return np.array(cosines or [1.0]), 1 - sum(wrong.values()) / total, tuple(pairs)


def _threshold(genuine: Floats, strange: Floats) -> float:
    """A third of the way from a strong stranger to a weak example; where those overlap, where as many of either err.

    Nearer to the strangers, because held-out examples are judged by a lesson with fewer of them: they look less like
    their action than later clips will, while a stranger looks like no action the less for it.
    """
    if not len(strange):
        return WITHOUT_STRANGERS * float(np.median(genuine))
    strong, weak = float(np.quantile(strange, 0.95)), float(np.quantile(genuine, 0.1))
    if weak > strong:
        return strong + (weak - strong) / 3
    places = np.unique(np.concatenate((genuine, strange)))
    missed = np.searchsorted(np.sort(genuine), places, side="left") / len(genuine)
    taken = 1 - np.searchsorted(np.sort(strange), places, side="left") / len(strange)
    return float(places[np.abs(missed - taken).argmin()])


def _head(space: _Space, basis: Floats, threshold: float, genuine: Floats) -> Head:
    head = Head(basis.shape[1], len(space.means) // space.sides, len(space.nuisance), space.sides)
    room = max(float(np.median(genuine)) - threshold, LEAST_ROOM)
    values = {
        "centre": space.centre @ basis,
        "means": space.means @ basis,
        "nuisance": space.nuisance @ basis,
        "gains": space.gains,
        "threshold": np.asarray(threshold),
        "sharpness": np.asarray(SURE / room),
    }
    head.load_state_dict({name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in values.items()})
    return head


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
