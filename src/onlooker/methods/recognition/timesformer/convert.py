"""Checkpoint layouts of TimeSformer: the original files, Hugging Face's, and inflation of an image transformer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.timesformer.config import VARIANTS, Attention, Config
from onlooker.methods.recognition.timesformer.model import TimeSformer
from onlooker.nn.positions import Resize, resize_space_table, resize_time_table
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

# the step of a block that holds what the released code calls norm1 and attn
_MAIN_STEP: dict[Attention, str] = {"divided": "space", "joint": "joint", "space": "space"}


def _main_step(attention: Attention) -> str:
    if attention not in _MAIN_STEP:
        raise IncompatibleCheckpoint(f"no weights were ever released for the attention scheme {attention!r}.")
    return _MAIN_STEP[attention]


def official(attention: Attention) -> KeyMap:
    """Names of the original `.pyth` files (facebookresearch/TimeSformer); image ViTs of timm use the same ones."""
    main = _main_step(attention)
    rules = [
        ("cls_token", "class_token"),
        ("pos_embed", "space_table"),
        ("patch_embed.proj.{kind}", "patches.projection.{kind}"),
        ("blocks.{i}.norm1.{kind}", f"blocks.{{i}}.steps.{main}.norm.{{kind}}"),
        ("blocks.{i}.attn.{layer}.{kind}", f"blocks.{{i}}.steps.{main}.attention.{{layer}}.{{kind}}"),
        ("blocks.{i}.norm2.{kind}", "blocks.{i}.mlp_norm.{kind}"),
        ("blocks.{i}.mlp.{layer}.{kind}", "blocks.{i}.mlp.{layer}.{kind}"),
        ("norm.{kind}", "norm.{kind}"),
        ("head.{kind}", "head.{kind}"),
    ]
    if attention != "space":
        rules.append(("time_embed", "time_table"))
    if attention == "divided":
        rules += [
            ("blocks.{i}.temporal_norm1.{kind}", "blocks.{i}.steps.time.norm.{kind}"),
            ("blocks.{i}.temporal_attn.{layer}.{kind}", "blocks.{i}.steps.time.attention.{layer}.{kind}"),
            ("blocks.{i}.temporal_fc.{kind}", "blocks.{i}.steps.time.fc.{kind}"),
        ]
    return KeyMap(tuple(rules), prefixes=("module.", "model."))


def hugging_face(attention: Attention) -> KeyMap:
    """Names of transformers' TimesformerForVideoClassification."""
    main = _main_step(attention)
    table, layer = "timesformer.embeddings.", "timesformer.encoder.layer.{i}."
    step = f"blocks.{{i}}.steps.{main}."
    rules = [
        (table + "cls_token", "class_token"),
        (table + "position_embeddings", "space_table"),
        (table + "patch_embeddings.projection.{kind}", "patches.projection.{kind}"),
        (layer + "layernorm_before.{kind}", step + "norm.{kind}"),
        (layer + "attention.attention.qkv.{kind}", step + "attention.qkv.{kind}"),
        (layer + "attention.output.dense.{kind}", step + "attention.proj.{kind}"),
        (layer + "layernorm_after.{kind}", "blocks.{i}.mlp_norm.{kind}"),
        (layer + "intermediate.dense.{kind}", "blocks.{i}.mlp.fc1.{kind}"),
        (layer + "output.dense.{kind}", "blocks.{i}.mlp.fc2.{kind}"),
        ("timesformer.layernorm.{kind}", "norm.{kind}"),
        ("classifier.{kind}", "head.{kind}"),
    ]
    if attention != "space":
        rules.append((table + "time_embeddings", "time_table"))
    if attention == "divided":
        time = "blocks.{i}.steps.time."
        rules += [
            (layer + "temporal_layernorm.{kind}", time + "norm.{kind}"),
            (layer + "temporal_attention.attention.qkv.{kind}", time + "attention.qkv.{kind}"),
            (layer + "temporal_attention.output.dense.{kind}", time + "attention.proj.{kind}"),
            (layer + "temporal_dense.{kind}", time + "fc.{kind}"),
        ]
    return KeyMap(tuple(rules))


LAYOUTS = ("official", "hugging_face", "vit")


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, recognised from the names when empty (`vit` must be asked for: an image transformer
    has the names of a space-only TimeSformer). `variant` is needed for `vit` and checked for the others. `settings`
    overrides single numbers of the configuration, for example `heads`, which no file records.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    layout = layout or _recognise(state)
    if layout == "vit":
        target = replace(VARIANTS[variant or "base"], **settings)
        return Converted(inflate(state, target), asdict(target), layout)
    scheme = _scheme(state)
    names = hugging_face(scheme) if layout == "hugging_face" else official(scheme)
    ours = rename(state, names)
    described = {**_describe(ours, scheme), **settings}
    if variant and (other := _differences(described, VARIANTS[variant])):
        raise IncompatibleCheckpoint(f"the file is not {variant}: {', '.join(other)}.", mismatched=other)
    return Converted(ours, described, layout)


