"""Reads a fixture of pytorchvideo's X3D (any size and expansion) and compares it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convparity import beside_recorded, named_outputs, read_fixture, stage_outputs
from onlooker.methods.recognition.x3d.config import Config, expanded
from onlooker.methods.recognition.x3d.convert import convert
from onlooker.methods.recognition.x3d.model import X3D
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output.

    The network is built from the fixture's factors, so that the rule of expansion is compared too.
    """
    arguments, clip = read_fixture(folder)
    if arguments["stem_dim_in"] != 12 or arguments["head_bn_lin5_on"]:
        raise ConfigError("config.json: another stem or head than that of the released X3D networks.")
    settings = {
        "frames": arguments["input_clip_length"],
        "size": arguments["input_crop_size"],
        "inner": arguments["bottleneck_factor"],
        "gate": arguments["se_ratio"],
        **expanded(arguments["width_factor"], arguments["depth_factor"]),
    }
    converted = convert(load_file(folder / "weights.safetensors"), settings=settings)
    model = X3D(Config(**converted.config)).eval()
    load_weights(model, converted.state)
    yield from beside_recorded(folder, run(model, clip, arguments))


@torch.no_grad()
def run(model: X3D, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks, and what the head gives."""
    blocks = stage_outputs(model, model.stem, model.stages, clip)
    side = math.ceil(arguments["input_crop_size"] / 32)
    positions = model.reduce(blocks[-1], (arguments["input_clip_length"], side, side))
    return named_outputs(model, blocks, positions, arguments)
