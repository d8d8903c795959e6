"""Checkpoint layouts of VidTr: the released files, and inflation of an image transformer in their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.vidtr.config import VARIANTS, Config
from onlooker.methods.recognition.vidtr.model import VidTr
from onlooker.nn.positions import resize_space_table
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

_LAYER = (
    ("self_attn.in_proj_{kind}", "attention.qkv.{kind}"),
    ("self_attn.out_proj.{kind}", "attention.proj.{kind}"),
    ("linear1.{kind}", "mlp.fc1.{kind}"),
    ("linear2.{kind}", "mlp.fc2.{kind}"),
    ("norm1.{kind}", "attention_norm.{kind}"),
    ("norm2.{kind}", "mlp_norm.{kind}"),
)
OFFICIAL = KeyMap(
    (
        ("conv_stem.{kind}", "patches.projection.{kind}"),
        *((f"encoder.layers.{{i}}.{theirs}", f"layers.{{i}}.{ours}") for theirs, ours in _LAYER),
        ("encoder.norm.{kind}", "norm.{kind}"),
        ("fc.{kind}", "head.{kind}"),
        ("pos_embedding", "position_table"),
        ("cls", "class_token"),
        ("cls_s", "space_classes"),
        ("cls_t", "time_classes"),
    ),
    prefixes=("module.", "model."),
)
"""Names of the released files (amazon-research/gluonmm)."""

LAYOUTS = ("official", "vit")
_STEM = "patches.projection.weight"


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, `official` when empty; `vit` inflates an image transformer in the released naming and
    needs a variant. A file with one class token is taken for the published compact model of its length: another needs
    `settings` (`kind`, `pooling`, `merge_index`), which no file records.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    if layout == "vit":
        target = replace(VARIANTS[variant or "s"], **settings)
        return Converted(inflate(state, target), asdict(target), layout)
    ours = import_official(state)
    described = {**_describe(ours, settings), **settings}
    if variant and (other := _differences(described, VARIANTS[variant])):
        raise IncompatibleCheckpoint(f"the file is not {variant}: {', '.join(other)}.", mismatched=other)
    return Converted(ours, described, "official")


def import_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released state in our names: the stem is a convolution over one frame, here one over pictures."""
    ours = rename(state, OFFICIAL)
    if _STEM in ours and ours[_STEM].ndim == 5:
        if ours[_STEM].shape[2] != 1:
            shape = tuple(ours[_STEM].shape)
            raise IncompatibleCheckpoint(f"the stem's kernel {shape} spans several frames.", mismatched=[_STEM])
        ours[_STEM] = ours[_STEM][:, :, 0]
    return ours


def export_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undoes `import_official`."""
    return OFFICIAL.export({key: value[:, :, None] if key == _STEM else value for key, value in state.items()})


def _describe(ours: Mapping[str, Tensor], settings: Settings) -> dict[str, Any]:
    """The numbers of a Config that shapes tell; heads of 64 channels are assumed where that divides the width."""
    needed = (_STEM, "position_table", "layers.0.mlp.fc1.weight", "head.weight")
    if missing := [key for key in needed if key not in ours]:
        raise IncompatibleCheckpoint(f"no VidTr: {', '.join(missing)} cannot be found.", missing=missing)
    dim, channels, patch, _ = ours[_STEM].shape
    length = ours["position_table"].shape[1]
    described: dict[str, Any] = {
        "patch": patch,
        "channels": channels,
        "dim": dim,
        "depth": 1 + max(int(key.split(".")[1]) for key in ours if key.startswith("layers.")),
        "hidden": ours["layers.0.mlp.fc1.weight"].shape[0],
        "classes": ours["head.weight"].shape[0],
    }
    if dim % 64 == 0:
        described["heads"] = dim // 64
    if "class_token" not in ours:
        if missing := [key for key in ("time_classes", "space_classes") if key not in ours]:
            raise IncompatibleCheckpoint(f"no VidTr: {', '.join(missing)} cannot be found.", missing=missing)
        places, frames = ours["time_classes"].shape[1] - 1, ours["space_classes"].shape[0]
        side = math.isqrt(places)
        # the released code adds the table in every layer exactly when there are 16 frames
        described |= {"kind": "separable", "frames": frames, "position": "every" if frames == 16 else "first"}
        return described | {"size": side * patch}
    return described | _describe_compact(length - 1, patch, settings)


def _describe_compact(patches: int, patch: int, settings: Settings) -> dict[str, Any]:
    """Frames and grid share one number: a 14 x 14 grid, the only one released, unless `size` is given."""
    side = int(settings.get("size", 14 * patch)) // patch
    frames = patches // side**2
    known: dict[str, Any] = {"kind": "compact", "frames": frames, "size": side * patch}
    if "pooling" in settings or settings.get("kind") == "merge_later":
        return known
    for config in VARIANTS.values():
        if config.kind == "compact" and config.frames == frames:
            return known | {"pooling": config.pooling}
    raise IncompatibleCheckpoint(
        f"no released compact model has {frames} frames, and no file says which layers drop time steps: "
        "give pooling (LAYER:DROPPED ...), or kind=merge_later and merge_index."
    )


def _differences(described: Mapping[str, Any], variant: Config) -> list[str]:
    """Numbers of the file that are not those of the variant; the classes may differ."""
    wanted = asdict(variant)
    return [
        f"{key} is {value} instead of {wanted[key]}"
        for key, value in described.items()
        if key != "classes" and wanted[key] != value
    ]


def inflate(
    image: Mapping[str, Tensor], config: Config, *, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """A VidTr that starts from an image transformer in the released naming (`cls`, `pos_embedding` of 1 + patches).

    The image's position table is repeated for every frame (and for the row of temporal class tokens), its class token
    copied to all class tokens, every layer copied; the head is drawn anew. No kernel spans time, so nothing is
    rescaled. Raises IncompatibleCheckpoint when a name is missing or left over.
    """
    ours = import_official(image)
    start = VidTr(config, generator=generator).state_dict()
    try:
        token, table = ours.pop("class_token"), ours.pop("position_table")
    except KeyError as missing:
        raise IncompatibleCheckpoint(
            f"not an image transformer: {missing} is missing.", missing=[str(missing)]
        ) from None
    table = resize_space_table(table, (config.grid, config.grid), mode="bicubic")
    if config.kind == "separable":
        fresh = {
            "position_table": table.repeat(1, config.frames + 1, 1),
            "space_classes": token.expand(config.frames, -1, -1).clone(),
            "time_classes": token.expand(-1, config.grid**2 + 1, -1).clone(),
        }
    else:
        patches = table[:, 1:].repeat(1, config.frames, 1)
        fresh = {"position_table": torch.cat((table[:, :1], patches), dim=1), "class_token": token}
    body = {key: value for key, value in ours.items() if not key.startswith("head.")}
    wanted = {key for key in start if key not in fresh and not key.startswith("head.") and ".space_qkv." not in key}
    if wanted != set(body):
        missing_keys, unexpected = sorted(wanted - set(body)), sorted(set(body) - wanted)
        raise IncompatibleCheckpoint(
            f"not an image transformer of this size: missing {missing_keys or 'none'}, "
            f"unexpected {unexpected or 'none'}.",
            missing=missing_keys,
            unexpected=unexpected,
        )
    return {**start, **body, **fresh}
