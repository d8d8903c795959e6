"""CSN: 1x1x1 convolutions mix channels, depthwise 3x3x3 convolutions mix places and moments (arXiv:1904.02811)."""

from __future__ import annotations

import torch
from torch import nn

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.csn.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.residual3d import ONE, Bottleneck, Maps, Stem, Triple, conv3d, initialise_convnet, window_average
from onlooker.weights.inputs import InputSpec

__all__ = ["CSN", "NOT_IN_FILES", "TINY", "VARIANTS", "Config", "build", "measure"]


class CSN(ConvClassifier):
    """The interaction-reduced network (ir-CSN): each bottleneck's middle convolution is depthwise.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives `(batch, 32 * width)`. Raises ConfigError for a clip of another layout.

    >>> model = CSN(Config(frames=4, size=32, width=4, depths=(1, 1), classes=5)).eval()
    >>> model(torch.zeros(3, 4, 3, 32, 32)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        width = config.width * 4 * 2 ** (len(config.depths) - 1)
        super().__init__(config, spec_for(config) if spec is None else spec, width=width)
        self.stem = Stem(config.channels, config.width, (config.stem_time, 7, 7), pool=config.stem_pool)
        self.stages = nn.ModuleList()
        inputs = config.width
        for stage, depth in enumerate(config.depths):
            inner = config.width * 2**stage
            stride = ONE if stage == 0 else (2, 2, 2)
            self.stages.append(_stage(inputs, inner, depth, stride, config.group_width))
            inputs = 4 * inner
        initialise_convnet(self, generator=generator)

    def maps(self, clip: Clip) -> Maps:
        """The last stage's output."""
        maps: Maps = self.stem(channels_first(clip, self.config.channels))
        for stage in self.stages:
            maps = stage(maps)
        return maps

    def positions(self, clip: Clip) -> Maps:
        return window_average(self.maps(clip), self.config.window)


def _stage(inputs: int, inner: int, depth: int, stride: Triple, group_width: int) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        groups = inner // group_width if group_width else 1
        conv_b = conv3d(inner, inner, (3, 3, 3), stride, groups=groups)
        blocks.append(Bottleneck(inputs, inner, 4 * inner, conv3d(inputs, inner, ONE), conv_b, stride=stride))
        inputs, stride = 4 * inner, ONE
    return nn.Sequential(*blocks)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: CSN(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "stem_pool")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> CSN:
    """A new model, for code that knows methods only by name."""
    return CSN(config)
