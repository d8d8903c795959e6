"""RandAugment (arXiv:1909.13719): a few random operations, all of one strength."""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from onlooker.data.transforms.operations import OPERATIONS, STRONGEST, apply

Clip = UInt8[Tensor, "*batch 3 height width"]

NAMES = tuple(OPERATIONS)


def rand_augment(
    clip: Clip, generator: Generator, *, operations: int = 2, strength: float = 9.0, spread: float = 0.0
) -> Clip:
    """`operations` draws from the fourteen, one after the other, the same for all frames.

    `strength` is 0 to 10; with `spread` each operation's strength varies normally about it.
    """
    for choice in torch.randint(len(NAMES), (operations,), generator=generator).tolist():
        varied = strength + spread * float(torch.randn((), generator=generator))
        clip = apply(clip, NAMES[choice], min(max(varied, 0.0), STRONGEST), generator)
    return clip
