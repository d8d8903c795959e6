"""A model and its optimiser cut into parts, one for each process, and put together again for files (FSDP2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def shard_model(model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device, count: int) -> None:
    """Cut weights, and moments that a checkpoint left in the optimiser, into `count` parts; in place.

    The weights are gathered as one for each step, because models use parts of their blocks without calling the block,
    which is where gathering block by block would begin. What is saved is memory for gradients, moments and averages.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (count,))
    names = [list(group["names"]) for group in optimizer.param_groups]
    moments = {
        name: optimizer.state.pop(parameter, {})
        for group, listed in zip(optimizer.param_groups, names, strict=True)
        for name, parameter in zip(listed, group["params"], strict=True)
    }
    fully_shard(model, mesh=mesh)
    parameters = dict(model.named_parameters())
    for group, listed in zip(optimizer.param_groups, names, strict=True):
        group["params"] = [parameters[name] for name in listed]
        for name in listed:
            if moments[name]:
                optimizer.state[parameters[name]] = {
                    key: like(value, parameters[name]) for key, value in moments[name].items()
                }


def like(value: Any, parameter: Tensor) -> Any:
    """A whole tensor cut up as `parameter` is, when both have one shape."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(parameter, DTensor) or not isinstance(value, Tensor) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, or all parts of one that is cut up; then every process must ask for it."""
    gathered: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return gathered


def whole_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`whole` for each tensor, in the order of the names, which is the same on every process."""
    return {name: whole(tensor) for name, tensor in sorted(state.items())}
