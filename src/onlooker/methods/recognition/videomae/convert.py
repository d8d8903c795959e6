"""Checkpoint layouts of VideoMAE: the original `.pth` files, Hugging Face's, and both of pre-training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.videomae.config import VARIANTS, Config
from onlooker.methods.recognition.videomae.model import VideoMae
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

_BLOCK = (
    ("norm1.{kind}", "norm.{kind}"),
    ("attn.q_bias", "attention.query_bias"),
    ("attn.v_bias", "attention.value_bias"),
    ("attn.qkv.weight", "attention.qkv.weight"),
    ("attn.proj.{kind}", "attention.proj.{kind}"),
    ("norm2.{kind}", "mlp_norm.{kind}"),
    ("mlp.{layer}.{kind}", "mlp.{layer}.{kind}"),
    ("gamma_1", "scale"),
    ("gamma_2", "mlp_scale"),
)
_ENCODER = (
    ("patch_embed.proj.{kind}", "encoder.patches.projection.{kind}"),
    *((f"blocks.{{i}}.{theirs}", f"encoder.blocks.{{i}}.{ours}") for theirs, ours in _BLOCK),
)

OFFICIAL = KeyMap(
    (*_ENCODER, ("fc_norm.{kind}", "norm.{kind}"), ("head.{kind}", "head.{kind}")), prefixes=("module.", "model.")
)
"""Names of the fine-tuned classifier's files (MCG-NJU/VideoMAE)."""

PRETRAINING = KeyMap(
    tuple((f"encoder.{theirs}", ours) for theirs, ours in _ENCODER),
    prefixes=("module.", "model."),
    ignored=("encoder.norm.{kind}", "decoder.{rest*}", "encoder_to_decoder.weight", "mask_token"),
)
"""Names of the pre-training files; only the encoder's blocks go on, its last norm does not."""

_LAYER = "videomae.encoder.layer.{i}."
_HUGGING_FACE_ENCODER = (
    ("videomae.embeddings.patch_embeddings.projection.{kind}", "encoder.patches.projection.{kind}"),
    (_LAYER + "layernorm_before.{kind}", "encoder.blocks.{i}.norm.{kind}"),
    (_LAYER + "attention.attention.q_bias", "encoder.blocks.{i}.attention.query_bias"),
    (_LAYER + "attention.attention.v_bias", "encoder.blocks.{i}.attention.value_bias"),
    # transformers since version 5
    (_LAYER + "attention.attention.query.bias", "encoder.blocks.{i}.attention.query_bias"),
    (_LAYER + "attention.attention.value.bias", "encoder.blocks.{i}.attention.value_bias"),
    (_LAYER + "attention.output.dense.{kind}", "encoder.blocks.{i}.attention.proj.{kind}"),
    (_LAYER + "attention.attention.{part}.weight", "encoder.blocks.{i}.attention.{part}.weight"),
    (_LAYER + "layernorm_after.{kind}", "encoder.blocks.{i}.mlp_norm.{kind}"),
    (_LAYER + "intermediate.dense.{kind}", "encoder.blocks.{i}.mlp.fc1.{kind}"),
    (_LAYER + "output.dense.{kind}", "encoder.blocks.{i}.mlp.fc2.{kind}"),
)
HUGGING_FACE = KeyMap((*_HUGGING_FACE_ENCODER, ("fc_norm.{kind}", "norm.{kind}"), ("classifier.{kind}", "head.{kind}")))
"""Names of transformers' VideoMAEForVideoClassification, after `split_query_key_value`."""

HUGGING_FACE_PRETRAINING = KeyMap(
    _HUGGING_FACE_ENCODER,
    ignored=("videomae.layernorm.{kind}", "decoder.{rest*}", "encoder_to_decoder.weight", "mask_token",
             "position_embeddings", "videomae.embeddings.position_embeddings"),
)  # fmt: skip
"""Names of transformers' VideoMAEForPreTraining; only the encoder's blocks go on."""

