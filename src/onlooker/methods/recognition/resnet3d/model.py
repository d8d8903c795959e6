"""C2D, I3D and Slow: bottleneck residual networks over clips (arXiv:1711.07971, arXiv:1812.03982)."""

from __future__ import annotations

import torch
from torch import nn

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.resnet3d.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.residual3d import Maps, Stem, bottleneck_stage, initialise_convnet, window_average
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "ResNet3d", "build", "measure"]


class ResNet3d(ConvClassifier):
    """Stem, four stages of bottlenecks, average, linear. Time keeps its resolution (I3D and C2D halve it once).

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives `(batch, 32 * width)`. `generator` makes the initial weights
    reproducible. Raises ConfigError for a clip of another layout.

    >>> model = ResNet3d(Config(frames=2, size=32, width=4, depths=(1, 1), time_kernels=((1,), (3,)), classes=5)).eval()
    >>> model(torch.zeros(3, 2, 3, 32, 32)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        width = config.width * 4 * 2 ** (len(config.depths) - 1)
        super().__init__(config, spec_for(config) if spec is None else spec, width=width)
        self.stem = Stem(config.channels, config.width, (config.stem_time, 7, 7), pool=True)
        self.stages = nn.ModuleList()
        inputs = config.width
        for stage in range(len(config.depths)):
            dilated = config.dilate_last and stage == len(config.depths) - 1
            side = 1 if stage == 0 or dilated else 2
            inner, dilation = config.width * 2**stage, 2 if dilated else 1
            kernels = config.kernels(stage)
            self.stages.append(bottleneck_stage(inputs, inner, kernels, (1, side, side), dilation=dilation))
            inputs = 4 * inner
        self.halve = nn.MaxPool3d((2, 1, 1)) if config.halve_time else nn.Identity()
        initialise_convnet(self, generator=generator)

    def maps(self, clip: Clip) -> Maps:
        """The last stage's output."""
        maps: Maps = self.stem(channels_first(clip, self.config.channels))
        for number, stage in enumerate(self.stages):
            maps = stage(maps)
            if number == 0 and maps.shape[2] > 1:
                maps = self.halve(maps)
        return maps

    def maps_over_time(self, clip: Clip) -> Maps:
        """The last stage's output averaged over time: what detection reads at boxes."""
        return self.maps(clip).mean(dim=2, keepdim=True)

    def positions(self, clip: Clip) -> Maps:
        return window_average(self.maps(clip), self.config.window)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: ResNet3d(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "halve_time")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> ResNet3d:
    """A new model, for code that knows methods only by name."""
    return ResNet3d(config)
