"""The experiment: one movement at changing tempo in a long noisy clip, read with and without the pyramid.

A square makes one way of 12 pixels in one of eight directions, in 2 to 24 of 32 frames, and stands still before and
after; the label is the direction, whatever the tempo. The backbone convolves over time in its last stage. `plain` is
that backbone alone: the mean over all positions follows, in which a fast movement has little weight. `pyramid` has two
levels, each pooled to one or two time steps as the paper's are, the flow between them, and the earlier level's own
classifier in training. `single` puts one level on the last stage alone: a pyramid of no second tempo. The baselines
are wider until they cost no less; all have the same steps, and each the learning rate at which it did best.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, answers, fit, noisy, squares
from onlooker.methods.recognition.tpn.config import Config
from onlooker.methods.recognition.tpn.model import TPN
from onlooker.nn.counting import count_multiply_adds

CLAIM = Claim(
    mechanism="pyramid",
    baseline="plain",
    text="accuracy on eight directions at changing tempo (chance 0.125): a pyramid of two levels against the wider "
    "backbone alone, after equally many steps",
    paper="GluonCV's table, Kinetics-400 top-1 of R50 at 8x8, 16x4, 32x2: Slow 74.4, 76.4, 77.9; TPN 77.0, 77.3, 78.9",
)

DIRECTIONS, WAY = 8, 12
CONFIG = Config(
    frames=32,
    size=24,
    channels=1,
    width=8,
    depths=(1, 1),
    time_kernels=((1,), (3,)),
    rates=(16, 32),
    pyramid_width=32,
    fused_width=64,
    dropout=0.0,
    classes=DIRECTIONS,
)
MODELS = {
    "pyramid": CONFIG,
    "single": replace(CONFIG, rates=(32,), width=11, pyramid_width=56, fused_width=96),
    "plain": replace(CONFIG, rates=(), width=14),
}
STEPS = 220
RATES = {"pyramid": 6e-3, "single": 6e-3, "plain": 1e-2}
TRAIN, TEST = 2048, 1024
SQUARE, NOISE = 6, 0.5
SLOWEST, FAST, SLOW = 24, 6, 18


def cost(name: str) -> int:
    """Multiply-adds of one clip."""
    shape = (1, CONFIG.frames, CONFIG.channels, CONFIG.size, CONFIG.size)
    return count_multiply_adds(lambda: TPN(MODELS[name]), shape)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed, and those on the fast and the slow movements among the test clips.

    >>> sorted(run(0))[:6]  # doctest: +SKIP
    ['plain', 'plain_fast', 'plain_slow', 'pyramid', 'pyramid_fast', 'pyramid_slow']
    """
    clips, labels, taken = make_clips(TRAIN + TEST, seed)
    clips, labels, taken = clips.to(device), labels.to(device), taken[TRAIN:].to(device)
    scores = {}
    for name in MODELS:
        model = train(name, clips[:TRAIN], labels[:TRAIN], seed, steps=STEPS)
        right = answers(model, clips[TRAIN:]) == labels[TRAIN:]
        for suffix, chosen in (("", taken > 0), ("_fast", taken <= FAST), ("_slow", taken >= SLOW)):
            scores[name + suffix] = float(right[chosen].float().mean())
    return scores


def train(name: str, clips: Clips, labels: Labels, seed: int, *, steps: int) -> TPN:
    """One model, trained with the earlier levels' own classifiers where it has them, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    model = TPN(MODELS[name], generator=generator)
    model.to(clips.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    fit(model, clips, labels, steps=steps, generator=generator, rate=RATES[name], loss_of=loss_of_all)
    return model


def loss_of_all(model: nn.Module, clips: Clips, labels: Labels) -> Tensor:
    """Cross-entropy of the answer, and in part of those of the earlier levels."""
    logits, own = model(clips, auxiliary=True)
    loss = functional.cross_entropy(logits, labels)
    for other in own:
        loss = loss + TPN.auxiliary_weight * functional.cross_entropy(other, labels)
    return loss


def make_clips(count: int, seed: int) -> tuple[Clips, Labels, Tensor]:
    """Clips, directions, and how many frames each movement takes: 2 to SLOWEST, each as often."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(DIRECTIONS, (count,), generator=generator)
    start = CONFIG.size * torch.rand(2, count, 1, generator=generator)
    taken = torch.randint(2, SLOWEST + 1, (count,), generator=generator)
    begin = (torch.rand(count, generator=generator) * (CONFIG.frames - taken)).floor()
    way = WAY * ((torch.arange(CONFIG.frames) - begin[:, None]) / taken[:, None]).clamp(0, 1)
    angle = labels[:, None] * 2 * math.pi / DIRECTIONS
    clips = squares(start[0] + way * angle.sin(), start[1] + way * angle.cos(), size=CONFIG.size, side=SQUARE)
    return noisy(clips, NOISE, generator), labels, taken