def _recognise(state: Mapping[str, Tensor]) -> str:
    return "hugging_face" if any(key.startswith("timesformer.") for key in state) else "official"


def _scheme(state: Mapping[str, Tensor]) -> Attention:
    if any(".temporal_attn." in key or ".temporal_attention." in key for key in state):
        return "divided"
    return "joint" if any(key.endswith(("time_embed", "time_embeddings")) for key in state) else "space"


def _describe(ours: Mapping[str, Tensor], scheme: Attention) -> dict[str, Any]:
    """The numbers of a Config that shapes tell; heads of 64 channels are assumed where that divides the width."""
    needed = ("class_token", "space_table", "patches.projection.weight", "blocks.0.mlp.fc1.weight", "head.weight")
    if missing := [key for key in needed if key not in ours]:
        raise IncompatibleCheckpoint(f"no TimeSformer: {', '.join(missing)} cannot be found.", missing=missing)
    dim, kernel = ours["class_token"].shape[-1], ours["patches.projection.weight"].shape
    side = math.isqrt(ours["space_table"].shape[1] - 1)
    described: dict[str, Any] = {
        "attention": scheme,
        "frames": ours["time_table"].shape[1] if "time_table" in ours else VARIANTS["base"].frames,
        "size": side * kernel[-1],
        "patch": kernel[-1],
        "channels": kernel[1],
        "dim": dim,
        "depth": 1 + max(int(key.split(".")[1]) for key in ours if key.startswith("blocks.")),
        "mlp_ratio": ours["blocks.0.mlp.fc1.weight"].shape[0] / dim,
        "qkv_bias": any(key.endswith("qkv.bias") for key in ours),
        "classes": ours["head.weight"].shape[0],
    }
    if dim % 64 == 0:
        described["heads"] = dim // 64
    return described


def _differences(described: Mapping[str, Any], variant: Config) -> list[str]:
    """Numbers of the file that are not those of the variant; the classes may differ."""
    wanted = asdict(variant)
    return [
        f"{key} is {value} instead of {wanted[key]}"
        for key, value in described.items()
        if key != "classes" and wanted[key] != value and not (key == "frames" and described["attention"] == "space")
    ]


def inflate(
    image: Mapping[str, Tensor], config: Config, *, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """A TimeSformer that starts from an image vision transformer (names of timm's ViT).

    Space attention is copied; every earlier step of a block copies it too (weights and norm), with its bridging layer
    at zero; the time table is zero; tables are resized to the configuration. The head is kept when the class count is
    the same and drawn anew otherwise. Nothing is skipped silently: raises IncompatibleCheckpoint for any other key.

    Source: section 4.1 and appendix A of arXiv:2102.05095.
    """
    names = official("space")
    start = TimeSformer(config, generator=generator).state_dict()
    image = rename(image, names)
    head = image.get("head.weight")
    if head is None or head.shape[0] != config.classes:
        image = {key: value for key, value in image.items() if not key.startswith("head.")}
    image["space_table"] = resize_space_table(image["space_table"], (config.grid, config.grid))
    used: set[str] = set()
    for key in start:
        source = _image_key(key)
        if source in image:
            start[key] = image[source].clone()
            used.add(source)
    unexpected = sorted(set(image) - used)
    missing = sorted(key for key in start if _image_key(key) not in image and not _starts_fresh(key))
    if unexpected or missing:
        raise IncompatibleCheckpoint(
            f"not an image transformer of this size: missing {missing or 'none'}, unexpected {unexpected or 'none'}.",
            missing=missing,
            unexpected=unexpected,
        )
    return start


def _image_key(key: str) -> str:
    """The image transformer's weight that one of ours starts from."""
    parts = key.split(".")
    if "steps" in parts and parts[4] != "fc":
        parts[3] = "space"
    return ".".join(parts)


def _starts_fresh(key: str) -> bool:
    return key == "time_table" or ".fc." in key or key.startswith("head.")


def resize_tables(
    state: Mapping[str, Tensor], trained: Config, wanted: Config, *, mode: Resize = "nearest"
) -> dict[str, Tensor]:
    """A state of `trained` for a model of `wanted` crop and length: its position tables are resized.

    `mode="legacy"` gives what the released training program did when it loaded a checkpoint for another crop: it
    resized the flattened patch axis, which scrambles rows. Use it only to reproduce such a run.
    """
    grid = (wanted.grid, wanted.grid)
    resized = {**state, "space_table": resize_space_table(state["space_table"], grid, mode=mode)}
    if "time_table" in state and trained.frames != wanted.frames:
        resized["time_table"] = resize_time_table(state["time_table"], wanted.frames)
    return resized
