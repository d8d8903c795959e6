"""From stored to normalised values, as late as possible: uint8 takes a quarter of the memory of float32."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

MEAN, STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
"""What the zoo of PyTorchVideo (arXiv:2111.09887) was trained with."""


def to_float(clip: UInt8[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """uint8 of 0 to 255 to float32 of 0 to 1; float values of 0 to 255 are divided alike.

    >>> to_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    return clip.float() / 255


def to_uint8(clip: Tensor) -> UInt8[Tensor, "*any"]:
    """Values of 0 to 255 rounded and cut to uint8."""
    return clip if clip.dtype == torch.uint8 else clip.round().clamp(0, 255).to(torch.uint8)


def normalise(
    clip: Float[Tensor, "*batch 3 height width"], mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> Float[Tensor, "*batch 3 height width"]:
    """(clip - mean) / std for each channel; `clip` has values of 0 to 1.

    >>> normalise(torch.full((1, 3, 1, 1), 0.9)).flatten().tolist()
    [2.0, 2.0, 2.0]
    """
    means, stds = (torch.tensor(values, device=clip.device).view(3, 1, 1) for values in (mean, std))
    return (clip - means) / stds
