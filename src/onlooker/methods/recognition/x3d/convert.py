"""The checkpoint layout of X3D: pytorchvideo's blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from onlooker.methods.recognition.convnet import WRAPPERS, block_rules, depths_of, described, require
from onlooker.methods.recognition.x3d.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("pytorchvideo",)


def pytorchvideo(stages: int = 4) -> KeyMap:
    """pytorchvideo's names; in the stem `conv_t` is the spatial convolution and `conv_xy` the temporal one."""
    rules = [
        ("blocks.0.conv.conv_t.{kind}", "stem_space.{kind}"),
        ("blocks.0.conv.conv_xy.{kind}", "stem_time.{kind}"),
        ("blocks.0.norm.{kind}", "stem_norm.{kind}"),
    ]
    for stage in range(stages):
        branch, ours = f"blocks.{stage + 1}.res_blocks.{{j}}.branch2", f"stages.{stage}.{{j}}"
        rules.append((f"{branch}.norm_b.0.{{kind}}", f"{ours}.norm_b.{{kind}}"))
        rules.append((f"{branch}.norm_b.1.block.0.{{kind}}", f"{ours}.gate.squeeze.{{kind}}"))
        rules.append((f"{branch}.norm_b.1.block.2.{{kind}}", f"{ours}.gate.excite.{{kind}}"))
        rules += block_rules(f"blocks.{stage + 1}", f"stages.{stage}")
    head = f"blocks.{stages + 1}"
    rules += [
        (f"{head}.pool.pre_conv.{{kind}}", "wide.{kind}"),
        (f"{head}.pool.pre_norm.{{kind}}", "wide_norm.{kind}"),
        (f"{head}.pool.post_conv.{{kind}}", "last.{kind}"),
        (f"{head}.proj.{{kind}}", "head.{kind}"),
    ]
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    No file says how many frames, how far apart and how large its clips were: pass `variant`, or give them as
    `settings`. Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    ours = rename(state, pytorchvideo())
    return Converted(ours, described(_describe(ours), VARIANTS, variant, settings), layout or "pytorchvideo")


def _describe(ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """The numbers of a Config that shapes tell. The inner factor and the gates' are those of all released networks."""
    depths = depths_of(ours, "")
    ends = tuple(f"stages.{stage}.0.conv_c.weight" for stage in range(len(depths)))
    require(ours, ("stem_space.weight", "stem_time.weight", "last.weight", "head.weight", *ends), "X3D")
    return {
        "channels": ours["stem_space.weight"].shape[1],
        "stem_width": ours["stem_space.weight"].shape[0],
        "stem_time": ours["stem_time.weight"].shape[2],
        "widths": tuple(ours[name].shape[0] for name in ends),
        "depths": depths,
        "head_width": ours["last.weight"].shape[0],
        "classes": ours["head.weight"].shape[0],
    }
