"""The experiment: what depthwise 3-D convolutions learn with the multiply-adds that they save.

One of four outlined shapes moves in one of eight directions over noise; the label is both. The blocks of one network
convolve depthwise, those of the other over all channels, and it is narrower, so that a clip costs both the same (the
baseline no less). Stem, depth, data, batches and steps are alike.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, compare, noisy, outlines, painted
from onlooker.methods.recognition.csn.config import Config
from onlooker.methods.recognition.csn.model import CSN

CLAIM = Claim(
    mechanism="csn",
    baseline="full",
    text="accuracy on four shapes times eight directions (chance 0.031): depthwise against narrower full convolutions "
    "of the same cost per clip",
    paper="arXiv:1904.02811: channel-separated networks are more accurate than full ones of the same cost",
    seeds=6,
)

SHAPES, DIRECTIONS, SIDE = 4, 8, 7
CONFIG = Config(frames=6, size=24, channels=1, width=16, depths=(1, 1), dropout=0.0, classes=SHAPES * DIRECTIONS)
FULL_WIDTH = 12
STEPS = {"csn": 500, "full": 500}
RATE, TRAININGS = 1e-2, 3
TRAIN, TEST = 4096, 512
NOISE = 0.2


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`csn`, or `full`, narrower, with a full convolution in every block."""
    config = CONFIG if name == "csn" else replace(CONFIG, group_width=0, width=FULL_WIDTH)
    return CSN(config, generator=generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Accuracies of one seed on test clips, and on training clips (`_train`), means of three trainings.

    >>> sorted(run(0))  # doctest: +SKIP
    ['csn', 'csn_train', 'full', 'full_train']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    return compare(STEPS, make_model, clips, labels, train=TRAIN, seed=seed, rate=RATE, trainings=TRAININGS)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Shapes at one to two and a half pixels a frame; the label is DIRECTIONS * shape + direction."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(SHAPES * DIRECTIONS, (count,), generator=generator)
    start = CONFIG.size * torch.rand(2, count, 1, generator=generator)
    speed = 1 + 1.5 * torch.rand(count, 1, generator=generator)
    angle = (labels % DIRECTIONS)[:, None] * 2 * math.pi / DIRECTIONS
    way = speed * torch.arange(float(CONFIG.frames))
    shapes = outlines(SIDE)[labels // DIRECTIONS][:, None].expand(-1, CONFIG.frames, -1, -1)
    clips = painted(shapes, start[0] + way * angle.sin(), start[1] + way * angle.cos(), size=CONFIG.size)
    return noisy(clips, NOISE, generator), labels
