"""Mixup and CutMix on clips, label smoothing, and the losses of the soft targets that they make."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

Clips = Float[Tensor, "batch time channel height width"]


def smooth_targets(labels: Int[Tensor, " batch"], classes: int, smoothing: float) -> Float[Tensor, "batch classes"]:
    """One-hot targets of which `smoothing` is spread evenly over all classes (arXiv:1512.00567, section 7).

    >>> smooth_targets(torch.tensor([1]), 2, 0.25).tolist()
    [[0.125, 0.875]]
    """
    return functional.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes


def mix(
    clips: Clips, targets: Float[Tensor, "batch classes"], *, mixup: float, cutmix: float, generator: torch.Generator
) -> tuple[Clips, Float[Tensor, "batch classes"]]:
    """Mix each clip with the next one of the batch, and the targets in the same proportion.

    `mixup` and `cutmix` are the parameters of their Beta distributions, 0 for off; with both on, a fair coin decides
    per batch. A cut box is the same in all frames (arXiv:1710.09412, arXiv:1905.04899). `generator` is on the CPU.
    """
    if (mixup == 0 and cutmix == 0) or len(clips) < 2:
        return clips, targets
    cut = cutmix > 0 and (mixup == 0 or float(torch.rand((), generator=generator)) < 0.5)
    share = _beta(cutmix if cut else mixup, generator)
    others = clips.roll(1, dims=0)
    if cut:
        top, bottom, left, right = _box(clips.shape[-2], clips.shape[-1], share, generator)
        clips = clips.clone()
        clips[..., top:bottom, left:right] = others[..., top:bottom, left:right]
        # the box is cut off at the border, so its true share counts
        share = 1 - (bottom - top) * (right - left) / (clips.shape[-2] * clips.shape[-1])
    else:
        clips = clips * share + others * (1 - share)
    return clips, targets * share + targets.roll(1, dims=0) * (1 - share)


def _beta(alpha: float, generator: torch.Generator) -> float:
    one, two = (torch._standard_gamma(torch.tensor(alpha), generator=generator) for _ in range(2))
    return float(one / (one + two)) if float(one + two) > 0 else 0.5


def _box(height: int, width: int, share: float, generator: torch.Generator) -> tuple[int, int, int, int]:
    side = math.sqrt(1 - share)
    tall, wide = int(height * side), int(width * side)
    row = int(torch.randint(height, (), generator=generator))
    column = int(torch.randint(width, (), generator=generator))
    top, left = max(row - tall // 2, 0), max(column - wide // 2, 0)
    return top, min(row + (tall + 1) // 2, height), left, min(column + (wide + 1) // 2, width)


def soft_cross_entropy(
    logits: Float[Tensor, "batch classes"], targets: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """Mean cross-entropy against targets that are distributions, in float32."""
    return functional.cross_entropy(logits.float(), targets)


def binary_cross_entropy(
    logits: Float[Tensor, "batch classes"], targets: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """Mean over batch and classes of each class's own cross-entropy, in float32."""
    return functional.binary_cross_entropy_with_logits(logits.float(), targets)
