"""X3D: inverted bottlenecks with depthwise 3-D convolutions and gates (arXiv:2004.04730)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.x3d.config import TINY, VARIANTS, Config, rounded, spec_for
from onlooker.nn.residual3d import ONE, Maps, Triple, conv3d, initialise_convnet, window_average
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "X3D", "Config", "build", "measure"]


class Gate(nn.Module):
    """Squeeze and excitation: each channel times a number between 0 and 1 that all means together decide.

    >>> Gate(16, 8)(torch.ones(1, 16, 2, 3, 3)).shape
    torch.Size([1, 16, 2, 3, 3])
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv3d(channels, squeezed, 1)
        self.excite = nn.Conv3d(squeezed, channels, 1)

    def forward(self, maps: Maps) -> Maps:
        means = maps.mean(dim=(2, 3, 4), keepdim=True)
        gates: Tensor = self.excite(functional.relu(self.squeeze(means))).sigmoid()
        return maps * gates


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel by itself, gate, swish, narrow; plus the shortcut; ReLU.

    A shortcut that only changes the resolution has no norm, as in the released networks.
    """

    def __init__(self, inputs: int, inner: int, outputs: int, stride: Triple, gate: nn.Module) -> None:
        super().__init__()
        self.conv_a, self.norm_a = conv3d(inputs, inner, ONE), nn.BatchNorm3d(inner)
        self.conv_b, self.norm_b = conv3d(inner, inner, (3, 3, 3), stride, groups=inner), nn.BatchNorm3d(inner)
        self.gate = gate
        self.conv_c, self.norm_c = conv3d(inner, outputs, ONE), nn.BatchNorm3d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, maps: Maps) -> Maps:
        out = functional.relu(self.norm_a(self.conv_a(maps)), inplace=True)
        out = functional.silu(self.gate(self.norm_b(self.conv_b(out))), inplace=True)
        out = self.norm_c(self.conv_c(out))
        return functional.relu(out + self.shortcut(maps), inplace=True)


def _shortcut(inputs: int, outputs: int, stride: Triple) -> nn.Module:
    if inputs == outputs and stride == ONE:
        return nn.Identity()
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv3d(inputs, outputs, ONE, stride))
    if inputs != outputs:
        parts["norm"] = nn.BatchNorm3d(outputs)
    return nn.Sequential(parts)


class X3D(ConvClassifier):
    """Stem split into a spatial and a temporal convolution, stages of inverted bottlenecks, two layers, linear.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives `(batch, head_width)`. Raises ConfigError for a clip of another layout.

    >>> config = Config(frames=2, size=32, stem_width=8, widths=(8, 16), depths=(1, 2), head_width=16, classes=5)
    >>> X3D(config).eval()(torch.zeros(3, 2, 3, 32, 32)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec, width=config.head_width)
        width = config.stem_width
        self.stem_space = conv3d(config.channels, width, (1, 3, 3), (1, 2, 2))
        self.stem_time = conv3d(width, width, (config.stem_time, 1, 1), groups=width)
        self.stem_norm = nn.BatchNorm3d(width)
        self.stages = nn.ModuleList()
        for outputs, depth in zip(config.widths, config.depths, strict=True):
            self.stages.append(_stage(config, width, outputs, depth))
            width = outputs
        inner = int(config.inner * width)
        self.wide, self.wide_norm = conv3d(width, inner, ONE), nn.BatchNorm3d(inner)
        self.last = conv3d(inner, config.head_width, ONE)
        initialise_convnet(self, generator=generator)

    def stem(self, maps: Maps) -> Maps:
        """The first maps, at half the height and width."""
        return functional.relu(self.stem_norm(self.stem_time(self.stem_space(maps))), inplace=True)

    def maps(self, clip: Clip) -> Maps:
        """The last stage's output."""
        maps = self.stem(channels_first(clip, self.config.channels))
        for stage in self.stages:
            maps = stage(maps)
        return maps

    def reduce(self, maps: Maps, window: Triple) -> Maps:
        """What the classifier sees: widen, average over windows, one more layer."""
        wide = functional.relu(self.wide_norm(self.wide(maps)), inplace=True)
        out: Tensor = functional.relu(self.last(window_average(wide, window)), inplace=True)
        return out

    def positions(self, clip: Clip) -> Maps:
        return self.reduce(self.maps(clip), self.config.window)


def _stage(config: Config, inputs: int, outputs: int, depth: int) -> nn.Sequential:
    blocks: list[nn.Module] = []
    inner, stride = int(config.inner * outputs), (1, 2, 2)
    for block in range(depth):
        gated = block % 2 == 0 and config.gate > 0
        gate = Gate(inner, rounded(inner * config.gate)) if gated else nn.Identity()
        blocks.append(InvertedBottleneck(inputs, inner, outputs, stride, gate))
        inputs, stride = outputs, ONE
    return nn.Sequential(*blocks)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: X3D(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> X3D:
    """A new model, for code that knows methods only by name."""
    return X3D(config)
