"""What a machine cannot do is said before training, not in the middle of it."""

from __future__ import annotations

import importlib.util
import os
import shutil

import torch

from onlooker.errors import ConfigError
from onlooker.training.recipe import Loop

COMPILERS = ("g++", "clang++", "c++", "cl")


def check_machine(loop: Loop, device: torch.device, processes: int) -> None:
    """Raises ConfigError for number types, compilation or sharding that would fail or go wrong on this device."""
    _check_precision(loop, device)
    if loop.compile:
        _check_compiler(device)
    if loop.shard:
        _check_sharding(loop, processes)


def _check_precision(loop: Loop, device: torch.device) -> None:
    if loop.precision == "fp16" and device.type != "cuda":
        raise ConfigError(
            f"loop.precision=fp16 needs a CUDA device, for its loss scaling; this is {device.type}: use bf16 or no."
        )
    if loop.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ConfigError("loop.precision=bf16 is not supported by this GPU: use fp16 or no.")


def _check_compiler(device: torch.device) -> None:
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise ConfigError("loop.compile on a GPU needs the package triton: install it or drop loop.compile.")
    if device.type == "cpu" and not any(shutil.which(name) for name in (os.environ.get("CXX", ""), *COMPILERS) if name):
        raise ConfigError("loop.compile on the CPU needs a C++ compiler such as g++: install one or drop loop.compile.")


def _check_sharding(loop: Loop, processes: int) -> None:
    if processes < 2:
        raise ConfigError("loop.shard deals the model to several processes: start them with torchrun, or drop it.")
    if loop.precision == "fp16":
        raise ConfigError("loop.shard and loop.precision=fp16 do not go together: use bf16 or no.")
    if loop.compile:
        raise ConfigError("loop.shard and loop.compile do not go together: drop one of them.")
