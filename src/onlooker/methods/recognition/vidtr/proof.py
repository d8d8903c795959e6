"""The experiment: time steps kept by the deviation of their attention against time steps evenly spaced.

A coloured glyph shows in a few frames of a noisy, otherwise still clip, at an unknown place and time; which glyph
is the class. `std` and `uniform` drop the same number of time steps in the same layers, so they cost the same; `full`
drops none. Weights, data, batches and steps are the same for all.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.vidtr.config import Config
from onlooker.methods.recognition.vidtr.model import VidTr
from onlooker.nn.counting import count_multiply_adds

CLAIM = Claim(
    mechanism="std",
    baseline="uniform",
    text="accuracy on glyphs that show in 3 of 12 frames (8 classes): time steps kept by standard deviation or evenly",
    paper="arXiv:2104.11746 (figures of the released zoo): Kinetics-400 top-1 77.7 at 89 GFLOPs, pooled 75.7 at 39",
)

CONFIG = Config(
    kind="compact",
    pooling="1:6 2:2",
    frames=12,
    size=12,
    patch=4,
    dim=32,
    depth=4,
    heads=2,
    hidden=64,
    dropout=0.0,
    head_dropout=0.0,
    classes=8,
)
MODELS = {
    "std": CONFIG,
    "uniform": replace(CONFIG, select="uniform"),
    "full": replace(CONFIG, kind="merge_later", pooling="", merge_index=2),
}
TRAIN, TEST, BATCH, STEPS = 4096, 512, 32, 350
LEARNING_RATE = 3e-3
SHOWN, NOISE, GROUND = 3, 0.25, 0.5
_GLYPH_SEED = 5

Clips = Float[Tensor, "clips time channel height width"]


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed, the share of multiply-adds that pooling leaves, and how often glyphs are kept.

    `std_recall` and `uniform_recall` are the shares of heads that keep a glyph's frame through all pooling, at its
    place, on average over the frames that show it.

    >>> sorted(run(0))  # doctest: +SKIP
    ['cost', 'full', 'std', 'std_recall', 'uniform', 'uniform_recall']
    """
    clips, labels, shown = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    scores: dict[str, float] = {}
    for name in MODELS:
        model = train(name, clips[:TRAIN], labels[:TRAIN], seed)
        with torch.no_grad():
            answers = torch.cat([model(part).argmax(dim=1) for part in torch.split(clips[TRAIN:], 64)])
            scores[name] = float((answers == labels[TRAIN:]).float().mean())
            if name != "full":
                scores[f"{name}_recall"] = recall(model, clips[TRAIN:], shown[TRAIN:])
    return {**scores, "cost": cost("std") / cost("full")}


def cost(name: str) -> int:
    """Multiply-adds of one clip."""
    return count_multiply_adds(lambda: VidTr(MODELS[name]), (1, CONFIG.frames, 3, CONFIG.size, CONFIG.size))


def train(name: str, clips: Clips, labels: Int[Tensor, " clips"], seed: int, *, steps: int = STEPS) -> VidTr:
    """One model from scratch, given in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    model = VidTr(MODELS[name], generator=generator).to(clips.device).train()
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        loss = functional.cross_entropy(model(clips[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


def recall(model: VidTr, clips: Clips, shown: Float[Tensor, "clips time places"]) -> float:
    """The share of heads in which a frame that shows the glyph survives all pooling, at the glyph's place."""
    heads = model.config.heads
    marks = shown.to(clips.device).transpose(1, 2)[:, None].expand(-1, heads, -1, -1)
    left = marks
    for _, kept in sorted(model.encode(clips)[1].items()):
        left = left.gather(3, kept)
    return float(left.sum() / marks.sum())


def make_clips(count: int, seed: int) -> tuple[Clips, Int[Tensor, " clips"], Float[Tensor, "clips time places"]]:
    """`count` clips, their classes, and where (in which frame and patch) the glyph shows."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    side = CONFIG.grid
    glyphs = torch.rand(
        CONFIG.classes, 3, CONFIG.patch, CONFIG.patch, generator=torch.Generator().manual_seed(_GLYPH_SEED)
    )
    glyphs = (glyphs < 0.5).float() * 2 - 1
    labels = torch.randint(CONFIG.classes, (count,), generator=generator)
    clips = GROUND * torch.randn(count, 1, 3, CONFIG.size, CONFIG.size, generator=generator)
    clips = clips + NOISE * torch.randn(count, CONFIG.frames, 3, CONFIG.size, CONFIG.size, generator=generator)
    places = torch.randint(side**2, (count,), generator=generator).tolist()
    shown = torch.zeros(count, CONFIG.frames, side**2)
    for clip, place in enumerate(places):
        top, left = CONFIG.patch * (place // side), CONFIG.patch * (place % side)
        frames = torch.randperm(CONFIG.frames, generator=generator)[:SHOWN]
        clips[clip, frames, :, top : top + CONFIG.patch, left : left + CONFIG.patch] += glyphs[labels[clip]]
        shown[clip, frames, place] = 1
    return clips, labels, shown
