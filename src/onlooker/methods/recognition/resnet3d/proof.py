"""The experiment: temporal kernels tell a clip from its reversal, which a network of single frames cannot.

A square crosses a noisy picture to the right or to the left; every clip comes with its reversal in the other class. All
networks have the same blocks, width, data, batches and steps, and differ in temporal kernels alone.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, fit, noisy, squares
from onlooker.methods.recognition.resnet3d.config import Config
from onlooker.methods.recognition.resnet3d.model import ResNet3d

CLAIM = Claim(
    mechanism="slow",
    baseline="c2d",
    text="accuracy on clips against their reversals (chance 0.5): Slow's late temporal kernels against none (C2D)",
    paper="pytorchvideo's table, Kinetics-400 top-1 at 8x8: C2D 71.46, I3D 73.27, Slow 74.58",
)

CONFIG = Config(
    frames=8, size=32, channels=1, width=8, depths=(1, 1, 1), time_kernels=((1,), (3,), (3,)), dropout=0.0, classes=2
)
KERNELS = {"slow": CONFIG.time_kernels, "i3d": ((3,), (1,), (3,)), "c2d": ((1,), (1,), (1,))}
TRAIN, TEST, STEPS = 512, 512, 100
SQUARE, NOISE = 8, 0.3


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['c2d', 'i3d', 'slow']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    scores = {}
    for name, kernels in KERNELS.items():
        generator = torch.Generator().manual_seed(seed)
        config = replace(CONFIG, time_kernels=kernels, halve_time=name != "slow", stem_time=3 if name == "i3d" else 1)
        model = ResNet3d(config, generator=generator).to(device)
        fit(model, clips[:TRAIN], labels[:TRAIN], steps=STEPS, generator=generator)
        scores[name] = accuracy(model, clips[TRAIN:], labels[TRAIN:])
    return scores


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """`count` clips in pairs: one to the right at one to three pixels a frame, and its reversal."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    half = count // 2
    start = CONFIG.size * torch.rand(half, 2, 1, generator=generator)
    speed = 1 + 2 * torch.rand(half, 1, generator=generator)
    time = torch.arange(float(CONFIG.frames))
    clips = squares(start[:, 0].expand(-1, CONFIG.frames), start[:, 1] + speed * time, size=CONFIG.size, side=SQUARE)
    clips = noisy(clips, NOISE, generator)
    pairs = torch.stack((clips, clips.flip(1)), dim=1).flatten(0, 1)
    return pairs, torch.arange(count) % 2
