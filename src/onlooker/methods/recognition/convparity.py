"""What the parity checks of pytorchvideo's single-pathway networks share: reading a fixture, and the head's answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.nn.residual3d import Maps


def read_fixture(folder: Path) -> tuple[dict[str, Any], Clip]:
    """The arguments that the original was built with, and the recorded clip with time before channels."""
    arguments: dict[str, Any] = json.loads((folder / "config.json").read_text())["all_arguments"]
    return arguments, load_file(folder / "inputs.safetensors")["video"].transpose(1, 2)


def stage_outputs(model: ConvClassifier, stem: Callable[[Maps], Maps], stages: nn.ModuleList, clip: Clip) -> list[Maps]:
    """The maps of the stem and of each stage of `model`."""
    blocks = [stem(channels_first(clip, model.config.channels))]
    for stage in stages:
        blocks.append(stage(blocks[-1]))
    return blocks


def named_outputs(
    model: ConvClassifier, blocks: Sequence[Maps], positions: Maps, arguments: Mapping[str, Any]
) -> dict[str, Tensor]:
    """All blocks by number, and what the head makes of `positions`: softmax at each if asked for, then the mean."""
    answers = model.head(positions.movedim(1, -1))
    if arguments["head_activation"] == "Softmax":
        answers = answers.softmax(dim=-1)
    named = {f"block{number}": maps for number, maps in enumerate(blocks)}
    return {**named, "output": answers.mean(dim=(1, 2, 3))}


def beside_recorded(folder: Path, ours: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each recorded output that we have."""
    for name, reference in load_file(folder / "outputs.safetensors").items():
        if name in ours:
            yield name, ours[name], reference
