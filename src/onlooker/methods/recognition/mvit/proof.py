"""The experiment: small shapes to be found among others, read at three scales or at one, for the same multiply-adds.

Two shapes of 3 x 3 pixels, both of the label's kind, drift among six that are of no class. `mvit` begins with a
token every 2 pixels and few channels, and pools twice to a quarter of the tokens with twice the channels; keys and
values are pooled to a 6 x 6 grid at first (the published models': 7 x 7). The single-scale models are the same blocks
without pooling, one width, one resolution, no convolution over tokens. `coarse` has patches of four times the side, as
the paper's ViT-B has (16 pixels against a stride of 4); `medium`, of twice the side, is what can be had besides where
pictures are as small as here. Their stems overlap as MViT's does, and they are so wide that they cost no less and have
no fewer parameters. Position, kind and drift of each shape are random: the answer needs fine detail wherever it is.
All models have the same clips, batches and steps, gradients clipped, and each the best of the learning rates tried.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, noisy, outlines, painted
from onlooker.methods.recognition.mvit.config import Config
from onlooker.methods.recognition.mvit.model import Mvit
from onlooker.nn.counting import count_multiply_adds

CLAIM = Claim(
    mechanism="mvit",
    baseline="coarse",
    text="accuracy on which of four small shapes is among others (chance 0.25): MViT against a transformer of one "
    "scale, patches of four times the side as in the paper, that costs no less",
    paper="arXiv:2104.11227, Kinetics-400 without pre-training: ViT-B 68.5 at 180 GFLOPs, MViT-B 78.4 at 71 [recalled]",
)

SIDE, SHOWN, OTHERS, SPEED = 3, 2, 6, 1.0
CLASSES = 4
KINDS = torch.stack((*outlines(SIDE), *(outlines(SIDE)[3].rot90(turn) for turn in (1, 2, 3))))
CONFIG = Config(
    frames=4,
    size=24,
    channels=1,
    stem_kernel=(3, 5, 5),
    stem_stride=(2, 2, 2),
    dim=24,
    depth=3,
    heads=1,
    widen=((1, 2), (2, 2)),
    more_heads=((1, 2), (2, 2)),
    query_strides=((1, 1, 2, 2), (2, 1, 2, 2)),
    kv_stride=(1, 2, 2),
    drop_path=0.0,
    head_dropout=0.0,
    classes=CLASSES,
)
PLAIN = replace(CONFIG, heads=4, widen=(), more_heads=(), query_strides=(), kv_stride=(1, 1, 1), pool_kernel=(1, 1, 1))
MODELS = {
    "mvit": CONFIG,
    "coarse": replace(PLAIN, stem_kernel=(3, 9, 9), stem_stride=(2, 8, 8), dim=160),
    "medium": replace(PLAIN, stem_kernel=(3, 5, 5), stem_stride=(2, 4, 4), dim=72),
}
RATES = {"mvit": 2e-3, "coarse": 1e-3, "medium": 2e-3}
STEPS, BATCH = 400, 16
TRAIN, TEST = 4096, 1024
NOISE = 0.1


def cost(name: str) -> int:
    """Multiply-adds of one clip."""
    shape = (1, CONFIG.frames, CONFIG.channels, CONFIG.size, CONFIG.size)
    return count_multiply_adds(lambda: Mvit(MODELS[name]), shape)


def make_model(name: str, generator: torch.Generator | None = None) -> Mvit:
    """`mvit`, `coarse` or `medium`, with initial weights for narrow layers."""
    model = Mvit(MODELS[name], generator=generator)
    scale_to_width(model)
    return model


@torch.no_grad()
def scale_to_width(model: Mvit) -> None:
    """Give narrow layers the activations that initial weights of standard deviation 0.02 give layers of width 768."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.mul_((768 / module.in_features) ** 0.5)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Accuracies of one seed on test clips, and on training clips (`_train`).

    >>> sorted(run(0))  # doctest: +SKIP
    ['coarse', 'coarse_train', 'medium', 'medium_train', 'mvit', 'mvit_train']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    scores = {}
    for name in MODELS:
        generator = torch.Generator().manual_seed(seed)
        model = make_model(name, generator).to(device)
        train(model, clips[:TRAIN], labels[:TRAIN], RATES[name], generator)
        scores[name] = accuracy(model, clips[TRAIN:], labels[TRAIN:])
        scores[f"{name}_train"] = accuracy(model, clips[:TEST], labels[:TEST])
    return scores


def train(model: Mvit, clips: Clips, labels: Labels, rate: float, generator: torch.Generator) -> None:
    """AdamW with a one-cycle learning rate and clipped gradients; the model is left in evaluation mode."""
    optimiser = torch.optim.AdamW(model.train().parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        optimiser.zero_grad()
        functional.cross_entropy(model(clips[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.eval()


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """SHOWN shapes of the label's kind among OTHERS that are of no class, each drifting its own way."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(CONFIG.classes, (count,), generator=generator)
    clips = torch.zeros(count, CONFIG.frames, 1, CONFIG.size, CONFIG.size)
    time = torch.arange(float(CONFIG.frames))
    for number in range(OTHERS + SHOWN):
        kinds = CONFIG.classes + torch.randint(len(KINDS) - CONFIG.classes, (count,), generator=generator)
        shapes = KINDS[kinds if number < OTHERS else labels][:, None].expand(-1, CONFIG.frames, -1, -1)
        start = CONFIG.size * torch.rand(2, count, 1, generator=generator)
        way = SPEED * (2 * torch.rand(2, count, 1, generator=generator) - 1) * time
        clips = torch.maximum(clips, painted(shapes, *(start + way), size=CONFIG.size))
    clips = noisy(clips, NOISE, generator)
    return (clips - clips.mean()) / clips.std(), labels
