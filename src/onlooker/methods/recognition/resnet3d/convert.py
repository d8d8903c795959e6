"""Checkpoint layouts of C2D, I3D and Slow: pytorchvideo's blocks, and names in the way of ResNet files."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
from onlooker.methods.recognition.resnet3d.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("pytorchvideo", "gluoncv")


def pytorchvideo(*, halve_time: bool, stages: int = 4) -> KeyMap:
    """pytorchvideo's names: `blocks.0` is the stem; the temporal pool of I3D and C2D takes the number after stage 1."""
    rules = [("blocks.0.conv.{kind}", "stem.conv.{kind}"), ("blocks.0.norm.{kind}", "stem.norm.{kind}")]
    for stage in range(stages):
        number = stage + 1 + (halve_time and stage > 0)
        rules += block_rules(f"blocks.{number}", f"stages.{stage}")
    rules.append((f"blocks.{stages + 1 + halve_time}.proj.{{kind}}", "head.{kind}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def gluoncv(*, stages: int = 4) -> KeyMap:
    """GluonCV's torch names, as in ResNet files: `conv1`, `bn1`, `layer1.0.conv1`, `fc`."""
    rules = [("conv1.{kind}", "stem.conv.{kind}"), ("bn1.{kind}", "stem.norm.{kind}"), ("fc.{kind}", "head.{kind}")]
    for stage in range(stages):
        rules += resnet_rules(f"layer{stage + 1}", f"stages.{stage}")
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, recognised from the names when empty. No file says how many frames, how far apart and
    how large its clips were: pass `variant`, or give them as `settings`.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    # `(^|.)`: the blocks of a stage are called `res_blocks`
    blocks = {int(match[1]) for key in state if (match := re.search(r"(?:^|\.)blocks\.(\d+)\.", key))}
    layout = layout or ("pytorchvideo" if blocks else "gluoncv")
    halved = 3 in blocks and 2 not in blocks
    names = pytorchvideo(halve_time=halved) if layout == "pytorchvideo" else gluoncv()
    ours = rename(state, names)
    require(ours, ("stem.conv.weight", "head.weight", "stages.0.0.conv_a.weight"), "ResNet3d")
    depths = depths_of(ours, "")
    found = {
        "channels": ours["stem.conv.weight"].shape[1],
        "width": ours["stem.conv.weight"].shape[0],
        "stem_time": ours["stem.conv.weight"].shape[2],
        "depths": depths,
        "time_kernels": kernels_of(ours, "", depths),
        "classes": ours["head.weight"].shape[0],
        "behavior": layout,
    }
    if layout == "pytorchvideo":
        found["halve_time"] = halved
    return Converted(ours, described(found, VARIANTS, variant, settings), layout)
