"""The experiment: expanding a tiny network along the axis that helps most, against widening it alone.

Squares move in one of four directions over strong noise. A tiny network sees two frames of 16 pixels. Twice, each axis
(frames, pixels, width, depth) is expanded so that the cost about doubles, each expanded network is trained, and the one
that does best on validation clips is kept: the paper's search. The baseline gets the same cost by width alone.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, fit, noisy, squares
from onlooker.methods.recognition.x3d.config import Config
from onlooker.methods.recognition.x3d.model import X3D

CLAIM = Claim(
    mechanism="stepwise",
    baseline="width",
    text="accuracy on four directions (chance 0.25): two steps of expansion along the best axis, against width alone",
    paper="arXiv:2004.04730: expanding one axis at a time needs far less cost for the accuracy of wider networks",
    seeds=6,  # the search now and then ends at 0.5: three seeds were too few on seeds 60 to 62
)

BASE = Config(
    frames=2, size=16, channels=1, stem_width=8, stem_time=3, widths=(8, 16), depths=(1, 1), head_width=32, dropout=0.0,
    classes=4,
)  # fmt: skip
FRAMES, PIXELS = 8, 32
TRAIN, VALIDATION, TEST, STEPS = 1024, 256, 512, 100
SQUARE, NOISE = 8, 0.2
AXES = ("frames", "pixels", "width", "depth")


def expand(config: Config, axis: str) -> Config:
    """The network at about twice the cost."""
    if axis == "frames":
        return replace(config, frames=2 * config.frames)
    if axis == "pixels":
        return replace(config, size=round(config.size * 1.414))
    if axis == "width":
        widths = tuple(round(1.5 * width) for width in config.widths)
        return replace(config, stem_width=round(1.5 * config.stem_width), widths=widths)
    return replace(config, depths=tuple(2 * depth for depth in config.depths))


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed: of the network found, and of the one widened twice.

    >>> sorted(run(0))  # doctest: +SKIP
    ['stepwise', 'width']
    """
    clips, labels = make_clips(TRAIN + VALIDATION + TEST, seed)
    data = (clips.to(device), labels.to(device))
    chosen, found = BASE, (0.0, 0.0)
    for _ in range(2):
        scores = {axis: score(expand(chosen, axis), data, seed) for axis in AXES}
        best = max(AXES, key=lambda axis: scores[axis][0])
        chosen, found = expand(chosen, best), scores[best]
    wide = score(expand(expand(BASE, "width"), "width"), data, seed)
    return {"stepwise": found[1], "width": wide[1]}


def score(config: Config, data: tuple[Clips, Labels], seed: int) -> tuple[float, float]:
    """Train one network and give its accuracy on the validation and on the test clips."""
    clips, labels = seen(data[0], config), data[1]
    generator = torch.Generator().manual_seed(seed)
    model = X3D(config, generator=generator).to(clips.device)
    fit(model, clips[:TRAIN], labels[:TRAIN], steps=STEPS, generator=generator)
    held = TRAIN + VALIDATION
    return accuracy(model, clips[TRAIN:held], labels[TRAIN:held]), accuracy(model, clips[held:], labels[held:])


def seen(clips: Clips, config: Config) -> Clips:
    """The clips as the network sees them: frames spread over all, at its number of pixels."""
    frames = min(config.frames, FRAMES)
    chosen = [i * (FRAMES - 1) // (frames - 1) for i in range(frames)]
    pictures = clips[:, chosen].flatten(0, 1)
    size = (config.size, config.size)
    small = functional.interpolate(pictures, size=size, mode="bilinear", antialias=True)
    return small.view(len(clips), frames, 1, *size)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Squares at a pixel and a half a frame; the label is the direction in steps of 90 degrees."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(4, (count,), generator=generator)
    start = PIXELS * torch.rand(count, 2, 1, generator=generator)
    way = 1.5 * torch.arange(float(FRAMES))
    ways = torch.tensor([[0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [-1.0, 0.0]])[labels][..., None] * way
    clips = squares(start[:, 0] + ways[:, 0], start[:, 1] + ways[:, 1], size=PIXELS, side=SQUARE)
    return noisy(clips, NOISE, generator), labels
