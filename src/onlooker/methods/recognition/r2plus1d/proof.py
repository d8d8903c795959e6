"""The experiment: a 3-D convolution against its factors with as many parameters.

Half a clip shows one of three outlined shapes, the other half one of three, at a new place in every frame, over noise;
the label is which came first and which followed. Nothing moves along a path: a network must name a shape before it can
say what changed over time, which is what more non-linear layers between space and time are for. Both networks have the
form of the paper's 18 layers (basic blocks, the stem split or whole), the same data, batches and steps.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, compare, noisy, outlines, painted
from onlooker.methods.recognition.r2plus1d.config import Config
from onlooker.methods.recognition.r2plus1d.model import R2Plus1d

CLAIM = Claim(
    mechanism="r2plus1d",
    baseline="r3d",
    text="accuracy on which shape follows which (chance 0.111): split against full 3-D convolutions, parameters alike",
    paper="arXiv:1711.11248: R(2+1)D has lower training and test error than R3D at the same number of parameters",
)

SHAPES, SIDE = 3, 5
CONFIG = Config(
    frames=4,
    size=12,
    channels=1,
    width=8,
    depths=(2, 2),
    block="basic",
    form="space_first",
    # so many channels that the stem has the parameters of the full 3x7x7 one
    stem_inner=16,
    spatial_strides=(1, 2),
    temporal_strides=(1, 2),
    dropout=0.0,
    classes=SHAPES**2,
)
STEPS = {"r2plus1d": 250, "r3d": 250}
RATE = 1e-2
TRAIN, TEST = 4096, 512
NOISE = 0.2


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`r2plus1d` or `r3d`."""
    config = CONFIG if name == "r2plus1d" else replace(CONFIG, form="full", stem_inner=0, stem_time=3)
    return R2Plus1d(config, generator=generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Accuracies of one seed on test clips, and on training clips (`_train`).

    >>> sorted(run(0))  # doctest: +SKIP
    ['r2plus1d', 'r2plus1d_train', 'r3d', 'r3d_train']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    return compare(STEPS, make_model, clips.to(device), labels.to(device), train=TRAIN, seed=seed, rate=RATE)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Two shapes after each other; the label is SHAPES * first + second."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(SHAPES**2, (count,), generator=generator)
    late = torch.arange(CONFIG.frames) >= CONFIG.frames // 2
    shown = torch.where(late, labels[:, None] % SHAPES, labels[:, None] // SHAPES)
    place = torch.randint(CONFIG.size - SIDE + 1, (2, count, CONFIG.frames), generator=generator).float()
    clips = painted(outlines(SIDE)[shown], *place, size=CONFIG.size)
    return noisy(clips, NOISE, generator), labels
