"""The experiment: attention over all tokens of a clip tells it from its reversal, time steps one by one cannot.

A square stands still for the two frames of a tubelet and then jumps, four times, to the right or to the left. Each clip
comes with its reversal in the other class: both hold the same tubelets, and only their order tells. `joint` is the
classifier as it is. `slots` has the same blocks, which see one time step at a time and know no other, and their outputs
are averaged, as segment networks average frames; it is wider, so that it costs no less. `timed` is `slots` with the
positions of the whole clip: a token knows when it is, but not what is at other times.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, noisy, squares
from onlooker.methods.recognition.videomae.config import Config
from onlooker.methods.recognition.videomae.encoder import Encoder, Tokens
from onlooker.methods.recognition.videomae.model import HEAD_SCALE, VideoMae
from onlooker.nn.counting import count_multiply_adds

CLAIM = Claim(
    mechanism="joint",
    baseline="slots",
    text="accuracy on clips against their reversals (chance 0.5), still within each tubelet: joint attention against "
    "time steps one by one, averaged",
    paper="arXiv:2102.05095, table 1, Something-Something V2 top-1: space 36.6, joint 58.5 (VideoMAE's paper takes "
    "joint attention without a comparison [inferred])",
)

CONFIG = Config(frames=8, size=16, patch=4, channels=1, dim=32, depth=2, heads=2, drop_path=0.0, classes=2)
MODELS = {"joint": CONFIG, "slots": replace(CONFIG, dim=36), "timed": replace(CONFIG, dim=36)}
STEPS, BATCH, RATE = 600, 32, 3e-3
TRAIN, TEST = 4096, 512
SQUARE, JUMP, NOISE = 4, 2, 0.1


class Slots(nn.Module):
    """An encoder whose tokens see their own time step alone; without `timed` all steps have the same positions."""

    def __init__(self, encoder: Encoder, *, timed: bool) -> None:
        super().__init__()
        self.encoder, self.timed, self.times = encoder, timed, CONFIG.grid[0]

    def embed(self, clip: Clips) -> Tokens:
        if self.timed:
            return self.encoder.embed(clip)
        slots = rearrange(clip, "batch (time dt) ... -> (batch time) dt ...", time=self.times)
        return rearrange(self.encoder.embed(slots), "(batch time) place dim -> batch (time place) dim", time=self.times)

    def forward(self, tokens: Tokens) -> Tokens:
        slots = rearrange(tokens, "batch (time place) dim -> (batch time) place dim", time=self.times)
        out: Tensor = rearrange(
            self.encoder(slots), "(batch time) place dim -> batch (time place) dim", time=self.times
        )
        return out


def make_model(name: str, generator: torch.Generator | None = None) -> VideoMae:
    """`joint`, `slots` or `timed`, with initial weights for narrow layers and a model that has had no pre-training."""
    model = VideoMae(MODELS[name], generator=generator)
    scale_to_width(model)
    if name != "joint":
        model.encoder = Slots(model.encoder, timed=name == "timed")  # type: ignore[assignment]
    return model


@torch.no_grad()
def scale_to_width(model: VideoMae) -> None:
    """Give narrow layers the activations that initial weights of standard deviation 0.02 give layers of width 768."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.mul_((768 / module.in_features) ** 0.5)
    model.head.weight.div_(HEAD_SCALE)


def cost(name: str) -> int:
    """Multiply-adds of one clip."""
    shape = (1, CONFIG.frames, CONFIG.channels, CONFIG.size, CONFIG.size)
    return count_multiply_adds(lambda: make_model(name), shape)


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['joint', 'slots', 'timed']
    """
    clips, labels = make_clips(TRAIN + TEST, seed)
    clips, labels = clips.to(device), labels.to(device)
    scores = {}
    for name in MODELS:
        model = train(name, clips[:TRAIN], labels[:TRAIN], seed)
        scores[name] = accuracy(model, clips[TRAIN:], labels[TRAIN:])
    return scores


def train(name: str, clips: Clips, labels: Labels, seed: int, *, steps: int = STEPS) -> VideoMae:
    """One model, in evaluation mode: AdamW, a one-cycle learning rate, batches that hold both clips of each pair."""
    generator = torch.Generator().manual_seed(seed)
    model = make_model(name, generator).to(clips.device)
    optimiser = torch.optim.AdamW(model.train().parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(steps):
        pairs = torch.randint(len(clips) // 2, (BATCH // 2,), generator=generator)
        batch = torch.cat((2 * pairs, 2 * pairs + 1)).to(clips.device)
        loss = functional.cross_entropy(model(clips[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


def make_clips(count: int, seed: int) -> tuple[Clips, Labels]:
    """`count` clips in pairs, one to the right and its reversal; both frames of a tubelet are the same picture."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    pairs, times, room = count // 2, CONFIG.grid[0], CONFIG.size - SQUARE
    rows = torch.randint(room + 1, (pairs, 1), generator=generator).expand(-1, times)
    start = torch.randint(room - JUMP * (times - 1) + 1, (pairs, 1), generator=generator)
    columns = start + JUMP * torch.arange(times)
    steps = noisy(squares(rows.float(), columns.float(), size=CONFIG.size, side=SQUARE), NOISE, generator)
    steps = torch.stack((steps, steps.flip(1)), dim=1).flatten(0, 1)
    clips = steps.repeat_interleave(CONFIG.tubelet, dim=1)
    return (clips - clips.mean()) / clips.std(), torch.arange(2 * pairs) % 2
