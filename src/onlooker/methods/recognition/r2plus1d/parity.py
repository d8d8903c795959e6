"""Reads a fixture of pytorchvideo's R(2+1)D (any size and depth) and compares it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.recognition.convparity import beside_recorded, named_outputs, read_fixture, stage_outputs
from onlooker.methods.recognition.r2plus1d.config import Config
from onlooker.methods.recognition.r2plus1d.convert import convert
from onlooker.methods.recognition.r2plus1d.model import R2Plus1d
from onlooker.nn.residual3d import window_average
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output."""
    arguments, clip = read_fixture(folder)
    settings = {
        "frames": clip.shape[1],
        "size": clip.shape[-1],
        "spatial_strides": tuple(arguments["stage_spatial_stride"]),
        "temporal_strides": tuple(arguments["stage_temporal_stride"]),
    }
    converted = convert(load_file(folder / "weights.safetensors"), settings=settings)
    model = R2Plus1d(Config(**converted.config)).eval()
    load_weights(model, converted.state)
    yield from beside_recorded(folder, run(model, clip, arguments))


@torch.no_grad()
def run(model: R2Plus1d, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks, and what the head gives: by default a softmax at every position, then the mean."""
    blocks = stage_outputs(model, model.stem, model.stages, clip)
    positions = window_average(blocks[-1], tuple(arguments["head_pool_kernel_size"]))
    return named_outputs(model, blocks, positions, arguments)
