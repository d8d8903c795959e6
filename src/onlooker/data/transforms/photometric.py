"""Changes of colour and light, defined as Pillow defines them, frame by frame on uint8 clips."""

from __future__ import annotations

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional

from onlooker.data.transforms.values import to_uint8

Clip = UInt8[Tensor, "*batch 3 height width"]

LUMA = (0.299, 0.587, 0.114)


def brightness(clip: Clip, factor: float) -> Clip:
    """0 is black, 1 the clip."""
    return to_uint8(clip.float() * factor)


def contrast(clip: Clip, factor: float) -> Clip:
    """0 is the mean grey of each frame, 1 the clip."""
    mean = _grey(clip).mean(dim=(-2, -1), keepdim=True).round()
    return _blend(mean, clip, factor)


def colour(clip: Clip, factor: float) -> Clip:
    """0 is grey, 1 the clip."""
    return _blend(_grey(clip), clip, factor)


def sharpness(clip: Clip, factor: float) -> Clip:
    """0 is smoothed, 1 the clip; the outermost pixels stay."""
    kernel = torch.tensor([[1.0, 1, 1], [1, 5, 1], [1, 1, 1]], device=clip.device).div(13).view(1, 1, 3, 3)
    flat = clip.reshape(-1, 1, *clip.shape[-2:]).float()
    smooth = flat.clone()
    if min(clip.shape[-2:]) > 2:
        smooth[..., 1:-1, 1:-1] = functional.conv2d(flat, kernel).round()
    return _blend(smooth.reshape(clip.shape), clip, factor)


def posterize(clip: Clip, bits: int) -> Clip:
    """Only the `bits` highest bits of each value."""
    return torch.bitwise_and(clip, 256 - 2 ** (8 - bits))


def solarize(clip: Clip, threshold: float) -> Clip:
    """Values from `threshold` on turned into their negative."""
    return torch.where(clip.float() < threshold, clip, 255 - clip)


def autocontrast(clip: Clip) -> Clip:
    """Each channel of each frame stretched to 0 to 255."""
    values = clip.int()
    low, high = values.amin(dim=(-2, -1), keepdim=True), values.amax(dim=(-2, -1), keepdim=True)
    # Pillow's table holds whole numbers too, cut off rather than rounded
    stretched = (values - low) * 255 // (high - low).clamp(min=1)
    return torch.where(high > low, stretched, values).to(torch.uint8)


def equalize(clip: Clip) -> Clip:
    """Each channel of each frame with an even histogram."""
    flat = clip.reshape(-1, clip.shape[-2] * clip.shape[-1]).long()
    counts = torch.zeros(len(flat), 256, dtype=torch.long, device=clip.device)
    counts.scatter_add_(1, flat, torch.ones_like(flat))
    highest = flat.amax(dim=1, keepdim=True)
    step = (flat.shape[1] - counts.gather(1, highest)) // 255
    before = counts.cumsum(dim=1) - counts
    table = ((step // 2 + before) // step.clamp(min=1)).clamp(max=255)
    equal = torch.where(step > 0, table.gather(1, flat), flat)
    return equal.to(torch.uint8).reshape(clip.shape)


def _grey(clip: Clip) -> Tensor:
    weights = torch.tensor(LUMA, device=clip.device).view(3, 1, 1)
    return (clip.float() * weights).sum(dim=-3, keepdim=True).round()


def _blend(other: Tensor, clip: Clip, factor: float) -> Clip:
    return to_uint8(other + (clip.float() - other) * factor)
