"""Checkpoint layouts of SlowFast: pytorchvideo's blocks and GluonCV's pathways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from onlooker.methods.recognition.convnet import (
    WRAPPERS,
    block_rules,
    depths_of,
    described,
    kernels_of,
    require,
    resnet_rules,
)
from onlooker.methods.recognition.slowfast.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("pytorchvideo", "gluoncv")


def pytorchvideo(stages: int = 4) -> KeyMap:
    """pytorchvideo's names: pathway 0 is slow, 1 is fast; block 5 pools and holds nothing."""
    rules = [
        (f"blocks.0.multipathway_blocks.{number}.{part}.{{kind}}", f"{pathway}.stem.{part}.{{kind}}")
        for number, pathway in enumerate(("slow", "fast"))
        for part in ("conv", "norm")
    ]
    for stage in range(stages):
        for number, pathway in enumerate(("slow", "fast")):
            rules += block_rules(f"blocks.{stage + 1}.multipathway_blocks.{number}", f"{pathway}.stages.{stage}")
        fusion = f"blocks.{stage}.multipathway_fusion"
        rules.append((f"{fusion}.conv_fast_to_slow.{{kind}}", f"laterals.{stage}.conv.{{kind}}"))
        rules.append((f"{fusion}.norm.{{kind}}", f"laterals.{stage}.norm.{{kind}}"))
    rules.append((f"blocks.{stages + 2}.proj.{{kind}}", "head.{kind}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def gluoncv(stages: int = 4) -> KeyMap:
    """GluonCV's names: `fast_conv1`, `slow_res2.0.conv1`, `lateral_p1`, `lateral_res2`, `fc`."""
    rules = [("fc.{kind}", "head.{kind}")]
    for pathway in ("slow", "fast"):
        rules.append((f"{pathway}_conv1.{{kind}}", f"{pathway}.stem.conv.{{kind}}"))
        rules.append((f"{pathway}_bn1.{{kind}}", f"{pathway}.stem.norm.{{kind}}"))
        for stage in range(stages):
            rules += resnet_rules(f"{pathway}_res{stage + 2}", f"{pathway}.stages.{stage}")
    for stage in range(stages):
        lateral = "lateral_p1" if stage == 0 else f"lateral_res{stage + 1}"
        rules.append((f"{lateral}.0.{{kind}}", f"laterals.{stage}.conv.{{kind}}"))
        rules.append((f"{lateral}.1.{{kind}}", f"laterals.{stage}.norm.{{kind}}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, recognised from the names when empty. No file says how many frames, how far apart and
    how large its clips were, nor alpha: pass `variant`, or give them as `settings`.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    layout = layout or ("pytorchvideo" if any("blocks." in key for key in state) else "gluoncv")
    ours = rename(state, pytorchvideo() if layout == "pytorchvideo" else gluoncv())
    found = {**_describe(ours), "behavior": layout}
    return Converted(ours, described(found, VARIANTS, variant, settings), layout)


def _describe(ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """The numbers of a Config that shapes tell."""
    slow, fast, lateral = "slow.stem.conv.weight", "fast.stem.conv.weight", "laterals.0.conv.weight"
    require(ours, (slow, fast, lateral, "head.weight"), "SlowFast")
    depths = depths_of(ours, "slow.")
    return {
        "channels": ours[slow].shape[1],
        "width": ours[slow].shape[0],
        "beta": ours[slow].shape[0] // ours[fast].shape[0],
        "lateral_ratio": ours[lateral].shape[0] // ours[fast].shape[0],
        "lateral_kernel": ours[lateral].shape[2],
        "slow_stem_time": ours[slow].shape[2],
        "fast_stem_time": ours[fast].shape[2],
        "depths": depths,
        "slow_kernels": kernels_of(ours, "slow.", depths),
        "fast_kernels": kernels_of(ours, "fast.", depths),
        "classes": ours["head.weight"].shape[0],
    }
