"""Checkpoint layout of MViT: pytorchvideo's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.mvit.config import VARIANTS, Config
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

_ATTENTION = tuple(
    rule
    for theirs, ours in (("q", "query"), ("k", "key"), ("v", "value"))
    for rule in (
        (f"attn.{theirs}.{{kind}}", f"attention.{ours}.{{kind}}"),
        (f"attn.pool_{theirs}.weight", f"attention.{ours}_pool.pool.weight"),
        (f"attn.norm_{theirs}.{{kind}}", f"attention.{ours}_pool.norm.{{kind}}"),
    )
)
_BLOCK = (
    *_ATTENTION,
    ("attn.proj.{kind}", "attention.proj.{kind}"),
    ("norm1.{kind}", "norm.{kind}"),
    ("norm2.{kind}", "mlp_norm.{kind}"),
    ("mlp.{layer}.{kind}", "mlp.{layer}.{kind}"),
    ("proj.{kind}", "shortcut.{kind}"),
)
OFFICIAL = KeyMap(
    (
        ("patch_embed.patch_model.{kind}", "stem.{kind}"),
        ("cls_positional_encoding.cls_token", "class_token"),
        ("cls_positional_encoding.pos_embed_class", "class_table"),
        ("cls_positional_encoding.pos_embed_spatial", "space_table"),
        ("cls_positional_encoding.pos_embed_temporal", "time_table"),
        *((f"blocks.{{i}}.{theirs}", f"blocks.{{i}}.{ours}") for theirs, ours in _BLOCK),
        ("norm_embed.{kind}", "norm.{kind}"),
        ("head.proj.{kind}", "head.{kind}"),
    ),
    prefixes=("module.", "model."),
)
"""Names of pytorchvideo's files, without the second name that each pooling tensor has in them."""

LAYOUTS = ("official",)
_ALIAS = "._attention_pool_"


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """A pytorchvideo checkpoint in our names, with the configuration that its shapes tell.

    Strides are in no file: those of the published models are assumed ((1, 2, 2) for queries, (1, 8, 8) for keys and
    values, (2, 4, 4) in the stem) unless `settings` gives others. `variant` is checked against the file.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    ours = rename(without_aliases(state), OFFICIAL)
    described = {**_describe(ours), **settings}
    if variant and (other := _differences(described, VARIANTS[variant])):
        raise IncompatibleCheckpoint(f"the file is not {variant}: {', '.join(other)}.", mismatched=other)
    return Converted(ours, described, "official")


def without_aliases(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state without the second name of each pooling tensor (`attn._attention_pool_q.pool` is `attn.pool_q`).

    Raises IncompatibleCheckpoint where the two differ, or where only the second name is there.
    """
    kept = {key: value for key, value in state.items() if _ALIAS not in key}
    for key, value in state.items():
        if _ALIAS not in key:
            continue
        stem, _, rest = key.partition(_ALIAS)
        part, layer, kind = [*rest.split("."), "", ""][:3]
        twin = f"{stem}.{layer}_{part}.{kind}"
        if twin not in kept:
            raise IncompatibleCheckpoint(f"{key} is a second name of {twin}, which is missing.", missing=[twin])
        if not torch.equal(kept[twin], value):
            raise IncompatibleCheckpoint(f"{key} and {twin} are one tensor, but differ in this file.", mismatched=[key])
    return kept


def _describe(ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """The numbers of a Config that shapes tell."""
    needed = ("stem.weight", "space_table", "time_table", "blocks.0.mlp.fc1.weight", "head.weight")
    if missing := [key for key in needed if key not in ours]:
        raise IncompatibleCheckpoint(f"no MViT: {', '.join(missing)} cannot be found.", missing=missing)
    depth = 1 + max(int(key.split(".")[1]) for key in ours if key.startswith("blocks."))
    norms = [ours.get(f"blocks.{i}.norm.weight") for i in range(depth)]
    pools = [ours.get(f"blocks.{i}.attention.key_pool.pool.weight") for i in range(depth)]
    if absent := [f"blocks.{i}" for i in range(depth) if norms[i] is None or pools[i] is None]:
        raise IncompatibleCheckpoint(
            f"no whole MViT: norm or pooling of {', '.join(absent)} is missing.", missing=absent
        )
    dims = [len(norm) for norm in norms if norm is not None]
    heads = [dim // len(pool) for dim, pool in zip(dims, pools, strict=True) if pool is not None]
    dim, channels, *kernel = ours["stem.weight"].shape
    queries = [i for i in range(depth) if f"blocks.{i}.attention.query_pool.pool.weight" in ours]
    return {
        "frames": ours["time_table"].shape[1] * Config().stem_stride[0],
        "size": math.isqrt(ours["space_table"].shape[1]) * Config().stem_stride[1],
        "channels": channels,
        "stem_kernel": tuple(kernel),
        "dim": dim,
        "depth": depth,
        "heads": heads[0],
        "mlp_ratio": ours["blocks.0.mlp.fc1.weight"].shape[0] / dim,
        "qkv_bias": "blocks.0.attention.query.bias" in ours,
        "widen": _growth(dims),
        "more_heads": _growth(heads),
        "query_strides": tuple((i, 1, 2, 2) for i in queries),
        "pool_kernel": tuple(ours["blocks.0.attention.key_pool.pool.weight"].shape[2:]),
        "classes": ours["head.weight"].shape[0],
    }


def _growth(sizes: list[int]) -> tuple[tuple[int, float], ...]:
    """Where a size changes from block to block, and by which factor."""
    return tuple(
        (index, sizes[index] / sizes[index - 1]) for index in range(1, len(sizes)) if sizes[index] != sizes[index - 1]
    )


def _differences(described: Mapping[str, Any], variant: Config) -> list[str]:
    """Numbers of the file that are not those of the variant; the classes may differ."""
    wanted = asdict(variant)
    return [
        f"{key} is {value} instead of {wanted[key]}"
        for key, value in described.items()
        if key != "classes" and wanted[key] != value
    ]
