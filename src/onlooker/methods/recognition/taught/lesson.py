"""From features of examples to a classifier: what varies within an action, its mean, and when it is none of them.

Thresholds between known and unknown follow from how alike the examples of an action are, in a way that was found with
many actions (see `background`). Where there is no background, one threshold is found by trying: every action in turn
plays the stranger while the others are learned without it, and every group of examples (the copies of one moment) is
judged by what the others taught.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.taught.background import Background
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
    best cosines of what is none of the actions; `right` is the share of examples that find their action, `thresholds`
    are the cosines from which on each is believed, `confused` who is taken for whom how often."""

    head: Head
    genuine: Mapping[str, Floats]
    strange: Floats
    right: float
    thresholds: Mapping[str, float]
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
    background: Background | None = None,
) -> Lesson:
    """A head for the actions in `examples`, features by action, in the order given.

    `groups` says which vectors of an action belong together (copies of one moment): they are held out together.
    `mirrored` says which vectors are mirror images: an action's other side has a mean of its own, and being like either
    counts. `strangers` are features of what is none of the actions, where there are some. `background` is what the
    backbone's features look like elsewhere. Without it, with fewer than three actions and without strangers the
    threshold is a guess from the examples alone (`calibrated` is false). Raises ConfigError for no action, one without
    examples, and features that are not finite.
    """
    held = {label: _folds((groups or {}).get(label, range(len(rows)))) for label, rows in examples.items()}
    known = {label: _usable(label, rows, background) for label, rows in examples.items()}
    if not known:
        raise ConfigError("no action to learn: give examples of at least one.")
    foreign = [] if strangers is None or not len(strangers) else [_unit(_scaled(strangers, background))]
    basis = _basis([*known.values(), *foreign, *([] if background is None else [background.mean[None]])])
    known = {label: rows @ basis.T for label, rows in known.items()}
    beside = None if background is None else replace(background, mean=background.mean @ basis.T)
    sides = {label: np.asarray((mirrored or {}).get(label, [False] * len(rows)), bool) for label, rows in known.items()}
    space = _space(known, sides, beside)
    genuine, right, confused = _genuine(known, sides, held, beside)
    tried = [space.cosines(rows @ basis.T) for rows in foreign]
    strange = [cosines.max(1) for cosines in tried] + (_strange(known, sides, beside) if len(known) > 2 else [])
    if background is None:
        same = _threshold(np.concatenate(list(genuine.values())) if genuine else np.ones(1), strange)
        thresholds = dict.fromkeys(known, same)
    else:
        thresholds = {
            label: _beside(background, genuine.get(label), [cosines[:, at] for cosines in tried])
            for at, label in enumerate(known)
        }
    return Lesson(
        head=_head(space, basis, thresholds, genuine, background),
        genuine=genuine,
        strange=np.concatenate(strange) if strange else np.zeros(0),
        right=right,
        thresholds=thresholds,
        calibrated=bool(strange) or background is not None,
        confused=confused,
    )


def _beside(background: Background, genuine: Floats | None, tried: Sequence[Floats]) -> float:
    """The threshold of one action, higher where strangers that were given are like it."""
    least = background.threshold(genuine)
    return max(least, _threshold(genuine, tried)) if tried and genuine is not None else least


def _usable(label: str, rows: NDArray[Any], background: Background | None) -> Floats:
    """Unit vectors. Raises ConfigError."""
    if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all():
        raise ConfigError(f"{label}: no usable example (features of shape {rows.shape}). Give other clips of it.")
    return _unit(_scaled(rows, background))


def _scaled(rows: NDArray[Any], background: Background | None) -> Floats:
    given = np.asarray(rows, np.float64)
    return given if background is None else given * background.scale


def _strange(
    known: Mapping[str, Floats], sides: Mapping[str, NDArray[np.bool_]], beside: Background | None
) -> list[Floats]:
    """The best cosines of each action's examples where only the others were learned."""
    found = []
    for label in known:
        others = _space({name: rows for name, rows in known.items() if name != label}, sides, beside)
        found.append(others.cosines(known[label]).max(1))
    return found


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


