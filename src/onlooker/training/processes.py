"""Devices and processes: accelerate where it is installed, one plain process on the CPU otherwise."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from onlooker.errors import ConfigError, MissingDependency
from onlooker.training.guards import check_machine
from onlooker.training.recipe import Loop
from onlooker.training.sharding import shard_model, whole


class Processes(Protocol):
    """What the loop asks of the machinery below it."""

    rank: int
    count: int
    device: torch.device

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]: ...
    def compute(self) -> AbstractContextManager[Any]:
        """Around the forward pass: number types."""
        ...

    def accumulate(self, model: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Around one micro-batch: gradients are exchanged only after the last."""
        ...

    def backward(self, loss: Tensor) -> None: ...
    def clip(self, model: nn.Module, norm: float | None) -> Tensor:
        """The gradient's norm over all parameters, cut to `norm` if given; after this gradients are unscaled."""
        ...

    def total(self, value: Tensor) -> Tensor:
        """The sum over processes."""
        ...

    def gather(self, rows: list[Any]) -> list[Any]:
        """The rows of all processes."""
        ...

    @property
    def lockstep(self) -> bool:
        """Whether a forward pass needs all processes at once."""
        ...

    def wait(self) -> None: ...
    def scaler_state(self) -> dict[str, Any]: ...
    def load_scaler(self, state: dict[str, Any]) -> None: ...


class PlainProcess:
    """One process in float32; needs nothing installed."""

    rank = 0
    count = 1
    lockstep = False

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        return model, optimizer

    def compute(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def accumulate(self, model: nn.Module, last: bool) -> AbstractContextManager[Any]:
        del model, last
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def clip(self, model: nn.Module, norm: float | None) -> Tensor:
        return gradient_norm(model, norm)

    def total(self, value: Tensor) -> Tensor:
        return value

    def gather(self, rows: list[Any]) -> list[Any]:
        return rows

    def wait(self) -> None:
        return None

    def scaler_state(self) -> dict[str, Any]:
        return {}

    def load_scaler(self, state: dict[str, Any]) -> None:
        del state


class Accelerated:
    """accelerate's view of the machine: CPU, one GPU, or the processes that torchrun started."""

    lockstep = False

    def __init__(self, loop: Loop, device: str | None) -> None:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        # accelerate keeps one global state, and would refuse a second run in this process with other number types
        AcceleratorState._reset_state(reset_partial_state=int(os.environ.get("WORLD_SIZE", "1")) == 1)
        self._accelerator = Accelerator(mixed_precision=loop.precision, cpu=device == "cpu")
        self.rank = int(self._accelerator.process_index)
        self.count = int(self._accelerator.num_processes)
        self.device = torch.device(self._accelerator.device)

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        model, optimizer = self._accelerator.prepare(model, optimizer)
        return model, optimizer

    def compute(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = self._accelerator.autocast()
        return context

    @contextmanager
    def accumulate(self, model: nn.Module, last: bool) -> Iterator[None]:
        if last:
            yield
        else:
            with self._accelerator.no_sync(model):
                yield

    def backward(self, loss: Tensor) -> None:
        self._accelerator.backward(loss)

    def clip(self, model: nn.Module, norm: float | None) -> Tensor:
        self._accelerator.unscale_gradients()
        return gradient_norm(model, norm)

    def total(self, value: Tensor) -> Tensor:
        summed: Tensor = self._accelerator.reduce(value, "sum")
        return summed

    def gather(self, rows: list[Any]) -> list[Any]:
        from accelerate.utils import gather_object

        return list(gather_object(rows))

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()

    def scaler_state(self) -> dict[str, Any]:
        scaler = self._accelerator.scaler
        return {} if scaler is None else dict(scaler.state_dict())

    def load_scaler(self, state: dict[str, Any]) -> None:
        if self._accelerator.scaler is not None and state:
            self._accelerator.scaler.load_state_dict(state)


class Sharded(Accelerated):
    """Each process holds its part of every gradient and moment, and between steps of every weight (FSDP2).

    accelerate starts the processes and gives number types; sharding itself is PyTorch's, since accelerate's own wants
    the optimiser made afterwards. The whole model is on each process before it is cut up.
    """

    lockstep = True

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        shard_model(model, optimizer, self.device, self.count)
        return model, optimizer

    @contextmanager
    def accumulate(self, model: nn.Module, last: bool) -> Iterator[None]:
        model.set_requires_gradient_sync(last)  # type: ignore[operator] # fully_shard adds it
        yield


def gradient_norm(model: nn.Module, limit: float | None) -> Tensor:
    """The norm of all gradients; they are scaled down to `limit` where it is exceeded."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if limit is not None:
        torch.nn.utils.clip_grads_with_norm_(model.parameters(), limit, norm)
    return whole(norm)


def start_processes(loop: Loop, device: str | None = None) -> Processes:
    """What this machine offers: `device` is cpu, cuda, or None for the best there is.

    Raises MissingDependency when the recipe or torchrun needs accelerate and it is not installed, ConfigError for a
    device that is not there or a batch that cannot be dealt out evenly.
    """
    if device is not None and device.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"--device {device}: torch sees no CUDA device here. Use --device cpu.")
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true":
        raise ConfigError(
            "accelerate was told to shard the model (FSDP), which would bypass the checkpoints here: start with "
            "torchrun and say loop.shard=true."
        )
    count = int(os.environ.get("WORLD_SIZE", "1"))
    check_machine(loop, torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")), count)
    if importlib.util.find_spec("accelerate") is not None:
        processes: Processes = Sharded(loop, device) if loop.shard else Accelerated(loop, device)
    elif count > 1 or loop.precision != "no":
        raise MissingDependency(
            "several processes and reduced precision need accelerate: pip install 'onlooker[train]'."
        )
    else:
        processes = PlainProcess(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if loop.batch % (loop.accumulate * processes.count):
        raise ConfigError(
            f"loop.batch={loop.batch} cannot be dealt evenly to {processes.count} processes times "
            f"loop.accumulate={loop.accumulate} parts: change one of them."
        )
    return processes
