"""Small classes around the functions, so that steps can be listed and chained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from onlooker.data.transforms import geometry
from onlooker.data.transforms.augmix import augmix
from onlooker.data.transforms.randaugment import rand_augment


class Step(Protocol):
    """Clip to clip, all chance from the generator."""

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps one after the other."""

    steps: Sequence[Step]

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        for step in self.steps:
            clip = step(clip, generator)
        return clip


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several steps, drawn with the given weights (equal ones by default)."""

    steps: Sequence[Step]
    weights: Sequence[float] = ()

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        weights = torch.tensor(self.weights or [1.0] * len(self.steps))
        return self.steps[int(torch.multinomial(weights, 1, generator=generator))](clip, generator)


@dataclass(frozen=True, slots=True)
class ShortSide:
    """`short_side_scale`."""

    size: int

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        del generator
        return geometry.short_side_scale(clip, self.size)


@dataclass(frozen=True, slots=True)
class RandomShortSide:
    """`random_short_side`."""

    low: int
    high: int

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return geometry.random_short_side(clip, self.low, self.high, generator)


@dataclass(frozen=True, slots=True)
class RandomCrop:
    """`random_crop`."""

    size: int

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return geometry.random_crop(clip, self.size, generator)


@dataclass(frozen=True, slots=True)
class CenterCrop:
    """`center_crop`."""

    size: int

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        del generator
        return geometry.center_crop(clip, self.size)


@dataclass(frozen=True, slots=True)
class UniformCrop:
    """`uniform_crop`."""

    size: int
    place: int

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        del generator
        return geometry.uniform_crop(clip, self.size, self.place)


@dataclass(frozen=True, slots=True)
class RandomResizedCrop:
    """`random_resized_crop`."""

    size: int
    area: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    shift: bool = False

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return geometry.random_resized_crop(
            clip, self.size, generator, area=self.area, aspect=self.aspect, shift=self.shift
        )


@dataclass(frozen=True, slots=True)
class Flip:
    """`flip`."""

    probability: float = 0.5

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return geometry.flip(clip, self.probability, generator)


@dataclass(frozen=True, slots=True)
class RandAugment:
    """`rand_augment`."""

    operations: int = 2
    strength: float = 9.0
    spread: float = 0.0

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return rand_augment(clip, generator, operations=self.operations, strength=self.strength, spread=self.spread)


@dataclass(frozen=True, slots=True)
class AugMix:
    """`augmix`."""

    chains: int = 3
    strength: float = 3.0
    alpha: float = 1.0

    def __call__(self, clip: Tensor, generator: Generator) -> Tensor:
        return augmix(clip, generator, chains=self.chains, strength=self.strength, alpha=self.alpha)


def training_transform(size: int, *, short_side: tuple[int, int], flip: float = 0.5) -> Chain:
    """Random size, random crop, flip: what most recipes on Kinetics do.

    >>> transform = training_transform(32, short_side=(36, 48))
    >>> transform(torch.zeros(4, 3, 60, 80, dtype=torch.uint8), torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3, 32, 32])
    """
    return Chain([RandomShortSide(*short_side), RandomCrop(size), Flip(flip)])


def evaluation_transform(size: int, *, short_side: int, place: int = 1) -> Chain:
    """One size, and the crop at one of three places."""
    return Chain([ShortSide(short_side), UniformCrop(size, place)])
