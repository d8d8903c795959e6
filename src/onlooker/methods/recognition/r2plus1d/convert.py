"""Checkpoint layouts of R(2+1)D: pytorchvideo's blocks, and torchvision's names for the paper's networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from onlooker.methods.recognition.convnet import WRAPPERS, block_rules, depths_of, described, require
from onlooker.methods.recognition.r2plus1d.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("pytorchvideo", "torchvision")


def pytorchvideo(stages: int = 4) -> KeyMap:
    """pytorchvideo's names: inside the split convolution `conv_t` is temporal and comes first, `conv_xy` spatial."""
    rules = [("blocks.0.conv.{kind}", "stem.conv.{kind}"), ("blocks.0.norm.{kind}", "stem.norm.{kind}")]
    for stage in range(stages):
        split = f"blocks.{stage + 1}.res_blocks.{{j}}.branch2.conv_b"
        ours = f"stages.{stage}.{{j}}.conv_b"
        rules.append((f"{split}.conv_t.{{kind}}", f"{ours}.time.{{kind}}"))
        rules.append((f"{split}.conv_xy.{{kind}}", f"{ours}.space.{{kind}}"))
        rules += block_rules(f"blocks.{stage + 1}", f"stages.{stage}")
    rules.append((f"blocks.{stages + 1}.proj.{{kind}}", "head.{kind}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def torchvision(form: str, stages: int = 4) -> KeyMap:
    """torchvision's names of its 18-layer networks (r2plus1d_18, r3d_18)."""
    rules = [("fc.{kind}", "head.{kind}")]
    if form == "full":
        rules += [("stem.0.{kind}", "stem.conv.{kind}"), ("stem.1.{kind}", "stem.norm.{kind}")]
    else:
        rules += [("stem.0.{kind}", "stem.0.conv.{kind}"), ("stem.1.{kind}", "stem.0.norm.{kind}")]
        rules += [("stem.3.{kind}", "stem.1.conv.{kind}"), ("stem.4.{kind}", "stem.1.norm.{kind}")]
    for stage in range(stages):
        theirs, ours = f"layer{stage + 1}.{{j}}", f"stages.{stage}.{{j}}"
        rules.append((f"{theirs}.downsample.0.{{kind}}", f"{ours}.shortcut.conv.{{kind}}"))
        rules.append((f"{theirs}.downsample.1.{{kind}}", f"{ours}.shortcut.norm.{{kind}}"))
        for number, letter in ((1, "a"), (2, "b")):
            conv, target = f"{theirs}.conv{number}", f"{ours}.conv_{letter}"
            if form == "full":
                rules.append((f"{conv}.0.{{kind}}", f"{target}.{{kind}}"))
            else:
                parts = (("0", "space"), ("1", "norm"), ("3", "time"))
                rules += [(f"{conv}.0.{their}.{{kind}}", f"{target}.{our}.{{kind}}") for their, our in parts]
            rules.append((f"{conv}.1.{{kind}}", f"{ours}.norm_{letter}.{{kind}}"))
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """An original checkpoint in our names, with the configuration that its shapes tell.

    `layout` is one of `LAYOUTS`, recognised from the names when empty. No file says how many frames, how far apart and
    how large its clips were: pass `variant`, or give them as `settings`.
    Raises IncompatibleCheckpoint when names or shapes belong to another architecture.
    """
    layout = layout or ("pytorchvideo" if any("blocks." in key for key in state) else "torchvision")
    if layout == "pytorchvideo":
        form = "time_first"
        ours = rename(state, pytorchvideo())
    else:
        form = "space_first" if any(".conv1.0.3." in key for key in state) else "full"
        ours = rename(state, torchvision(form))
    return Converted(ours, described(_describe(ours, form), VARIANTS, variant, settings), layout)


def _describe(ours: Mapping[str, Tensor], form: str) -> dict[str, Any]:
    """The numbers of a Config that shapes tell."""
    split_stem = "stem.0.conv.weight" in ours
    stem = "stem.0.conv.weight" if split_stem else "stem.conv.weight"
    require(ours, (stem, "head.weight", "stages.0.0.norm_a.weight"), "R(2+1)D")
    first = ours[stem]
    return {
        "channels": first.shape[1],
        "width": ours["stages.0.0.norm_a.weight"].shape[0],
        "depths": depths_of(ours, ""),
        "block": "bottleneck" if "stages.0.0.conv_c.weight" in ours else "basic",
        "form": form,
        "stem_inner": first.shape[0] if split_stem else 0,
        "stem_time": 1 if split_stem else first.shape[2],
        "classes": ours["head.weight"].shape[0],
    }
