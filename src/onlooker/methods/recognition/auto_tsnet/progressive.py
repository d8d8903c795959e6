"""The progressive search: streams, then exchange, then attention, each in a supernet of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet.config import Config
from onlooker.methods.recognition.auto_tsnet.cost import Cost, multiply_adds, one_hot
from onlooker.methods.recognition.auto_tsnet.model import AutoTSNet
from onlooker.methods.recognition.auto_tsnet.space import STAGES, Choices, Space
from onlooker.methods.recognition.auto_tsnet.supernet import Supernet

Batches = Iterator[tuple[Float[Tensor, "batch time channel height width"], Int[Tensor, " batch"]]]
Penalty = Literal["gap", "log"]
DRAWN, JUDGED = 5, 16
"""Networks drawn for each candidate at the end of a stage, and the held-out batches that judge them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How each stage is searched. None of these numbers could be retrieved from the paper.

    `steps` updates of the weights, each on one network: in the first `warmup` of them all options are equally likely,
    then as likely as the architecture says, which is updated after each step on a drawn mixture.
    `temperature` falls exponentially from the first value to the second while it is. `cost_weight` times the penalty
    is added to the architecture's loss: `gap` is |C / target - 1|, `log` is log C / log target, with C the expected
    cost of a network that is drawn.

    At the end a stage takes the most probable options; or, when `candidates` is above 0, the best on held-out clips of
    so many networks drawn with these probabilities, of those that miss the target by `tolerance` at most. With
    `finalists` above 1 the supernet's weights only choose the finalists; each is then trained alone for `trial`
    steps, and the best on held-out clips wins.
    """

    steps: int = 300
    warmup: float = 0.2
    rate: float = 0.015
    architecture_rate: float = 1e-2
    temperature: tuple[float, float] = (5.0, 0.3)
    cost_weight: float = 1.0
    penalty: Penalty = "gap"
    candidates: int = 0
    tolerance: float = 0.05
    finalists: int = 1
    trial: int = 150


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
    order, schedule = tuple(stages), schedule or Schedule()
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
        net = net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # faster on processors
        _run_stage(net, train, held, target, schedule, cost, generator)
        choices.update(_choose(net, train, held, target, schedule, cost, generator))
        final = net.gates(1.0)
        for name in free:
            pairs = zip(space.options[name], final[name].tolist(), strict=True)
            probabilities[name] = {str(option): share for option, share in pairs}
    return Found(space.config(choices), float(cost(space, one_hot(space, choices))), probabilities)


def _run_stage(
    net: Supernet, train: Batches, held: Batches, target: float, schedule: Schedule, cost: Cost, generator: Generator
) -> None:
    weights = torch.optim.AdamW(net.weights(), weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(weights, schedule.rate, total_steps=schedule.steps)
    architecture = torch.optim.Adam(
        net.alpha.values(), lr=schedule.architecture_rate, betas=(0.5, 0.999), weight_decay=5e-4
    )
    warm = round(schedule.warmup * schedule.steps)
    first, last = schedule.temperature
    for step in range(schedule.steps):
        choices = net.space.random(generator) if step < warm else net.draw(generator)
        clips, labels = next(train)
        _step(net, weights, functional.cross_entropy(net.derived(clips, choices), labels))
        rates.step()
        if step >= warm:
            temperature = first * (last / first) ** ((step - warm) / max(1, schedule.steps - 1 - warm))
            clips, labels = next(held)
            loss = functional.cross_entropy(net(clips, net.gates(temperature, generator)), labels)
            # the expected cost itself: that of a drawn mixture is beside the target in almost every step, and its
            # gradient, always of full size, would be louder than what the clips say
            expected = cost(net.space, net.gates(1.0))
            _step(net, architecture, loss + schedule.cost_weight * penalty(expected, target, schedule.penalty))


def _choose(
    net: Supernet, train: Batches, held: Batches, target: float, schedule: Schedule, cost: Cost, generator: Generator
) -> Choices:
    """The most probable options, or the candidate with the least loss on held-out clips."""
    if not schedule.candidates:
        return net.best()
    clips, labels = (torch.cat(parts) for parts in zip(*(next(held) for _ in range(JUDGED)), strict=True))

    def loss(model: Callable[[Tensor], Tensor]) -> float:
        with torch.no_grad():
            return float(functional.cross_entropy(model(clips), labels))

    near = _near(net, target, schedule, cost, generator)
    ranked = sorted(near, key=lambda choices: loss(lambda batch: net.derived(batch, choices)))
    if schedule.finalists < 2:
        return ranked[0]

    def trained(choices: Choices) -> AutoTSNet:
        model = AutoTSNet(net.space.config(choices), generator=generator).to(clips.device)
        return fit(model, train, schedule.trial, schedule.rate)

    return min(ranked[: schedule.finalists], key=lambda choices: loss(trained(choices)))


def _near(net: Supernet, target: float, schedule: Schedule, cost: Cost, generator: Generator) -> list[Choices]:
    """Different networks, drawn as the architecture says, within the tolerance; the nearest where none is."""
    drawn = [net.best(), *(net.draw(generator) for _ in range(DRAWN * schedule.candidates))]
    networks: dict[Config, Choices] = {net.space.config(choices): choices for choices in drawn}

    def miss(choices: Choices) -> float:
        return max(schedule.tolerance, abs(float(cost(net.space, one_hot(net.space, choices))) / target - 1))

    missed = [(miss(choices), choices) for choices in networks.values()]
    least = min(amount for amount, _ in missed)
    return [choices for amount, choices in missed if amount == least][: schedule.candidates]


def fit(model: AutoTSNet, train: Batches, steps: int, rate: float) -> AutoTSNet:
    """Train a network alone (AdamW, one-cycle rate up to `rate`); it is returned for evaluation."""
    model = model.train().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # faster on processors
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        clips, labels = next(train)
        _step(model, optimiser, functional.cross_entropy(model(clips), labels))
        rates.step()
    return model.eval()


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
