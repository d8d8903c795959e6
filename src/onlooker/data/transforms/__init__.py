"""What is done to clips before a model sees them: pure functions on tensors, and small classes that chain them.

A clip is `(time, channel, height, width)`, RGB, and stays uint8 until `to_float`; everything also takes leading batch
dimensions, and float values of 0 to 255. All chance comes from a `torch.Generator`.
"""

from __future__ import annotations

from onlooker.data.transforms.augmix import augmix
from onlooker.data.transforms.geometry import (
    center_crop,
    crop,
    flip,
    random_crop,
    random_resized_crop,
    random_short_side,
    resize,
    short_side_scale,
    uniform_crop,
)
from onlooker.data.transforms.pipeline import (
    AugMix,
    CenterCrop,
    Chain,
    Flip,
    OneOf,
    RandAugment,
    RandomCrop,
    RandomResizedCrop,
    RandomShortSide,
    ShortSide,
    UniformCrop,
    evaluation_transform,
    training_transform,
)
from onlooker.data.transforms.randaugment import rand_augment
from onlooker.data.transforms.time import pathways, uniform_subsample
from onlooker.data.transforms.values import normalise, to_float, to_uint8

__all__ = [
    "AugMix",
    "CenterCrop",
    "Chain",
    "Flip",
    "OneOf",
    "RandAugment",
    "RandomCrop",
    "RandomResizedCrop",
    "RandomShortSide",
    "ShortSide",
    "UniformCrop",
    "augmix",
    "center_crop",
    "crop",
    "flip",
    "normalise",
    "pathways",
    "rand_augment",
    "random_crop",
    "random_resized_crop",
    "random_short_side",
    "resize",
    "short_side_scale",
    "evaluation_transform",
    "to_float",
    "to_uint8",
    "training_transform",
    "uniform_crop",
    "uniform_subsample",
]
