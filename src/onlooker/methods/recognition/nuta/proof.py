"""The experiment: when the action is short and its moment random, choosing moments beats averaging over all.

In every clip one square after another crosses a noisy picture, each for four frames in one of four directions. One of
these crossings is the action: while it lasts, a ring lies somewhere else in the picture, as a hand would. The label is
the direction of that crossing; the others mean nothing. All models have the same backbone, data, batches and steps, and
shorten 32 frames to 8 once. As a control the action fills the clip, which takes fewer steps to learn.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.nuta.config import Config
from onlooker.methods.recognition.nuta.model import NUTA

CLAIM = Claim(
    mechanism="nuta",
    baseline="uniform",
    text="accuracy on actions of 4 frames at a random moment of 32 (chance 0.25): learned projection with "
    "synchronised uniform features against uniform average pooling",
    paper="arXiv:2012.08041, abstract: non-uniform aggregation reaches the state of the art on four data sets (its "
    "tables could not be retrieved)",
)

CONFIG = Config(
    frames=32, size=16, channels=1, backbone="small", width=8, depths=(1, 1), shared=1, ratio=4, dropout=0.0, classes=4
)  # fmt: skip
TRAIN, TEST, BATCH, STEPS = 1024, 512, 32, 250
LONG_STEPS = 100
LEARNING_RATE = 5e-3
EVENT, SPEED, NOISE = 4, 2, 0.15
SQUARE = 3
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))
RING = torch.tensor([[0.0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])

Clips = Float[Tensor, "clips time channel height width"]


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed, and the share of P on the action's frames over the share of these frames."""
    short = make_clips(TRAIN + TEST, seed, EVENT)
    long = make_clips(TRAIN + TEST, seed, CONFIG.frames)
    uniform = replace(CONFIG, branches="uniform")
    scores: dict[str, float] = {}
    scores["nuta"], scores["focus"] = evaluate(CONFIG, short, seed, device)
    scores["uniform"], _ = evaluate(uniform, short, seed, device)
    scores["nuta_long"], _ = evaluate(CONFIG, long, seed, device, steps=LONG_STEPS)
    scores["uniform_long"], _ = evaluate(uniform, long, seed, device, steps=LONG_STEPS)
    return scores


def evaluate(
    config: Config, data: tuple[Clips, Tensor, Tensor], seed: int, device: str = "cpu", *, steps: int = STEPS
) -> tuple[float, float]:
    """Train one model; its share of right answers on unseen clips, and how much it looks at the action (0: no P)."""
    clips, labels, starts = (part.to(device) for part in data)
    generator = torch.Generator().manual_seed(seed)
    model = NUTA(config, generator=generator).to(device)
    model = model.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    train(model.train(), clips[:TRAIN], labels[:TRAIN], steps, generator)
    model.eval()
    with torch.no_grad():
        parts = torch.split(clips[TRAIN:], 64)
        answers = torch.cat([model(part).argmax(dim=1) for part in parts])
        focus = 0.0
        if config.branches != "uniform":
            shares = torch.cat([model.moments(part).shares for part in parts])
            focus = float(inside(shares, starts[TRAIN:]).mean()) / (EVENT / config.frames)
    return float((answers == labels[TRAIN:]).float().mean()), focus


def inside(shares: Float[Tensor, "clips frames"], starts: Int[Tensor, " clips"]) -> Float[Tensor, " clips"]:
    """The part of each clip's shares that lies on the frames of a short action."""
    frames = torch.arange(shares.shape[1], device=shares.device)
    event = (frames >= starts[:, None]) & (frames < starts[:, None] + EVENT)
    return (shares * event).sum(dim=1)


def train(model: NUTA, clips: Clips, labels: Int[Tensor, " clips"], steps: int, generator: torch.Generator) -> None:
    """AdamW with a one-cycle learning rate."""
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        loss = functional.cross_entropy(model(clips[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def make_clips(count: int, seed: int, event: int) -> tuple[Clips, Int[Tensor, " clips"], Int[Tensor, " clips"]]:
    """Clips, directions of their actions, and the frames at which these begin. An action lasts `event` frames."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    clips = NOISE * torch.randn(count, CONFIG.frames, 1, CONFIG.size, CONFIG.size, generator=generator)
    labels = torch.randint(len(WAYS), (count,), generator=generator)
    starts = torch.randint(CONFIG.frames - event + 1, (count,), generator=generator)
    for clip, label, start in zip(clips, labels.tolist(), starts.tolist(), strict=True):
        _fill(clip, label, start, event, generator)
    return clips, labels, starts


def _fill(clip: Tensor, label: int, start: int, event: int, generator: torch.Generator) -> None:
    """One crossing after another, from the action's start backwards and from its end forwards."""
    for begin in range(start % EVENT - EVENT, len(clip), EVENT):
        acts = start <= begin < start + event
        way = label if acts else int(torch.randint(len(WAYS), (), generator=generator))
        _cross(clip, begin, WAYS[way], generator)
        if acts:
            top, left = torch.randint(CONFIG.size - len(RING) + 1, (2,), generator=generator).tolist()
            clip[begin : begin + EVENT, 0, top : top + len(RING), left : left + len(RING)] += RING


def _cross(clip: Tensor, begin: int, way: tuple[int, int], generator: torch.Generator) -> None:
    """A square for EVENT frames, SPEED pixels a frame, wholly inside the picture."""
    room, travel = CONFIG.size - SQUARE, SPEED * (EVENT - 1)
    places = []
    for step in way:
        low, high = max(0, -step * travel), room - max(0, step * travel)
        places.append(int(torch.randint(low, high + 1, (), generator=generator)))
    for k in range(EVENT):
        if 0 <= begin + k < len(clip):
            top, left = (place + SPEED * k * step for place, step in zip(places, way, strict=True))
            clip[begin + k, 0, top : top + SQUARE, left : left + SQUARE] += 1
