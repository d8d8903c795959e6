"""The experiment: what depthwise 3-D convolutions learn with the multiply-adds that they save.

A square moves in one of eight directions over noise. Both networks have the same blocks, width, depth, data and
batches; in one the 3x3x3 convolutions are depthwise. They get the same budget of multiply-adds for training, which is
more steps for the cheaper one.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, compare, noisy, squares
from onlooker.methods.recognition.csn.config import Config
from onlooker.methods.recognition.csn.model import CSN

CLAIM = Claim(
    mechanism="csn",
    baseline="full",
    text="accuracy on eight directions (chance 0.125): depthwise against full 3-D convolutions, same training cost",
    paper="arXiv:1904.02811: channel-separated networks are as accurate as full ones at a fraction of the cost",
)

CONFIG = Config(frames=6, size=24, channels=1, width=16, depths=(1, 1), dropout=0.0, classes=8)
STEPS = {"csn": 150, "full": 92}
"""In inverse proportion to the multiply-adds of one clip: 3.42 and 5.54 millions."""
TRAIN, TEST = 1024, 512
SQUARE, NOISE = 7, 0.4


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`csn`, or `full`, with a full convolution in every block."""
    config = CONFIG if name == "csn" else replace(CONFIG, group_width=0)
    return CSN(config, generator=generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['csn', 'full']
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
