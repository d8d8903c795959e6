"""Reads a fixture of pytorchvideo's channel-separated network (any size and depth) and compares it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convparity import beside_recorded, named_outputs, read_fixture, stage_outputs
from onlooker.methods.recognition.csn.config import Config
from onlooker.methods.recognition.csn.convert import convert
from onlooker.methods.recognition.csn.model import CSN
from onlooker.nn.residual3d import window_average
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output."""
    arguments, clip = read_fixture(folder)
    if arguments["stage_spatial_stride"] != [1, 2, 2, 2] or arguments["stage_temporal_stride"] != [1, 2, 2, 2]:
        raise ConfigError("config.json: the strides are not those of CSN.")
    settings = {
        "frames": clip.shape[1],
        "size": clip.shape[-1],
        "stem_pool": arguments["stem_pool"] is not None,
    }
    converted = convert(load_file(folder / "weights.safetensors"), settings=settings)
    model = CSN(Config(**converted.config)).eval()
    load_weights(model, converted.state)
    yield from beside_recorded(folder, run(model, clip, arguments))


@torch.no_grad()
def run(model: CSN, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks, and what the head gives."""
    blocks = stage_outputs(model, model.stem, model.stages, clip)
    positions = window_average(blocks[-1], tuple(arguments["head_pool_kernel_size"]))
    return named_outputs(model, blocks, positions, arguments)
