"""Reads a fixture of pytorchvideo's R(2+1)D (any size and depth) and compares it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.r2plus1d.config import Config
from onlooker.methods.recognition.r2plus1d.convert import convert
from onlooker.methods.recognition.r2plus1d.model import R2Plus1d
from onlooker.nn.residual3d import window_average
from onlooker.weights.loading import load_weights


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each block and the output."""
    arguments: dict[str, Any] = json.loads((folder / "config.json").read_text())["all_arguments"]
    clip = load_file(folder / "inputs.safetensors")["video"].transpose(1, 2)
    settings = {
        "frames": clip.shape[1],
        "size": clip.shape[-1],
        "spatial_strides": tuple(arguments["stage_spatial_stride"]),
        "temporal_strides": tuple(arguments["stage_temporal_stride"]),
    }
    converted = convert(load_file(folder / "weights.safetensors"), settings=settings)
    model = R2Plus1d(Config(**converted.config)).eval()
    load_weights(model, converted.state)
    ours = run(model, clip, arguments)
    for name, reference in load_file(folder / "outputs.safetensors").items():
        if name in ours:
            yield name, ours[name], reference


@torch.no_grad()
def run(model: R2Plus1d, clip: Tensor, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The outputs of all blocks, and what the head gives: by default a softmax at every position, then the mean."""
    blocks = [model.stem(channels_first(clip, model.config.channels))]
    for stage in model.stages:
        blocks.append(stage(blocks[-1]))
    answers = model.head(window_average(blocks[-1], tuple(arguments["head_pool_kernel_size"])).movedim(1, -1))
    if arguments["head_activation"] == "Softmax":
        answers = answers.softmax(dim=-1)
    named = {f"block{number}": maps for number, maps in enumerate(blocks)}
    return {**named, "output": answers.mean(dim=(1, 2, 3))}