LAYOUTS = ("official", "hugging_face", "pretraining", "hugging_face_pretraining")
_PARTS = ("query", "key", "value")


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, recognised from the names when empty. A pre-training file gives its encoder; norm and
    head start anew with `settings["classes"]` classes. `variant` is checked against the file; `settings` overrides
    single numbers, for example `frames`, which no file records (16 of 224 pixels are assumed, as all released files).
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    layout = layout or recognise(state)
    names = {
        "official": OFFICIAL,
        "hugging_face": HUGGING_FACE,
        "pretraining": PRETRAINING,
        "hugging_face_pretraining": HUGGING_FACE_PRETRAINING,
    }[layout]
    ours = rename(state, names)
    if layout.startswith("hugging_face"):
        ours = pack_query_key_value(ours)
    described = {**_describe(ours), **settings}
    if variant and (other := _differences(described, VARIANTS[variant])):
        raise IncompatibleCheckpoint(f"the file is not {variant}: {', '.join(other)}.", mismatched=other)
    if layout.endswith("pretraining"):
        ours = start_from(ours, described)
    return Converted(ours, described, layout)


def recognise(state: Mapping[str, Tensor]) -> str:
    """The layout that the names belong to."""
    pretraining = any(key.endswith("mask_token") for key in state)
    if any(key.startswith("videomae.") for key in state):
        return "hugging_face_pretraining" if pretraining else "hugging_face"
    return "pretraining" if pretraining else "official"


def pack_query_key_value(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One packed weight instead of the three of each block. Raises IncompatibleCheckpoint when one of them lacks."""
    packed = {key: value for key, value in state.items() if not _is_part(key)}
    stems = dict.fromkeys(key.rsplit(".", 2)[0] for key in state if _is_part(key))
    for stem in stems:
        names = [f"{stem}.{part}.weight" for part in _PARTS]
        if missing := [name for name in names if name not in state]:
            raise IncompatibleCheckpoint(
                f"{', '.join(missing)} cannot be found beside its two partners.", missing=missing
            )
        packed[f"{stem}.qkv.weight"] = torch.cat([state[name] for name in names])
    return packed


def split_query_key_value(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undoes `pack_query_key_value`."""
    split: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.endswith("attention.qkv.weight"):
            for part, weight in zip(_PARTS, value.chunk(3), strict=True):
                split[key.replace("qkv", part)] = weight
        else:
            split[key] = value
    return split


def _is_part(key: str) -> bool:
    return re.fullmatch(r".*\.attention\.(query|key|value)\.weight", key) is not None


def _describe(ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """The numbers of a Config that shapes tell; the heads are those of the published model with that width."""
    needed = ("encoder.patches.projection.weight", "encoder.blocks.0.mlp.fc1.weight")
    if missing := [key for key in needed if key not in ours]:
        raise IncompatibleCheckpoint(f"no VideoMAE: {', '.join(missing)} cannot be found.", missing=missing)
    dim, channels, tubelet, patch, _ = ours[needed[0]].shape
    described: dict[str, Any] = {
        "frames": 16,
        "size": 224,
        "tubelet": tubelet,
        "patch": patch,
        "channels": channels,
        "dim": dim,
        "depth": 1 + max(int(key.split(".")[2]) for key in ours if key.startswith("encoder.blocks.")),
        "mlp_ratio": ours[needed[1]].shape[0] / dim,
        # the trained vectors overwrite the starting value
        "layer_scale": 1.0 if any(key.endswith("mlp_scale") for key in ours) else 0.0,
    }
    if "head.weight" in ours:
        described["classes"] = ours["head.weight"].shape[0]
    for config in VARIANTS.values():
        if config.dim == dim:
            described["heads"] = config.heads
    return described


def _differences(described: Mapping[str, Any], variant: Config) -> list[str]:
    """Numbers of the file that are not those of the variant; the classes may differ."""
    wanted = asdict(variant)
    return [
        f"{key} is {value} instead of {wanted[key]}"
        for key, value in described.items()
        if key != "classes" and wanted[key] != value
    ]


def start_from(
    encoder: Mapping[str, Tensor], described: Mapping[str, Any], *, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """A classifier's whole state that starts from a pre-trained encoder: norm and head are fresh.

    Raises IncompatibleCheckpoint when the encoder is not that of the described configuration.
    """
    heads = described.get("heads", 1)
    start = VideoMae(Config(**{**described, "heads": heads}), generator=generator).state_dict()
    wanted = {key for key in start if key.startswith("encoder.")}
    if wanted != set(encoder):
        missing, unexpected = sorted(wanted - set(encoder)), sorted(set(encoder) - wanted)
        raise IncompatibleCheckpoint(
            f"not a VideoMAE encoder: missing {missing or 'none'}, unexpected {unexpected or 'none'}.",
            missing=missing,
            unexpected=unexpected,
        )
    return {**start, **encoder}
