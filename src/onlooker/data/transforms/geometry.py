"""Sizes, crops and flips; the same for all frames of a clip unless said."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Generator, Tensor
from torch.nn import functional

from onlooker.errors import ConfigError

Pixels = Shaped[Tensor, "*batch height width"]


class Box(NamedTuple):
    """A part of a picture in pixels."""

    top: int
    left: int
    height: int
    width: int


def resize(clip: Pixels, height: int, width: int, *, antialias: bool = False) -> Pixels:
    """Bilinear, corners not aligned; uint8 stays uint8."""
    if clip.shape[-2:] == (height, width):
        return clip
    flat = clip.reshape(-1, 1, *clip.shape[-2:])
    # uint8 is interpolated as it is on the CPU only
    work = flat.float() if clip.dtype == torch.uint8 and clip.device.type != "cpu" else flat
    out = functional.interpolate(work, (height, width), mode="bilinear", align_corners=False, antialias=antialias)
    if out.dtype != clip.dtype:
        out = out.round().clamp(0, 255).to(clip.dtype)
    return out.reshape(*clip.shape[:-2], height, width)


def short_side_scale(clip: Pixels, size: int, *, antialias: bool = False) -> Pixels:
    """The short side becomes `size`, the other side in proportion, rounded down.

    >>> short_side_scale(torch.zeros(2, 3, 30, 46), 24).shape
    torch.Size([2, 3, 24, 36])
    """
    height, width = clip.shape[-2:]
    if width < height:
        return resize(clip, height * size // width, size, antialias=antialias)
    return resize(clip, size, width * size // height, antialias=antialias)


def random_short_side(clip: Pixels, low: int, high: int, generator: Generator) -> Pixels:
    """A short side drawn evenly from `low` to `high`, both included."""
    return short_side_scale(clip, _integer(low, high + 1, generator))


def crop(clip: Pixels, box: Box) -> Pixels:
    """A part of each frame (shares memory). Raises ConfigError for one that reaches outside."""
    height, width = clip.shape[-2:]
    if min(box) < 0 or min(box[2:]) < 1 or box.top + box.height > height or box.left + box.width > width:
        raise ConfigError(f"a crop of {tuple(box)} (top, left, height, width) does not fit {height} x {width} pixels.")
    return clip[..., box.top : box.top + box.height, box.left : box.left + box.width]


def center_crop(clip: Pixels, size: int) -> Pixels:
    """A square from the middle."""
    return uniform_crop(clip, size, 1)


def uniform_crop(clip: Pixels, size: int, place: int) -> Pixels:
    """A square at the beginning (`place` 0), middle (1) or end (2) of the long side, in the middle of the other one.

    >>> uniform_crop(torch.arange(6).view(1, 1, 6), 1, 2).flatten().tolist()
    [5]
    """
    if place not in (0, 1, 2):
        raise ConfigError(f"a uniform crop lies at place 0, 1 or 2, not {place!r}.")
    spare = [space - size for space in clip.shape[-2:]]
    corner = [-(-space // 2) for space in spare]
    along = 0 if spare[0] > spare[1] else 1
    corner[along] = (0, corner[along], spare[along])[place]
    return crop(clip, Box(corner[0], corner[1], size, size))


def random_crop(clip: Pixels, size: int, generator: Generator) -> Pixels:
    """A square from anywhere."""
    height, width = clip.shape[-2:]
    top, left = (_integer(0, max(space - size, 0) + 1, generator) for space in (height, width))
    return crop(clip, Box(top, left, size, size))


def flip(clip: Pixels, probability: float, generator: Generator) -> Pixels:
    """Left and right exchanged with a probability."""
    return clip.flip(-1) if float(torch.rand((), generator=generator)) < probability else clip


def random_resized_crop(
    clip: Shaped[Tensor, "time channel height width"],
    size: int,
    generator: Generator,
    *,
    area: tuple[float, float] = (0.08, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
    shift: bool = False,
) -> Shaped[Tensor, "time channel size size"]:
    """A part with a random share of the area and a random width to height, made square (arXiv:1409.4842).

    With `shift` a second part is drawn, and the crop moves from one to the other in even steps over the clip.
    """
    height, width = clip.shape[-2:]
    first = random_box(height, width, generator, area=area, aspect=aspect)
    if not shift:
        return resize(crop(clip, first), size, size)
    last = random_box(height, width, generator, area=area, aspect=aspect)
    steps = max(len(clip) - 1, 1)
    boxes = [Box(*(round(a + (b - a) * i / steps) for a, b in zip(first, last, strict=True))) for i in range(len(clip))]
    return torch.stack([resize(crop(frame, box), size, size) for frame, box in zip(clip, boxes, strict=True)])


def random_box(
    height: int, width: int, generator: Generator, *, area: tuple[float, float], aspect: tuple[float, float]
) -> Box:
    """A part of a picture; after ten draws that do not fit the largest central one of an allowed aspect."""
    for _ in range(10):
        share = _uniform(*area, generator) * height * width
        ratio = math.exp(_uniform(math.log(aspect[0]), math.log(aspect[1]), generator))
        wide, tall = round(math.sqrt(share * ratio)), round(math.sqrt(share / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            return Box(_integer(0, height - tall + 1, generator), _integer(0, width - wide + 1, generator), tall, wide)
    ratio = min(max(width / height, aspect[0]), aspect[1])
    tall, wide = min(height, round(width / ratio)), min(width, round(height * ratio))
    return Box((height - tall) // 2, (width - wide) // 2, tall, wide)


def _uniform(low: float, high: float, generator: Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def _integer(low: int, high: int, generator: Generator) -> int:
    return int(torch.randint(low, high, (), generator=generator))
