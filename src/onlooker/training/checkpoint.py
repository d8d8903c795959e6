"""Checkpoints: one safetensors file with everything a run needs to go on, its small state as JSON in the header.

One file is written whole or not at all, so model, optimiser and position always belong together; no pickle.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from onlooker.errors import StorageError, WeightsError
from onlooker.storage import atomic_write, make_folder, remove_leftovers
from onlooker.training.ema import Ema
from onlooker.training.sharding import whole_state
from onlooker.weights.header import read_header

FORMAT = 1
NAME = re.compile(r"step-(\d{8})\.safetensors")
METADATA_KEY = "onlooker.training"


@dataclass
class Position:
    """Where a run is: optimiser steps done in all and within the epoch, steps skipped, and the best score so far."""

    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    bad_steps: int = 0
    best: float | None = None
    scaler: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All tensors of a run, put together from all processes, and the numbers that belong to them."""

    tensors: dict[str, Tensor]
    numbers: dict[str, Any]
    ema_updates: int | None


def snapshot(model: nn.Module, optimizer: torch.optim.Optimizer, ema: Ema | None) -> Snapshot:
    """What there is to save; every process must ask for it where the model is sharded."""
    tensors: dict[str, Tensor] = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if ema is not None:
        tensors |= {f"ema.{name}": tensor for name, tensor in ema.shadow.items()}
    moments, numbers = _split_optimizer(optimizer)
    return Snapshot(whole_state(tensors | moments), numbers, None if ema is None else ema.updates)


def save_checkpoint(path: Path, saved: Snapshot, position: Position, recipe: str) -> None:
    """Write everything. `recipe` is the digest of what the run was asked to do. Raises StorageError, DiskFull."""
    tensors = dict(saved.tensors)
    tensors["rng.torch"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    state = {
        "format": FORMAT,
        "recipe": recipe,
        "position": asdict(position),
        "optimizer": saved.numbers,
        "ema_updates": saved.ema_updates,
        "python_rng": _python_random(),
        "numpy_rng": _numpy_random(),
    }
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}
    atomic_write(path, save(plain, metadata={METADATA_KEY: json.dumps(state, sort_keys=True)}))


def load_checkpoint(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, ema: Ema | None, *, recipe: str | None = None
) -> Position:
    """Put everything back, random states included, and give the position.

    Raises WeightsError or UnsafeCheckpoint for a damaged file, StorageError for a checkpoint of another recipe.
    """
    state, tensors = _open(path)
    if recipe is not None and state["recipe"] != recipe:
        raise StorageError(f"{path.name} belongs to another recipe: choose another folder with --out.")
    model.load_state_dict(_under(tensors, "model."))
    if ema is not None:
        ema.load(_under(tensors, "ema."), state["ema_updates"])
    _restore_optimizer(optimizer, tensors, state["optimizer"])
    torch.set_rng_state(tensors["rng.torch"])
    if "rng.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["rng.cuda"])
    version, numbers, gauss = state["python_rng"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, position, has_gauss, cached = state["numpy_rng"]
    np.random.set_state((name, np.array(keys, np.uint32), position, has_gauss, cached))  # noqa: NPY002
    return Position(**state["position"])


def _open(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    header = read_header(path)
    try:
        state = json.loads(header.metadata[METADATA_KEY])
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']}, this version reads {FORMAT}")
        return state, load_file(path)
    except Exception as error:
        raise WeightsError(f"{path.name} is no checkpoint of a training run ({error}). Delete it.") from error


def _split_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Moments by the name of their parameter; numbers apart."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for group in optimizer.param_groups:
        for name, parameter in zip(group["names"], group["params"], strict=True):
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{key}.{name}"] = value
                elif value is not None:
                    numbers.setdefault(name, {})[key] = value
    return tensors, numbers


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]
) -> None:
    names = [name for group in optimizer.param_groups for name in group["names"]]
    places = {name: index for index, name in enumerate(names)}
    state: dict[int, dict[str, Any]] = {places[name]: dict(values) for name, values in numbers.items()}
    for key, tensor in _under(tensors, "optimizer.").items():
        kind, _, name = key.partition(".")
        state.setdefault(places[name], {})[kind] = tensor
    whole = optimizer.state_dict()
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _python_random() -> list[Any]:
    version, numbers, gauss = random.getstate()
    return [version, list(numbers), gauss]


def _numpy_random() -> list[Any]:
    state = np.random.get_state(legacy=True)  # noqa: NPY002 - other people's code may draw from it
    assert isinstance(state, tuple)
    name, keys, position, has_gauss, cached = state
    return [name, keys.tolist(), position, has_gauss, cached]


class Store:
    """The checkpoints of one run: the newest `keep` stay."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = make_folder(folder)
        self._keep = keep

    def path(self, step: int) -> Path:
        """Where the checkpoint after `step` lies."""
        return self.folder / f"step-{step:08d}.safetensors"

    def steps(self) -> list[int]:
        """Steps that have a checkpoint, oldest first."""
        return sorted(int(found[1]) for path in self.folder.iterdir() if (found := NAME.fullmatch(path.name)))

    def newest(self) -> Path | None:
        """The newest checkpoint that is whole."""
        for step in reversed(self.steps()):
            try:
                _open(self.path(step))
            except WeightsError:
                continue
            return self.path(step)
        return None

    def tidy(self) -> None:
        """Delete all but the newest, and what a killed writer left."""
        remove_leftovers(self.folder)
        for step in self.steps()[: -self._keep]:
            with suppress(OSError):
                self.path(step).unlink()
