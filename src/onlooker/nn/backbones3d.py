"""Convolutional backbones as a stem and a list of stages, for heads that work on feature maps.

A head needs three things of a backbone: `stem`, `stages` and `widths`, the channels behind each stage. The residual
ones have the modules, and so the parameter names, of the classifiers that the same papers published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from onlooker.errors import ConfigError
from onlooker.nn.residual3d import (
    ONE,
    BasicBlock,
    Bottleneck,
    ConvNorm,
    Maps,
    Stem,
    Triple,
    bottleneck_stage,
    conv3d,
    initialise_convnet,
)

Kind = Literal["slow", "i3d", "csn", "r2plus1d", "small"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# temporal kernels of each stage's blocks, repeated over them; the last pattern serves all further stages
_KERNELS: dict[str, tuple[tuple[int, ...], ...]] = {
    "slow": ((1,), (1,), (3,)),
    "i3d": ((3,), (3, 1), (3, 1), (1, 3)),
}


class Backbone3d(nn.Module):
    """Maps `(batch, channel, time, height, width)` to maps of `widths[-1]` channels.

    `slow` and `i3d` are bottleneck ResNets without and with early temporal kernels (arXiv:1812.03982, 1711.07971),
    `csn` has depthwise ones and halves time in each stage but the first (1904.02811), `r2plus1d` is made of basic
    blocks with factorised kernels (1711.11248), `small` of plain 3x3x3 convolutions for pictures of a few dozen pixels.
    `halve_time` is I3D's temporal max pool behind the first stage. Raises ConfigError for another kind.

    >>> backbone = Backbone3d("i3d", width=4, depths=(1, 1), halve_time=True)
    >>> backbone(torch.zeros(1, 3, 4, 32, 32)).shape, backbone.widths
    (torch.Size([1, 32, 2, 4, 4]), (16, 32))
    """

    def __init__(
        self,
        kind: Kind,
        *,
        width: int = 64,
        depths: Sequence[int] = (3, 4, 6, 3),
        channels: int = 3,
        halve_time: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_kind(kind)
        self.stem = _stem(kind, channels, width)
        self.stages = nn.ModuleList()
        growth, inputs, widths = 4 if kind in ("slow", "i3d", "csn") else 1, width, []
        for stage, depth in enumerate(depths):
            inner = width * 2**stage
            self.stages.append(_stage(kind, stage, inputs, inner, depth))
            inputs = growth * inner
            widths.append(inputs)
        self.widths = tuple(widths)
        self.halve = nn.MaxPool3d((2, 1, 1)) if halve_time else nn.Identity()
        initialise_convnet(self, generator=generator)

    def until(self, maps: Maps, stages: int) -> Maps:
        """The output of the stem and the first `stages` stages."""
        maps = self.stem(maps)
        for number, stage in enumerate(self.stages[:stages]):
            maps = stage(maps)
            if number == 0 and maps.shape[2] > 1:
                maps = self.halve(maps)
        return maps

    def forward(self, maps: Maps) -> Maps:
        return self.until(maps, len(self.stages))


def check_kind(kind: str) -> None:
    """Raises ConfigError for a backbone that is not here."""
    if kind not in KINDS:
        raise ConfigError(f"no backbone {kind!r}: choose {', '.join(KINDS)}.")


def _stem(kind: Kind, channels: int, width: int) -> nn.Module:
    if kind == "small":
        return ConvNorm(conv3d(channels, width, (3, 3, 3), (1, 2, 2)))
    if kind == "r2plus1d":
        # 45 channels in between for 64, as in the released networks
        between = max(1, width * 45 // 64)
        return nn.Sequential(
            ConvNorm(conv3d(channels, between, (1, 7, 7), (1, 2, 2))), ConvNorm(conv3d(between, width, (3, 1, 1)))
        )
    return Stem(channels, width, ({"slow": 1, "i3d": 5, "csn": 3}[kind], 7, 7), pool=True)


def _stage(kind: Kind, stage: int, inputs: int, inner: int, depth: int) -> nn.Sequential:
    side = 1 if stage == 0 else 2
    if kind == "small":
        strides = [(1, side, side), *[ONE] * (depth - 1)]
        widths = [inputs, *[inner] * depth]
        return nn.Sequential(*(ConvNorm(conv3d(widths[i], inner, (3, 3, 3), strides[i])) for i in range(depth)))
    if kind == "csn":
        return _depthwise_stage(inputs, inner, depth, (side, side, side))
    if kind == "r2plus1d":
        return _factorised_stage(inputs, inner, depth, (side, side, side))
    patterns = _KERNELS[kind]
    pattern = patterns[min(stage, len(patterns) - 1)]
    return bottleneck_stage(inputs, inner, [pattern[i % len(pattern)] for i in range(depth)], (1, side, side))


def _depthwise_stage(inputs: int, inner: int, depth: int, stride: Triple) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        conv_b = conv3d(inner, inner, (3, 3, 3), stride, groups=inner)
        blocks.append(Bottleneck(inputs, inner, 4 * inner, conv3d(inputs, inner, ONE), conv_b, stride=stride))
        inputs, stride = 4 * inner, ONE
    return nn.Sequential(*blocks)


def _factorised_stage(inputs: int, outputs: int, depth: int, stride: Triple) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        conv_a, conv_b = factorised(inputs, outputs, stride), factorised(outputs, outputs)
        blocks.append(BasicBlock(inputs, outputs, conv_a, conv_b, stride=stride))
        inputs, stride = outputs, ONE
    return nn.Sequential(*blocks)


def factorised(inputs: int, outputs: int, stride: Triple = ONE) -> nn.Sequential:
    """(1,3,3) with norm and ReLU, then (3,1,1), with as many parameters as one 3x3x3 convolution.

    >>> sum(p.numel() for p in factorised(64, 64).parameters() if p.ndim > 1), 64 * 64 * 27
    (110592, 110592)
    """
    between = 27 * inputs * outputs // (9 * inputs + 3 * outputs)
    first = ConvNorm(conv3d(inputs, between, (1, 3, 3), (1, *stride[1:])))
    return nn.Sequential(first, conv3d(between, outputs, (3, 1, 1), (stride[0], 1, 1)))
