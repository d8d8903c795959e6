"""The experiment: a 3-D convolution against its factors with as many parameters.

A square moves in one of eight directions over noise. Both networks have the same blocks, data, batches and steps; in
one each 3x3x3 convolution is a spatial and a temporal one with norm and ReLU between.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, compare, noisy, squares
from onlooker.methods.recognition.r2plus1d.config import Config
from onlooker.methods.recognition.r2plus1d.model import R2Plus1d

CLAIM = Claim(
    mechanism="r2plus1d",
    baseline="r3d",
    text="accuracy on eight directions of motion (chance 0.125): split against full 3-D convolutions, parameters alike",
    paper="arXiv:1711.11248: R(2+1)D is more accurate than R3D at the same number of parameters",
)

CONFIG = Config(
    frames=6,
    size=32,
    channels=1,
    width=12,
    depths=(1, 1),
    block="basic",
    form="space_first",
    spatial_strides=(2, 2),
    temporal_strides=(1, 2),
    dropout=0.0,
    classes=8,
)
STEPS = {"r2plus1d": 200, "r3d": 200}
TRAIN, TEST = 1024, 512
SQUARE, NOISE = 8, 0.3


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`r2plus1d` or `r3d`."""
    config = CONFIG if name == "r2plus1d" else replace(CONFIG, form="full")
    return R2Plus1d(config, generator=generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['r2plus1d', 'r3d']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    return compare(STEPS, make_model, clips.to(device), labels.to(device), train=TRAIN, seed=seed)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Squares at one to two and a half pixels a frame; the label is the direction in steps of 45 degrees."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(8, (count,), generator=generator)
    start = CONFIG.size * torch.rand(count, 2, 1, generator=generator)
    speed = 1 + 1.5 * torch.rand(count, 1, generator=generator)
    angle = labels[:, None] * math.pi / 4
    way = speed * torch.arange(float(CONFIG.frames))
    rows, columns = start[:, 0] + way * angle.sin(), start[:, 1] + way * angle.cos()
    return noisy(squares(rows, columns, size=CONFIG.size, side=SQUARE), NOISE, generator), labels
