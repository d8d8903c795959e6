"""Optimiser and parameter groups: weight decay by name, rates by depth."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from onlooker.errors import ConfigError
from onlooker.training.recipe import Optimizer


def layer_of(model: nn.Module) -> dict[str, int]:
    """Depth of each parameter: 0 before the longest list of blocks, 1.. inside it, one more than its length after.

    Models without such a list are one layer. Parameters count as "before" by the order in which they are registered.

    >>> blocks = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])
    >>> model = nn.ModuleDict({"stem": nn.Linear(1, 1), "blocks": blocks, "head": nn.Linear(1, 1)})
    >>> [layer_of(model)[name] for name in ("stem.bias", "blocks.0.bias", "blocks.1.bias", "head.bias")]
    [0, 1, 2, 3]
    """
    lists = {name: len(module) for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    if not lists:
        return {name: 0 for name, _ in model.named_parameters()}
    stack = max(lists, key=lambda name: lists[name])
    layers, passed = {}, False
    for name, _ in model.named_parameters():
        if name.startswith(stack + "."):
            passed = True
            layers[name] = 1 + int(name[len(stack) + 1 :].split(".")[0])
        else:
            layers[name] = lists[stack] + 1 if passed else 0
    return layers


def parameter_groups(model: nn.Module, recipe: Optimizer) -> list[dict[str, Any]]:
    """Groups with equal rate and decay; each keeps its `scale` of the base rate and the `names` of its parameters.

    Frozen parameters are left out. Raises ConfigError when a name in the recipe fits no parameter.
    """
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    for part in (*recipe.no_decay, *recipe.rates):
        if not any(part in name for name in trained):
            raise ConfigError(f"the recipe's optimizer speaks of {part!r}, but no parameter's name contains it.")
    layers = layer_of(model)
    last = max(layers.values(), default=0)
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, parameter in trained.items():
        decay = 0.0 if any(part in name for part in recipe.no_decay) else recipe.weight_decay
        scale = recipe.layer_decay ** (last - layers[name])
        for part, factor in recipe.rates.items():
            scale *= factor if part in name else 1.0
        group = groups.setdefault((scale, decay), {"params": [], "names": [], "scale": scale, "weight_decay": decay})
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())


def make_optimizer(model: nn.Module, recipe: Optimizer) -> torch.optim.Optimizer:
    """SGD or AdamW over the groups; `set_rate` must be called before each step."""
    groups = parameter_groups(model, recipe)
    if recipe.name == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov)
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its share of the base rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
