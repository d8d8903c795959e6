"""What is minimised: the penalty-reduced focal loss of the heat map and a weighted GIoU of the boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

BOXES = 5.0  # weight of the boxes beside the heat map, as in TTFNet (arXiv:1909.00700, section 4)


@dataclass(frozen=True, slots=True)
class Parts:
    """The total and what it is made of."""

    heat: Float[Tensor, ""]
    boxes: Float[Tensor, ""]

    @property
    def total(self) -> Float[Tensor, ""]:
        """Their weighted sum."""
        return self.heat + BOXES * self.boxes


def detection_loss(outputs: Float[Tensor, "batch outputs rows columns"], batch: Mapping[str, Tensor]) -> Parts:
    """`batch` holds what `targets.make_targets` makes, stacked: `heat`, `keep`, `sides`, `weight`.

    >>> from onlooker.methods.detection.small_people.targets import make_targets
    >>> import numpy as np
    >>> made = make_targets(np.array([[8.0, 8, 40, 56]]), np.zeros((0, 4)), (64, 64))
    >>> batch = {name: torch.from_numpy(value)[None] for name, value in made.items()}
    >>> perfect = torch.cat([(batch["heat"] == 1) * 40.0 - 20, batch["sides"].clamp(min=0.1)], 1)
    >>> float(detection_loss(perfect, batch).total) < 1e-3
    True
    """
    sides = batch["sides"].shape[1]
    logits, distances = outputs[:, :-sides].float(), outputs[:, -sides:].float()
    people = (batch["weight"].sum((1, 2))).sum().clamp(min=1.0)
    heat = focal(logits, batch["heat"], batch["keep"]) / people
    overlap = giou(distances, batch["sides"])
    boxes = ((1 - overlap) * batch["weight"]).sum() / people
    return Parts(heat, boxes)


def focal(
    logits: Float[Tensor, "batch classes rows columns"],
    heat: Float[Tensor, "batch classes rows columns"],
    keep: Float[Tensor, "batch rows columns"],
) -> Float[Tensor, ""]:
    """Eq. 1 of arXiv:1904.07850 with alpha 2, beta 4, summed; cells with `keep` 0 do not count."""
    chance = logits.sigmoid()
    middle = (heat == 1).float()
    right = middle * (1 - chance) ** 2 * functional.logsigmoid(logits)
    wrong = (1 - middle) * (1 - heat) ** 4 * chance**2 * functional.logsigmoid(-logits)
    return -((right + wrong) * keep[:, None]).sum()


def giou(
    ours: Float[Tensor, "batch 4 rows columns"], truth: Float[Tensor, "batch 4 rows columns"]
) -> Float[Tensor, "batch rows columns"]:
    """Generalised IoU (arXiv:1902.09630) of two boxes around the same cell, given by their distances from it."""
    smaller, larger = torch.minimum(ours, truth), torch.maximum(ours, truth)
    inter = _area(smaller).clamp(min=0)
    union = _area(ours) + _area(truth) - inter
    hull = _area(larger).clamp(min=1e-6)
    return inter / union.clamp(min=1e-6) - (hull - union) / hull


def _area(sides: Tensor) -> Tensor:
    left, top, right, bottom = sides.unbind(1)
    return (left + right) * (top + bottom)
