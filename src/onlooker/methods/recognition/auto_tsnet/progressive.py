"""The progressive search: streams, then exchange, then attention, each in a supernet of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet.config import Config
from onlooker.methods.recognition.auto_tsnet.cost import Cost, multiply_adds, one_hot
from onlooker.methods.recognition.auto_tsnet.space import STAGES, Space
from onlooker.methods.recognition.auto_tsnet.supernet import Supernet

Batches = Iterator[tuple[Float[Tensor, "batch time channel height width"], Int[Tensor, " batch"]]]
Penalty = Literal["gap", "log"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How each stage is searched. None of these numbers could be retrieved from the paper.

    `steps` updates of the weights; after the first `warmup` of them the architecture is updated after each.
    `temperature` falls exponentially from the first value to the second. `cost_weight` times the penalty is added to
    the architecture's loss: `gap` is |C / target - 1|, `log` is log C / log target.
    """

    steps: int = 300
    warmup: float = 0.2
    rate: float = 0.05
    architecture_rate: float = 1e-2
    temperature: tuple[float, float] = (5.0, 0.3)
    cost_weight: float = 1.0
    penalty: Penalty = "gap"


@dataclass(frozen=True, slots=True)
class Found:
    """The network, its cost, and the options' final probabilities by variable."""

    config: Config
    cost: float
    probabilities: dict[str, dict[str, float]]


def search(
    space: Space,
    train: Batches,
    held: Batches,
    *,
    target: float,
    schedule: Schedule | None = None,
    cost: Cost = multiply_adds,
    seed: int = 0,
    stages: Iterable[str] = STAGES,
    device: str = "cpu",
) -> Found:
    """Search stage after stage. `train` updates the weights, `held` (other clips) the architecture; both are endless.

    In each stage the variables of later stages have their first option, those of earlier ones what was chosen, and the
    weights begin anew. Raises ConfigError for an unknown stage or a target that is not positive.
    """
    order = tuple(stages)
    if target <= 0 or not set(order) <= set(STAGES):
        raise ConfigError(f"target={target}, stages={order}: the target is positive, stages are among {STAGES}.")
    choices = space.first()
    probabilities: dict[str, dict[str, float]] = {}
    for number, stage in enumerate(order):
        free = space.free(stage)
        if not free:
            continue
        narrowed = space.fixed({name: value for name, value in choices.items() if name not in free})
        generator = torch.Generator().manual_seed(seed * len(STAGES) + number)
        net = Supernet(narrowed, generator=generator).to(device)
        _run_stage(net, train, held, target, schedule or Schedule(), cost, generator)
        choices.update(net.best())
        final = net.gates(1.0)
        for name in free:
            pairs = zip(space.options[name], final[name].tolist(), strict=True)
            probabilities[name] = {str(option): share for option, share in pairs}
    return Found(space.config(choices), float(cost(space, one_hot(space, choices))), probabilities)


def _run_stage(
    net: Supernet, train: Batches, held: Batches, target: float, schedule: Schedule, cost: Cost, generator: Any
) -> None:
    weights = torch.optim.SGD(net.weights(), lr=schedule.rate, momentum=0.9, weight_decay=1e-4)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(weights, schedule.steps)
    architecture = torch.optim.Adam(
        net.alpha.values(), lr=schedule.architecture_rate, betas=(0.5, 0.999), weight_decay=5e-4
    )
    first, last = schedule.temperature
    for step in range(schedule.steps):
        temperature = first * (last / first) ** (step / max(1, schedule.steps - 1))
        loss = _loss(net, train, net.gates(temperature, generator))
        _step(net, weights, loss)
        rates.step()
        if step >= schedule.warmup * schedule.steps:
            gates = net.gates(temperature, generator)
            loss = _loss(net, held, gates)
            loss = loss + schedule.cost_weight * penalty(cost(net.space, gates), target, schedule.penalty)
            _step(net, architecture, loss)


def _loss(net: Supernet, batches: Batches, gates: dict[str, Tensor]) -> Tensor:
    clips, labels = next(batches)
    return functional.cross_entropy(net(clips, gates), labels)


def _step(net: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    net.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def penalty(cost: Float[Tensor, ""], target: float, kind: Penalty) -> Float[Tensor, ""]:
    """What is added to the loss for a network of this cost.

    >>> float(penalty(torch.tensor(150.0), 100.0, "gap"))
    0.5
    """
    if kind == "gap":
        return (cost / target - 1).abs()
    return cost.log() / math.log(target)


@torch.no_grad()
def recalibrate(model: nn.Module, clips: Iterable[Float[Tensor, "batch time channel height width"]]) -> None:
    """Norm statistics anew from these clips, as the mean over batches: cut weights need it before they are used."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm3d)]
    was_training, momenta = model.training, [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    model.train()
    for clip in clips:
        model(clip)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)
