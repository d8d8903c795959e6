"""Reads a fixture of the released VidTr (separable, merge-later, compact; any size) and compares recorded tensors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from onlooker.methods.comparison import EXACT, Tolerance
from onlooker.methods.recognition.vidtr.config import Config, Kind
from onlooker.methods.recognition.vidtr.convert import import_official
from onlooker.methods.recognition.vidtr.layers import Layer
from onlooker.methods.recognition.vidtr.model import VidTr
from onlooker.weights.loading import load_weights


def config_of(described: dict[str, Any]) -> Config:
    """Our Config for a fixture's config.json."""
    frames, size = described["input_shape_BCTHW"][2], described["input_shape_BCTHW"][3]
    kind: Kind = described["model"] if not described.get("merge_later") else "merge_later"
    pooled = zip(described.get("layer_pool", ()), described.get("frames_dropped", ()), strict=True)
    return Config(
        kind=kind,
        frames=frames,
        size=size,
        patch=described["patch_size"][-1],
        dim=described["d_model"],
        depth=described["layers"],
        heads=described["nhead"],
        hidden=described["dim_feedforward"],
        merge_index=described.get("merge_index", 0),
        pooling=" ".join(f"{layer}:{drop}" for layer, drop in pooled),
        position="every" if kind == "separable" and frames == 16 else "first",
        norm_eps=described["layernorm_eps"],
        classes=described["num_classes"],
    )


@torch.no_grad()
def parity(folder: Path) -> Iterator[tuple[str, Tensor, Tensor] | tuple[str, Tensor, Tensor, Tolerance]]:
    """Name, our tensor and the recorded one, for each output; recorded tokens are (length, batch, dim)."""
    model = VidTr(config_of(json.loads((folder / "config.json").read_text()))).eval()
    load_weights(model, import_official(load_file(folder / "weights.safetensors")))
    recorded = load_file(folder / "outputs.safetensors")
    # the reference takes (batch, channel, time, height, width)
    ours = run(model, load_file(folder / "inputs.safetensors")["video"].transpose(1, 2))
    for name, reference in recorded.items():
        if name.endswith("kept_index"):
            yield name, ours[name], reference, EXACT
        elif name in ours:
            yield name, ours[name], reference


def run(model: VidTr, clip: Tensor) -> dict[str, Tensor]:
    """The model's results and the inner tensors that fixtures record, in their order of axes."""
    tokens, position, places = model.embed(clip)
    kept: dict[str, Tensor] = {"tokens_into_layer0": tokens.transpose(0, 1)}
    first = model.layers[0]
    assert isinstance(first, Layer)
    _, attended, _ = first.attend(tokens, first.attention_norm(tokens) + position, places)
    kept["layer0_attn_out"] = attended.transpose(0, 1)
    for index, layer in enumerate(model.layers):
        here = position if index == 0 or model.config.position == "every" else None
        tokens, chosen = layer(tokens, places, here)
        kept[f"tokens_after_layer{index}"] = tokens.transpose(0, 1)
        if chosen is not None:
            # recorded as head x batch x place, flattened
            kept[f"layer{index}_kept_index"] = chosen.transpose(0, 1).flatten(0, 2)
    kept["logits"] = model.head(model.norm(tokens)[:, 0])
    return kept
