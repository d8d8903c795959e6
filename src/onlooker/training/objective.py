"""What is minimised: one function of model and batch, so that the loop knows nothing of the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from onlooker.training.batches import Batch, normalise
from onlooker.training.mixing import binary_cross_entropy, mix, smooth_targets, soft_cross_entropy
from onlooker.training.recipe import Augment
from onlooker.weights.inputs import InputSpec

Objective = Callable[[nn.Module, Batch, torch.Generator], Tensor]
"""(model, batch, generator) -> the batch's mean loss; `generator` is on the CPU and differs from batch to batch."""


def classification(spec: InputSpec, augment: Augment, classes: int) -> Objective:
    """Cross-entropy with label smoothing, mixup and CutMix as the recipe says; for pictures with targets of their own,
    what the model's `training_loss` makes of them."""

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        if "images" in batch:
            return _own_loss(model, batch, spec)
        clips = normalise(batch["clips"], spec)
        targets = smooth_targets(batch["labels"], classes, augment.label_smoothing)
        clips, targets = mix(clips, targets, mixup=augment.mixup, cutmix=augment.cutmix, generator=generator)
        return _of_all_answers(model, clips, lambda logits: soft_cross_entropy(logits, targets))

    return loss


def multi_label(spec: InputSpec, augment: Augment) -> Objective:
    """Binary cross-entropy of each class, with mixup and CutMix as the recipe says."""

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        clips, targets = normalise(batch["clips"], spec), batch["labels"]
        clips, targets = mix(clips, targets, mixup=augment.mixup, cutmix=augment.cutmix, generator=generator)
        return _of_all_answers(model, clips, lambda logits: binary_cross_entropy(logits, targets))

    return loss


def _of_all_answers(model: nn.Module, clips: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """The loss of the model's answer and, for a model with an `auxiliary_weight`, that much of the loss of each answer
    of its earlier layers: `forward(clips, auxiliary=True)` is (logits, list of logits)."""
    inside: Any = getattr(model, "module", model)
    weight: float = getattr(inside, "auxiliary_weight", 0.0)
    if not weight:
        return loss(model(clips))
    logits, others = model(clips, auxiliary=True)
    total = loss(logits)
    for other in others:
        total = total + weight * loss(other)
    return total


def _own_loss(model: nn.Module, batch: Batch, spec: InputSpec) -> Tensor:
    """Through the wrapped model, so that processes exchange their gradients; the loss belongs to the model inside."""
    outputs = model(normalise(batch["images"], spec))
    inside: Any = getattr(model, "module", model)
    loss: Tensor = inside.training_loss(outputs, batch)
    return loss
