"""The experiment: what is slow and what is fast, told apart at the cost of one Slow network.

Each clip shows a texture that stands still (stripes one way or the other, weak under noise) and a bright square that
runs to the right or to the left and is back at its start every `alpha` frames: four classes. A network that sees one
frame in `alpha` finds the square always at the same place, so it can know the texture alone. Compared are SlowFast;
Slow at the slow rate, wide enough to cost as much; and Slow on all frames, thin enough to cost about as much.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convnet import Clip
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, fit, noisy, squares
from onlooker.methods.recognition.slowfast.config import Config
from onlooker.methods.recognition.slowfast.model import SlowFast
from onlooker.nn.residual3d import Stem, bottleneck_stage, initialise_convnet

CLAIM = Claim(
    mechanism="slowfast",
    baseline="slow",
    text="accuracy on texture times fast motion (chance 0.25): SlowFast against a Slow network of no lower cost",
    paper="pytorchvideo's table, Kinetics-400 top-1 of R50 4x16: Slow 72.40, SlowFast 75.34",
)

CONFIG = Config(
    frames=8,
    size=32,
    channels=1,
    width=16,
    depths=(1, 1, 1),
    alpha=4,
    beta=4,
    lateral_kernel=5,
    slow_kernels=((1,), (1,), (3,)),
    fast_kernels=((3,), (3,), (3,)),
    dropout=0.0,
    classes=4,
    behavior="gluoncv",
)
WIDE, THIN = 26, 12
TRAIN, TEST, STEPS = 2048, 512, 120
SQUARE, SPEED, NOISE, CONTRAST = 8, 3, 0.3, 0.3


class Slow(nn.Module):
    """A single pathway on every `every`-th frame, as deep as SlowFast's and with the slow one's temporal kernels."""

    def __init__(self, width: int, every: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.every = every
        self.stem = Stem(CONFIG.channels, width, (CONFIG.slow_stem_time, 7, 7), pool=True)
        self.stages, inputs = nn.ModuleList(), width
        for stage in range(len(CONFIG.depths)):
            side, inner = 1 if stage == 0 else 2, width * 2**stage
            self.stages.append(bottleneck_stage(inputs, inner, CONFIG.kernels("slow", stage), (1, side, side)))
            inputs = 4 * inner
        self.head = nn.Linear(inputs, CONFIG.classes)
        initialise_convnet(self, generator=generator)

    def forward(self, clip: Clip) -> Tensor:
        maps: Tensor = self.stem(clip[:, :: self.every].transpose(1, 2))
        for stage in self.stages:
            maps = stage(maps)
        logits: Tensor = self.head(maps.mean(dim=(2, 3, 4)))
        return logits


def make_model(name: str, generator: torch.Generator | None = None) -> nn.Module:
    """`slowfast`, `slow` (wide, at the slow rate) or `dense` (thin, on all frames)."""
    if name == "slowfast":
        return SlowFast(CONFIG, generator=generator)
    return Slow(WIDE, CONFIG.alpha, generator) if name == "slow" else Slow(THIN, 1, generator)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['dense', 'slow', 'slowfast']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    scores = {}
    for name in ("slowfast", "slow", "dense"):
        generator = torch.Generator().manual_seed(seed)
        model = make_model(name, generator).to(device)
        fit(model, clips[:TRAIN], labels[:TRAIN], steps=STEPS, generator=generator)
        scores[name] = accuracy(model, clips[TRAIN:], labels[TRAIN:])
    return scores


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """The label is twice the texture plus the direction."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(4, (count,), generator=generator)
    sense = 1.0 - 2.0 * (labels % 2)
    start = CONFIG.size * torch.rand(count, 2, 1, generator=generator)
    way = SPEED * (torch.arange(CONFIG.frames) % CONFIG.alpha)
    rows, columns = start[:, 0].expand(-1, CONFIG.frames), start[:, 1] + sense[:, None] * way
    clips = squares(rows, columns, size=CONFIG.size, side=SQUARE)
    stripes = CONTRAST * ((torch.arange(CONFIG.size) // 2) % 2).float().expand(CONFIG.size, CONFIG.size)
    still = torch.stack((stripes, stripes.T))[labels // 2]
    return noisy(clips + still[:, None, None], NOISE, generator), labels
