"""Reads a fixture of the released fine-tuning classifier (any size and depth) and compares features and logits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.recognition.videomae.config import Config
from onlooker.methods.recognition.videomae.convert import OFFICIAL
from onlooker.methods.recognition.videomae.model import VideoMae
from onlooker.weights.loading import load_weights


def config_of(described: dict[str, Any], mlp_ratio: float) -> Config:
    """Our Config for a fixture's config.json; `mlp_ratio` is told by the weights alone."""
    return Config(
        frames=described["frames"],
        size=described["image"],
        tubelet=described["tubelet"],
        patch=described["patch"],
        dim=described["dim"],
        depth=described["depth"],
        heads=described["heads"],
        mlp_ratio=mlp_ratio,
        classes=described["classes"],
    )


@torch.no_grad()
def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each output of the fixture."""
    weights = load_file(folder / "weights.safetensors")
    hidden, dim = weights["blocks.0.mlp.fc1.weight"].shape
    model = VideoMae(config_of(json.loads((folder / "config.json").read_text()), hidden / dim)).eval()
    load_weights(model, weights, OFFICIAL)
    recorded = load_file(folder / "outputs.safetensors")
    # the reference takes (batch, channel, time, height, width)
    features = model.features(load_file(folder / "inputs.safetensors")["videos"].transpose(1, 2))
    ours = {"features": features, "logits": model.head(features)}
    for name, reference in recorded.items():
        if name in ours:
            yield name, ours[name], reference
