"""What the experiments of the convolutional clip classifiers share: moving pictures, training, testing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

Clips = Float[Tensor, "clips time channel height width"]
Labels = Int[Tensor, " clips"]

BATCH = 16


def fit(
    model: nn.Module, clips: Clips, labels: Labels, *, steps: int, generator: torch.Generator, rate: float = 4e-3
) -> nn.Module:
    """AdamW with a one-cycle learning rate on random batches; the model comes back in evaluation mode."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        loss = functional.cross_entropy(model(clips[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, clips: Clips, labels: Labels) -> float:
    """The share of right answers."""
    answers = torch.cat([model(part).argmax(dim=1) for part in torch.split(clips, 4 * BATCH)])
    return float((answers == labels).float().mean())


def compare(
    steps: Mapping[str, int],
    make_model: Callable[[str, torch.Generator], nn.Module],
    clips: Clips,
    labels: Labels,
    *,
    train: int,
    seed: int,
) -> dict[str, float]:
    """Accuracy of each named model on what follows the first `train` clips, after so many steps on these."""
    scores = {}
    for name, count in steps.items():
        generator = torch.Generator().manual_seed(seed)
        model = make_model(name, generator).to(clips.device)
        fit(model, clips[:train], labels[:train], steps=count, generator=generator)
        scores[name] = accuracy(model, clips[train:], labels[train:])
    return scores


def squares(rows: Float[Tensor, "clips time"], columns: Float[Tensor, "clips time"], *, size: int, side: int) -> Clips:
    """A white square of `side` pixels on black, its upper left corner at the given places, which wrap at the border.

    >>> squares(torch.zeros(1, 1), torch.tensor([[3.0]]), size=4, side=2)[0, 0, 0, 0].tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    pixels = torch.arange(size)
    row = ((pixels - rows.round()[..., None]) % size < side).float()
    column = ((pixels - columns.round()[..., None]) % size < side).float()
    return (row[..., :, None] * column[..., None, :])[:, :, None]


def noisy(clips: Clips, strength: float, generator: torch.Generator) -> Clips:
    """The clips with independent noise on every pixel."""
    return clips + strength * torch.randn(clips.shape, generator=generator)
