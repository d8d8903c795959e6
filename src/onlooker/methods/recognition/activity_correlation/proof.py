"""The experiment: several glyphs move in one clip, and each glyph with its motion is an activity.

One to four activities are drawn for a clip, at random places and moments. Whenever an even one is there, the next odd
one is too with probability 0.9, but then half of its pixels are hidden: it must be told from its partner. The same
small network is trained with a linear layer on the average of its maps, with activity-specific features, and with
their correlations; same data, batches and steps. The averaging network has the learning rate at which it does best of
1e-2 and 2e-2; the heads have 1e-2.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.activity_correlation.config import Config
from onlooker.methods.recognition.activity_correlation.model import ActivityCorrelation
from onlooker.methods.recognition.convnet import channels_first
from onlooker.metrics.average_precision import voc_ap
from onlooker.nn.backbones3d import Backbone3d

CLAIM = Claim(
    mechanism="specific",
    baseline="average",
    text="mean average precision on clips of several correlated activities: activity-specific features against one "
    "averaged feature (`correlated`: with the exchange between activities as well)",
    paper="arXiv:2009.07420, abstract: better than the state of the art on four multi-label data sets (its tables "
    "could not be retrieved)",
)

CONFIG = Config(
    frames=8, size=24, channels=1, backbone="small", width=8, depths=(1, 1), observations=16, inner=32, classes=16
)  # fmt: skip
TRAIN, TEST, BATCH, STEPS = 2048, 1024, 32, 1000
LEARNING_RATE, AVERAGE_RATE = 1e-2, 2e-2
LASTS, SPEED, NOISE = 5, 1, 0.15
TOGETHER, HIDDEN = 0.9, 0.5
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))
GLYPHS = torch.tensor(
    [
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]],
        [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]],
        [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]],
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]],
    ]
).float()

Clips = Float[Tensor, "clips time channel height width"]
Labels = Bool[Tensor, "clips activities"]


class Averaged(nn.Module):
    """The baseline: the same backbone, the mean of its maps, one linear layer."""

    def __init__(self, config: Config, generator: torch.Generator) -> None:
        super().__init__()
        self.channels = config.channels
        self.backbone = Backbone3d(
            config.backbone,
            width=config.width,
            depths=config.depths,
            channels=config.channels,
            generator=generator,
        )
        self.head = nn.Linear(self.backbone.widths[-1], config.classes)
        nn.init.normal_(self.head.weight, std=self.head.in_features**-0.5, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, clip: Clips) -> Float[Tensor, "clips activities"]:
        maps: Tensor = self.backbone(channels_first(clip, self.channels))
        logits: Tensor = self.head(maps.mean(dim=(2, 3, 4)))
        return logits


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Mean average precisions of one seed; `_hidden` over the activities that are often half hidden."""
    data = make_clips(TRAIN + TEST, seed)
    scores = {}
    for name in ("average", "specific", "correlated"):
        scores[name], scores[f"{name}_hidden"] = evaluate(name, data, seed, device)
    return scores


def evaluate(
    name: str, data: tuple[Clips, Labels], seed: int, device: str = "cpu", *, steps: int = STEPS
) -> tuple[float, float]:
    """Train one model; its mean average precision on unseen clips over all activities, and over the odd ones."""
    clips, labels = (part.to(device) for part in data)
    generator = torch.Generator().manual_seed(seed)
    model = make_model(name, generator).to(device)
    model = model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    rate = AVERAGE_RATE if name == "average" else LEARNING_RATE
    train(model.train(), clips[:TRAIN], labels[:TRAIN], steps, generator, rate)
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in torch.split(clips[TRAIN:], 64)])
    return mean_average_precision(logits, labels[TRAIN:]), mean_average_precision(logits[:, 1::2], labels[TRAIN:, 1::2])


def make_model(name: str, generator: torch.Generator) -> nn.Module:
    """`average`, `specific` (no correlations) or `correlated`."""
    if name == "average":
        return Averaged(CONFIG, generator)
    return ActivityCorrelation(replace(CONFIG, correlations=name == "correlated"), generator=generator)


def train(model: nn.Module, clips: Clips, labels: Labels, steps: int, generator: torch.Generator, rate: float) -> None:
    """Binary cross-entropy, summed over the activities; AdamW with a one-cycle learning rate."""
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        targets = labels[batch].float()
        loss = functional.binary_cross_entropy_with_logits(model(clips[batch]), targets, reduction="sum") / BATCH
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def mean_average_precision(logits: Float[Tensor, "clips activities"], labels: Labels) -> float:
    """The mean over activities; one that no clip shows is left out."""
    scores, hits = logits.cpu().numpy(), labels.cpu().numpy()
    found = [voc_ap(scores[:, i], hits[:, i], hits[:, i].sum()) for i in range(hits.shape[1])]
    shown = [value for value in found if not math.isnan(value)]
    return sum(shown) / len(shown)


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """Clips and the activities in them."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    clips = NOISE * torch.randn(count, CONFIG.frames, 1, CONFIG.size, CONFIG.size, generator=generator)
    labels = torch.zeros(count, CONFIG.classes, dtype=torch.bool)
    for clip, label in zip(clips, labels, strict=True):
        chosen, hidden = _choose(generator)
        label[chosen] = True
        for activity in chosen:
            _move(clip, activity, activity in hidden, generator)
    return clips, labels


def _choose(generator: torch.Generator) -> tuple[list[int], set[int]]:
    """One to four different activities, partners among them, and which of them are half hidden."""
    wanted = int(torch.randint(1, 3, (), generator=generator))
    drawn = torch.randperm(CONFIG.classes, generator=generator)[:wanted].tolist()
    partners = [
        activity + 1
        for activity in drawn
        if activity % 2 == 0 and float(torch.rand((), generator=generator)) < TOGETHER
    ]
    return sorted({*drawn, *partners}), set(partners)


def _move(clip: Tensor, activity: int, hidden: bool, generator: torch.Generator) -> None:
    """One glyph, at a random moment and place, LASTS frames long."""
    glyph, way = GLYPHS[activity // len(WAYS)], WAYS[activity % len(WAYS)]
    if hidden:
        glyph = glyph * (torch.rand(glyph.shape, generator=generator) >= HIDDEN)
    side, travel = len(glyph), SPEED * (LASTS - 1)
    places = []
    for step in way:
        low, high = max(0, -step * travel), CONFIG.size - side - max(0, step * travel)
        places.append(int(torch.randint(low, high + 1, (), generator=generator)))
    begin = int(torch.randint(CONFIG.frames - LASTS + 1, (), generator=generator))
    for k in range(LASTS):
        top, left = (place + SPEED * k * step for place, step in zip(places, way, strict=True))
        clip[begin + k, 0, top : top + side, left : left + side] += glyph
