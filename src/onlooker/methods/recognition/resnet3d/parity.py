"""Reads a fixture of pytorchvideo's residual network (any size, depth and temporal kernels) and compares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.convparity import beside_recorded, named_outputs, read_fixture
from onlooker.methods.recognition.resnet3d.config import Config
from onlooker.methods.recognition.resnet3d.convert import convert
from onlooker.methods.recognition.resnet3d.model import ResNet3d
from onlooker.nn.residual3d import window_average
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output."""
    arguments, clip = read_fixture(folder)
    converted = convert(load_file(folder / "weights.safetensors"), layout="pytorchvideo", settings={})
    config = replace(Config(**converted.config), frames=clip.shape[1], size=clip.shape[-1])
    _check(arguments, config)
    model = ResNet3d(config).eval()
    load_weights(model, converted.state)
    yield from beside_recorded(folder, run(model, clip, arguments))


def _check(arguments: dict[str, Any], config: Config) -> None:
    """Raises ConfigError for arguments that make another network than C2D, I3D or Slow."""
    strides = [arguments["stage_spatial_h_stride"], arguments["stage_temporal_stride"]]
    stages = len(config.depths)
    wanted = [[1] + [2] * (stages - 1), [1] * stages]
    if strides != wanted or any(kernel != [1, 3, 3] for kernel in arguments["stage_conv_b_kernel_size"]):
        raise ConfigError("config.json: strides or spatial kernels are not those of C2D, I3D or Slow.")


@torch.no_grad()
def run(model: ResNet3d, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks in their numbering, and what the head gives."""
    blocks = [model.stem(channels_first(clip, model.config.channels))]
    for number, stage in enumerate(model.stages):
        blocks.append(stage(blocks[-1]))
        if number == 0 and model.config.halve_time:
            blocks.append(model.halve(blocks[-1]))
    positions = window_average(blocks[-1], tuple(arguments["head_pool_kernel_size"]))
    return named_outputs(model, blocks, positions, arguments)
