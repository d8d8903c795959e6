"""AugMix (arXiv:1912.02781): several short chains of operations, mixed with each other and with the clip."""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from onlooker.data.transforms.operations import apply
from onlooker.data.transforms.values import to_uint8

Clip = UInt8[Tensor, "*batch 3 height width"]

NAMES = (
    "autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y", "translate_x", "translate_y",
)  # fmt: skip
"""The paper leaves out what its test of robustness uses: colour, contrast, brightness, sharpness."""


def augmix(clip: Clip, generator: Generator, *, chains: int = 3, strength: float = 3.0, alpha: float = 1.0) -> Clip:
    """`chains` chains of one to three operations of strengths up to `strength`; Dirichlet(`alpha`) weights for the
    chains, Beta(`alpha`, `alpha`) for the clip."""
    weights = _gammas(alpha, chains, generator)
    own, others = _gammas(alpha, 2, generator).tolist()
    mixed = torch.zeros(clip.shape, device=clip.device)
    for weight in weights.tolist():
        changed = clip
        for _ in range(int(torch.randint(1, 4, (), generator=generator))):
            name = NAMES[int(torch.randint(len(NAMES), (), generator=generator))]
            changed = apply(changed, name, strength * float(torch.rand((), generator=generator)), generator)
        mixed += weight * changed.float()
    return to_uint8(own * clip.float() + others * mixed)


def _gammas(alpha: float, count: int, generator: Generator) -> Tensor:
    """Dirichlet weights: independent Gamma numbers over their sum."""
    numbers = torch._standard_gamma(torch.full((count,), alpha, dtype=torch.float64), generator=generator)
    return numbers / numbers.sum().clamp(min=1e-12)
