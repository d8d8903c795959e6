"""Reads a fixture of pytorchvideo's MViT (any size and depth) and compares every recorded tensor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.mvit.config import Config
from onlooker.methods.recognition.mvit.convert import OFFICIAL, without_aliases
from onlooker.methods.recognition.mvit.model import Mvit
from onlooker.weights.loading import load_weights

_FIXED = {
    "cls_embed_on": True,
    "sep_pos_embed": True,
    "enable_patch_embed": True,
    "enable_patch_embed_norm": False,
    "use_2d_patch": False,
    "pooling_mode": "conv",
    "pool_first": False,
    "residual_pool": False,
    "depthwise_conv": True,
    "separate_qkv": True,
    "dim_mul_in_att": False,
    "pool_kv_stride_size": None,
    "head_activation": None,
}
"""Options of the original builder that the published models leave alone."""


def config_of(described: dict[str, Any]) -> Config:
    """Our Config for a fixture's config.json. Raises ConfigError for options that no published model uses."""
    asked = described["all_arguments"]
    if other := [name for name, value in _FIXED.items() if asked.get(name, value) != value]:
        raise ConfigError(f"config.json: {', '.join(other)} differ from what the published models have.")
    kernel, stride = asked["conv_patch_embed_kernel"], asked["conv_patch_embed_stride"]
    if asked["conv_patch_embed_padding"] != [length // 2 for length in kernel]:
        raise ConfigError("config.json: conv_patch_embed_padding is not half the kernel.")
    return Config(
        frames=asked["temporal_size"],
        size=asked["spatial_size"],
        channels=asked["input_channels"],
        stem_kernel=kernel,
        stem_stride=stride,
        dim=asked["patch_embed_dim"],
        depth=asked["depth"],
        heads=asked["num_heads"],
        mlp_ratio=asked["mlp_ratio"],
        qkv_bias=asked["qkv_bias"],
        widen=asked["embed_dim_mul"] or (),
        more_heads=asked["atten_head_mul"] or (),
        query_strides=asked["pool_q_stride_size"] or (),
        kv_stride=asked["pool_kv_stride_adaptive"],
        pool_kernel=asked["pool_kvq_kernel"],
        classes=asked["head_num_classes"],
    )


@torch.no_grad()
def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, our tensor and the recorded one, for each output of the fixture."""
    model = Mvit(config_of(json.loads((folder / "config.json").read_text()))).eval()
    load_weights(model, without_aliases(load_file(folder / "weights.safetensors")), OFFICIAL)
    recorded = load_file(folder / "outputs.safetensors")
    # the reference takes (batch, channel, time, height, width)
    tokens, size = model.embed(load_file(folder / "inputs.safetensors")["video"].transpose(1, 2))
    ours = {}
    for index, block in enumerate(model.blocks):
        tokens, size = block(tokens, size)
        ours[f"block{index}"] = tokens
    ours["output"] = model.head(model.norm(tokens[:, 0]))
    for name, reference in recorded.items():
        if name in ours:
            yield name, ours[name], reference
