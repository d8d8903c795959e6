"""Checkpoint layouts of CSN: pytorchvideo's blocks, and names in the way of ResNet files."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from onlooker.methods.recognition.convnet import WRAPPERS, block_rules, depths_of, described, require, resnet_rules
from onlooker.methods.recognition.csn.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("pytorchvideo", "gluoncv")


def pytorchvideo(stages: int = 4) -> KeyMap:
    """pytorchvideo's names."""
    rules = [("blocks.0.conv.{kind}", "stem.conv.{kind}"), ("blocks.0.norm.{kind}", "stem.norm.{kind}")]
    for stage in range(stages):
        rules += block_rules(f"blocks.{stage + 1}", f"stages.{stage}")
    rules.append((f"blocks.{stages + 1}.proj.{{kind}}", "head.{kind}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def gluoncv(stages: int = 4) -> KeyMap:
    """Names in the way of ResNet files: `conv1`, `bn1`, `layer1.0.conv1`, `fc`."""
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
    layout = layout or ("pytorchvideo" if any("blocks." in key for key in state) else "gluoncv")
    ours = rename(state, pytorchvideo() if layout == "pytorchvideo" else gluoncv())
    require(ours, ("stem.conv.weight", "head.weight", "stages.0.0.conv_b.weight"), "CSN")
    middle = ours["stages.0.0.conv_b.weight"]
    found = {
        "channels": ours["stem.conv.weight"].shape[1],
        "width": ours["stem.conv.weight"].shape[0],
        "stem_time": ours["stem.conv.weight"].shape[2],
        "depths": depths_of(ours, ""),
        "group_width": 0 if middle.shape[0] == middle.shape[1] else middle.shape[1],
        "classes": ours["head.weight"].shape[0],
        "behavior": layout,
    }
    return Converted(ours, described(found, VARIANTS, variant, settings), layout)
