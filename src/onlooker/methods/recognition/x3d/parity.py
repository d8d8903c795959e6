"""Reads a fixture of pytorchvideo's X3D (any size and expansion) and compares it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.x3d.config import Config, expanded
from onlooker.methods.recognition.x3d.convert import convert
from onlooker.methods.recognition.x3d.model import X3D
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output.

    The network is built from the fixture's factors, so that the rule of expansion is compared too.
    """
    arguments: dict[str, Any] = json.loads((folder / "config.json").read_text())["all_arguments"]
    if arguments["stem_dim_in"] != 12 or arguments["head_bn_lin5_on"]:
        raise ConfigError("config.json: another stem or head than that of the released X3D networks.")
    clip = load_file(folder / "inputs.safetensors")["video"].transpose(1, 2)
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
    ours = run(model, clip, arguments)
    for name, reference in load_file(folder / "outputs.safetensors").items():
        if name in ours:
            yield name, ours[name], reference


@torch.no_grad()
def run(model: X3D, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks, and what the head gives."""
    blocks = [model.stem(channels_first(clip, model.config.channels))]
    for stage in model.stages:
        blocks.append(stage(blocks[-1]))
    side = math.ceil(arguments["input_crop_size"] / 32)
    answers = model.head(model.reduce(blocks[-1], (arguments["input_clip_length"], side, side)).movedim(1, -1))
    if arguments["head_activation"] == "Softmax":
        answers = answers.softmax(dim=-1)
    named = {f"block{number}": maps for number, maps in enumerate(blocks)}
    return {**named, "output": answers.mean(dim=(1, 2, 3))}