def _space(known: Mapping[str, Floats], sides: Mapping[str, NDArray[np.bool_]], beside: Background | None) -> _Space:
    """The centre of all actions (and of what lies `beside` them), the directions in which examples of one side of one
    vary, and the means of each."""
    count = 2 if all(0 < sides[label].sum() < len(sides[label]) for label in known) else 1
    actions = [rows for label, own in known.items() for rows in (own[~sides[label]], own[sides[label]])[:count]]
    if count == 1:
        actions = list(known.values())
    unit = [_unit(rows) for rows in actions]
    centre = np.mean([rows.mean(0) for rows in unit], axis=0)
    if beside is not None:
        centre = np.average([centre, beside.mean], axis=0, weights=[len(known), beside.weight(len(known))])
    elif len(known) == 1:
        centre = np.zeros_like(centre)  # it has no place among others: its vectors are compared as they are
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
    known: Mapping[str, Floats],
    sides: Mapping[str, NDArray[np.bool_]],
    folds: Mapping[str, NDArray[np.intp]],
    beside: Background | None,
) -> tuple[dict[str, Floats], float, tuple[tuple[str, str, int], ...]]:
    """Cosines of held-out examples to their own action, the share that finds it, and who is taken for whom."""
    labels = list(known)
    cosines: dict[str, Floats] = {}
    wrong: dict[tuple[str, str], int] = {}
    for own, label in enumerate(labels):
        number = folds[label]
        parts = [number == fold for fold in range(number.max() + 1)]
        if len(parts) == 1:  # copies of a single moment: each is held out alone
            parts = [np.arange(len(number)) == at for at in range(len(number))] if len(number) > 1 else []
        seen = []
        for out in parts:
            space = _space({**known, label: known[label][~out]}, {**sides, label: sides[label][~out]}, beside)
            found = space.cosines(known[label][out])
            seen.append(found[:, own])
            for best in found.argmax(1).tolist():
                if best != own:
                    wrong[label, labels[best]] = wrong.get((label, labels[best]), 0) + 1
        if seen:
            cosines[label] = np.concatenate(seen)
    total = max(sum(map(len, cosines.values())), 1)
    pairs = sorted(((a, b, count) for (a, b), count in wrong.items()), key=lambda item: (-item[2], item[:2]))
    return cosines, 1 - sum(wrong.values()) / total, tuple(pairs)


def _threshold(genuine: Floats, tried: Sequence[Floats]) -> float:
    """A third of the way from a strong stranger to a weak example; where those overlap, where as many of either err.

    Nearer to the strangers, because held-out examples are judged by a lesson with fewer of them: they look less like
    their action than later clips will, while a stranger looks like no action the less for it.
    """
    if not tried:
        return WITHOUT_STRANGERS * float(np.median(genuine))
    strange = np.concatenate(tried)
    strong, weak = float(np.quantile(strange, 0.95)), float(np.quantile(genuine, 0.1))
    if weak > strong:
        return strong + (weak - strong) / 3
    places = np.unique(np.concatenate((genuine, strange)))
    missed = np.searchsorted(np.sort(genuine), places, side="left") / len(genuine)
    taken = 1 - np.searchsorted(np.sort(strange), places, side="left") / len(strange)
    return float(places[np.abs(missed - taken).argmin()])


def _head(
    space: _Space,
    basis: Floats,
    thresholds: Mapping[str, float],
    genuine: Mapping[str, Floats],
    background: Background | None,
) -> Head:
    actions = len(thresholds)
    head = Head(basis.shape[1], actions, len(space.nuisance), space.sides, background=background is not None)
    each = np.asarray(list(thresholds.values()))
    above = [cosines - thresholds[label] for label, cosines in genuine.items()] or [1 - each]
    room = max(float(np.median(np.concatenate(above))), LEAST_ROOM)
    values = {
        "centre": space.centre @ basis,
        "means": space.means @ basis,
        "nuisance": space.nuisance @ basis,
        "gains": space.gains,
        "threshold": each[0] if background is None else each,
        "sharpness": np.asarray(SURE / room),
    }
    if background is not None:
        values["scale"] = background.scale
    head.load_state_dict({name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in values.items()})
    return head


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
