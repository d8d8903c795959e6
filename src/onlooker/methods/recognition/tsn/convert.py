"""The checkpoint layout of TSN: an image ResNet's names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from onlooker.methods.recognition.convnet import WRAPPERS, depths_of, described, require, resnet_rules
from onlooker.methods.recognition.tsn.config import VARIANTS
from onlooker.weights.conversion import Converted, Settings, rename
from onlooker.weights.keymap import KeyMap

LAYOUTS = ("gluoncv",)


def gluoncv(stages: int = 4) -> KeyMap:
    """Names of image ResNets: `conv1`, `bn1`, `layer1.0.conv1`, `fc`."""
    rules = [("conv1.{kind}", "stem.conv.{kind}"), ("bn1.{kind}", "stem.norm.{kind}"), ("fc.{kind}", "head.{kind}")]
    for stage in range(stages):
        rules += resnet_rules(f"layer{stage + 1}", f"stages.{stage}")
    return KeyMap(tuple(rules), prefixes=WRAPPERS)


def convert(state: Mapping[str, Tensor], *, layout: str = "", variant: str = "", settings: Settings) -> Converted:
    """A checkpoint of an image ResNet (of GluonCV's video models, or of ImageNet) in our names and shapes.

    Convolutions over height and width get a time axis of one frame. Raises IncompatibleCheckpoint when names or shapes
    belong to another architecture.
    """
    ours = {name: lifted(tensor) for name, tensor in rename(state, gluoncv()).items()}
    return Converted(ours, described(_describe(ours), VARIANTS, variant, settings), layout or "gluoncv")


def lifted(tensor: Tensor) -> Tensor:
    """A 2-D convolution's weight as a 3-D one's over a single frame; anything else as it is."""
    return tensor.unsqueeze(2) if tensor.ndim == 4 else tensor


def _describe(ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """The numbers of a Config that shapes tell."""
    require(ours, ("stem.conv.weight", "head.weight", "stages.0.0.conv_a.weight"), "TSN")
    return {
        "channels": ours["stem.conv.weight"].shape[1],
        "width": ours["stem.conv.weight"].shape[0],
        "depths": depths_of(ours, ""),
        "block": "bottleneck" if "stages.0.0.conv_c.weight" in ours else "basic",
        "classes": ours["head.weight"].shape[0],
    }
