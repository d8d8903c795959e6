"""The experiment: movements at changing tempo, read with and without the pyramid.

A square makes two runs of 12 pixels along a line, each to the right or to the left, in 3 to 8 frames each, and stands
still for the rest of the clip. The label is the order of directions, whatever the tempo. The baseline is the same
backbone without pyramid, made wider until it costs no less.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, compare, noisy, squares
from onlooker.methods.recognition.tpn.config import Config
from onlooker.methods.recognition.tpn.model import TPN

CLAIM = Claim(
    mechanism="pyramid",
    baseline="plain",
    text="accuracy on four movements at changing tempo (chance 0.25): with the pyramid against a wider plain backbone",
    paper="GluonCV's table, Kinetics-400 top-1 of R50 at 8x8, 16x4, 32x2: Slow 74.4, 76.4, 77.9; TPN 77.0, 77.3, 78.9",
)

CONFIG = Config(
    frames=16,
    size=32,
    channels=1,
    width=8,
    depths=(1, 1),
    time_kernels=((3,), (3,)),
    rates=(1, 4),
    pyramid_width=32,
    fused_width=64,
    dropout=0.0,
    classes=4,
)
PLAIN_WIDTH = 14
STEPS = {"pyramid": 150, "plain": 150}
TRAIN, TEST = 1024, 512
SQUARE, NOISE = 8, 0.3
STEPS_OF = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`pyramid`, or `plain`: the backbone alone, wider."""
    config = CONFIG if name == "pyramid" else replace(CONFIG, rates=(), width=PLAIN_WIDTH)
    return TPN(config, generator=generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['plain', 'pyramid']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    return compare(STEPS, make_model, clips.to(device), labels.to(device), train=TRAIN, seed=seed)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Both parts of a movement take as long, 3 to 8 frames each, and cover the same way, so that tempo varies."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(4, (count,), generator=generator)
    start = CONFIG.size * torch.rand(count, 2, 1, generator=generator)
    half = torch.randint(3, 9, (count, 1), generator=generator)
    begin = (torch.rand(count, 1, generator=generator) * (CONFIG.frames - 2 * half)).floor()
    time = (torch.arange(CONFIG.frames) - begin) / half
    first, second = time.clamp(0, 1), (time - 1).clamp(0, 1)
    way = 12 * (first * STEPS_OF[labels, :1] + second * STEPS_OF[labels, 1:])
    clips = squares(start[:, 0].expand(-1, CONFIG.frames), start[:, 1] + way, size=CONFIG.size, side=SQUARE)
    return noisy(clips, NOISE, generator), labels
