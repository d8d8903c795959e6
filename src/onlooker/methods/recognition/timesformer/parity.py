"""Reads a fixture of the released TimeSformer (any size and depth) and compares every recorded tensor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.timesformer.config import Attention, Config
from onlooker.methods.recognition.timesformer.convert import official
from onlooker.methods.recognition.timesformer.model import TimeSformer
from onlooker.weights.loading import load_weights

_SCHEMES: dict[str, Attention] = {
    "divided_space_time": "divided",
    "joint_space_time": "joint",
    "space_only": "space",
}


def config_of(described: dict[str, Any]) -> Config:
    """Our Config for a fixture's config.json. Raises ConfigError for a scheme that was never released."""
    if described["attention_type"] not in _SCHEMES:
        raise ConfigError(f"config.json: unknown attention_type {described['attention_type']!r}.")
    return Config(
        attention=_SCHEMES[described["attention_type"]],
        frames=described["num_frames_trained"],
        size=described["image_size"],
        patch=described["patch_size"],
        dim=described["embed_dim"],
        depth=described["depth"],
        heads=described["num_heads"],
        mlp_ratio=described["mlp_ratio"],
        qkv_bias=described["qkv_bias"],
        norm_eps=described["layernorm_eps"],
        classes=described["num_classes"],
    )


def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each output of the fixture that the model produces."""
    config = config_of(json.loads((folder / "config.json").read_text()))
    model = TimeSformer(config).eval()
    load_weights(model, folder / "weights.safetensors", official(config.attention))
    recorded = load_file(folder / "outputs.safetensors")
    # the reference takes (batch, channel, time, height, width)
    ours = run(model, load_file(folder / "inputs.safetensors")["video"].transpose(1, 2))
    for name, reference in recorded.items():
        if name in ours:
            yield name, ours[name], reference


def run(model: TimeSformer, clip: Tensor) -> dict[str, Tensor]:
    """The model's results, as `forward` makes them, and the inner tensors that fixtures record.

    Those come from a second pass with gradients on, in which no layers are merged and no token is left out.
    """
    kept: dict[str, Tensor] = {}
    first = model.blocks[0]
    steps = dict(first.named_modules())
    hooks = [
        first.register_forward_pre_hook(_keep_input(kept, "tokens_into_block0")),
        first.register_forward_hook(_keep_output(kept, "tokens_after_block0")),
    ]
    for step, name in (("time", "block0_temporal_attn_out"), ("space", "block0_spatial_attn_out")):
        if "steps.time" in steps:
            hooks.append(steps[f"steps.{step}.attention.proj"].register_forward_hook(_keep_output(kept, name)))
    try:
        with torch.enable_grad():
            model.encode(clip)
    finally:
        for hook in hooks:
            hook.remove()
    with torch.no_grad():
        return kept | {"features": model.features(clip), "logits": model(clip)}


def _keep_input(kept: dict[str, Tensor], name: str) -> Any:
    def hook(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        kept[name] = arguments[0]

    return hook


def _keep_output(kept: dict[str, Tensor], name: str) -> Any:
    def hook(module: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        kept[name] = output

    return hook
