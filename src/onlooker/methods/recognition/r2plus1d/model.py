"""R(2+1)D: each spatio-temporal convolution is a spatial and a temporal one with ReLU between (arXiv:1711.11248)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.r2plus1d.config import TINY, VARIANTS, Config, Form, spec_for
from onlooker.nn.residual3d import (
    ONE,
    BasicBlock,
    Bottleneck,
    ConvNorm,
    Maps,
    Stem,
    Triple,
    conv3d,
    initialise_convnet,
    window_average,
)
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "R2Plus1d", "SplitConv", "build", "measure"]


class SplitConv(nn.Module):
    """A 3x3x3 convolution as a (3,1,1) and a (1,3,3) one, with norm and ReLU between.

    Each takes its part of the stride. `inner` are the channels between the two.

    >>> SplitConv(4, 6, 8, (2, 2, 2), time_first=True)(torch.zeros(1, 4, 4, 8, 8)).shape
    torch.Size([1, 8, 2, 4, 4])
    """

    def __init__(self, inputs: int, inner: int, outputs: int, stride: Triple, *, time_first: bool) -> None:
        super().__init__()
        self.time_first = time_first
        ends = ((inputs, inner), (inner, outputs))
        over_time, over_space = ends if time_first else ends[::-1]
        self.time = conv3d(*over_time, (3, 1, 1), (stride[0], 1, 1))
        self.space = conv3d(*over_space, (1, 3, 3), (1, *stride[1:]))
        self.norm = nn.BatchNorm3d(inner)

    def forward(self, maps: Maps) -> Maps:
        first, second = (self.time, self.space) if self.time_first else (self.space, self.time)
        out: Tensor = second(functional.relu(self.norm(first(maps)), inplace=True))
        return out


def matching_inner(inputs: int, outputs: int) -> int:
    """Channels between the two convolutions that give both the parameters of one 3x3x3 convolution (section 3.5).

    >>> matching_inner(64, 64)
    144
    """
    return 27 * inputs * outputs // (9 * inputs + 3 * outputs)


class R2Plus1d(ConvClassifier):
    """A residual network whose 3x3x3 convolutions are split (or, as the baseline R3D, not).

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives one vector per clip. Raises ConfigError for a clip of another layout.

    >>> config = Config(frames=4, size=32, width=4, depths=(1, 1), spatial_strides=(2, 2), temporal_strides=(1, 2))
    >>> R2Plus1d(config).eval()(torch.zeros(3, 4, 3, 32, 32)).shape
    torch.Size([3, 400])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        width = config.width * config.expansion * 2 ** (len(config.depths) - 1)
        super().__init__(config, spec_for(config) if spec is None else spec, width=width)
        self.stem = _stem(config)
        self.stages = nn.ModuleList()
        inputs = config.width
        for stage, depth in enumerate(config.depths):
            side = config.spatial_strides[stage]
            stride = (config.temporal_strides[stage], side, side)
            make = _bottlenecks if config.block == "bottleneck" else _basic_blocks
            inner = config.width * 2**stage
            self.stages.append(make(inputs, inner, depth, stride, config.form))
            inputs = inner * config.expansion
        initialise_convnet(self, generator=generator)

    def maps(self, clip: Clip) -> Maps:
        """The last stage's output."""
        maps: Maps = self.stem(channels_first(clip, self.config.channels))
        for stage in self.stages:
            maps = stage(maps)
        return maps

    def positions(self, clip: Clip) -> Maps:
        return window_average(self.maps(clip), self.config.window)


def _stem(config: Config) -> nn.Module:
    if not config.stem_inner:
        return Stem(config.channels, config.width, (config.stem_time, 7, 7), pool=False)
    return nn.Sequential(
        ConvNorm(conv3d(config.channels, config.stem_inner, (1, 7, 7), (1, 2, 2))),
        ConvNorm(conv3d(config.stem_inner, config.width, (3, 1, 1))),
    )


def _middle(inputs: int, outputs: int, stride: Triple, form: Form, inner: int) -> nn.Module:
    if form == "full":
        return conv3d(inputs, outputs, (3, 3, 3), stride)
    if form == "time_first":
        return SplitConv(inputs, outputs, outputs, stride, time_first=True)
    return SplitConv(inputs, inner, outputs, stride, time_first=False)


def _bottlenecks(inputs: int, inner: int, depth: int, stride: Triple, form: Form) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        conv_b = _middle(inner, inner, stride, form, matching_inner(inner, inner))
        blocks.append(Bottleneck(inputs, inner, 4 * inner, conv3d(inputs, inner, ONE), conv_b, stride=stride))
        inputs, stride = 4 * inner, ONE
    return nn.Sequential(*blocks)


def _basic_blocks(inputs: int, outputs: int, depth: int, stride: Triple, form: Form) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        # the released networks count the channels between for the block's ends and use them in both convolutions
        inner = matching_inner(inputs, outputs)
        conv_a = _middle(inputs, outputs, stride, form, inner)
        conv_b = _middle(outputs, outputs, ONE, form, inner)
        blocks.append(BasicBlock(inputs, outputs, conv_a, conv_b, stride=stride))
        inputs, stride = outputs, ONE
    return nn.Sequential(*blocks)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: R2Plus1d(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "spatial_strides", "temporal_strides")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> R2Plus1d:
    """A new model, for code that knows methods only by name."""
    return R2Plus1d(config)
