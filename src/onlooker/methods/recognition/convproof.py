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


def cross_entropy(model: nn.Module, clips: Clips, labels: Labels) -> Tensor:
    """The mean loss of a batch."""
    return functional.cross_entropy(model(clips), labels)


def fit(
    model: nn.Module,
    clips: Clips,
    labels: Labels,
    *,
    steps: int,
    generator: torch.Generator,
    rate: float = 4e-3,
    loss_of: Callable[[nn.Module, Clips, Labels], Tensor] = cross_entropy,
) -> nn.Module:
    """AdamW with a one-cycle learning rate on random batches; the model comes back in evaluation mode."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(clips), (BATCH,), generator=generator).to(clips.device)
        optimiser.zero_grad()
        loss_of(model, clips[batch], labels[batch]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def answers(model: nn.Module, clips: Clips) -> Labels:
    """The class that the model gives each clip."""
    return torch.cat([model(part).argmax(dim=1) for part in torch.split(clips, 4 * BATCH)])


def accuracy(model: nn.Module, clips: Clips, labels: Labels) -> float:
    """The share of right answers."""
    return float((answers(model, clips) == labels).float().mean())


def compare(
    steps: Mapping[str, int],
    make_model: Callable[[str, torch.Generator], nn.Module],
    clips: Clips,
    labels: Labels,
    *,
    train: int,
    seed: int,
    rate: float = 4e-3,
    trainings: int = 1,
) -> dict[str, float]:
    """Accuracy of each named model on what follows the first `train` clips, after so many steps on these.

    `name_train` is the accuracy on as many of the training clips. Both are means over `trainings` that differ in their
    first weights and the order of the clips.
    """
    scores, tested = {}, len(clips) - train
    for name, count in steps.items():
        found = torch.zeros(2, dtype=torch.float64)
        for number in range(trainings):
            generator = torch.Generator().manual_seed(seed + 1_000 * number)
            # with channels last these small convolutions take two thirds of the time on a processor
            model = make_model(name, generator).to(clips.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
            fit(model, clips[:train], labels[:train], steps=count, generator=generator, rate=rate)
            found[0] += accuracy(model, clips[train:], labels[train:]) / trainings
            found[1] += accuracy(model, clips[:tested], labels[:tested]) / trainings
        scores[name], scores[f"{name}_train"] = found.tolist()
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


def outlines(side: int) -> Float[Tensor, "shapes side side"]:
    """A square's border, a diagonal cross, an upright cross and a T, of ones on zeros; `side` is odd.

    >>> outlines(3)[1].tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    last, middle = side - 1, side // 2
    border = (row == 0) | (row == last) | (column == 0) | (column == last)
    diagonal = (row == column) | (row + column == last)
    upright = (row == middle) | (column == middle)
    return torch.stack((border, diagonal, upright, (row == 0) | (column == middle))).float()


def painted(
    shapes: Float[Tensor, "clips time side side"],
    rows: Float[Tensor, "clips time"],
    columns: Float[Tensor, "clips time"],
    *,
    size: int,
) -> Clips:
    """One shape in each frame on black, its upper left corner at the given place; it wraps at the border.

    >>> painted(torch.ones(1, 1, 1, 2), torch.zeros(1, 1), torch.tensor([[2.0]]), size=3)[0, 0, 0, 0].tolist()
    [1.0, 0.0, 1.0]
    """
    count, time, height, width = shapes.shape
    row = ((rows.round().long()[..., None] + torch.arange(height)) % size)[..., :, None]
    column = ((columns.round().long()[..., None] + torch.arange(width)) % size)[..., None, :]
    clips = torch.zeros(count, time, 1, size, size)
    clip, frame = torch.arange(count)[:, None, None, None], torch.arange(time)[None, :, None, None]
    clips[clip, frame, 0, row, column] = shapes
    return clips


def noisy(clips: Clips, strength: float, generator: torch.Generator) -> Clips:
    """The clips with independent noise on every pixel."""
    return clips + strength * torch.randn(clips.shape, generator=generator)
