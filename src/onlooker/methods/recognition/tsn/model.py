"""TSN: what a video shows, as the mean of what an image network says of frames spread over it (arXiv:1608.00859)."""

from __future__ import annotations

import torch
from torch import nn

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.tsn.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.residual3d import BasicBlock, Maps, Stem, Triple, bottleneck_stage, conv3d, initialise_convnet
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "TSN", "VARIANTS", "Config", "build", "measure"]


class TSN(ConvClassifier):
    """A residual image network on every frame, then the mean over frames: the segments' average consensus.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)`, a frame per segment, in any number,
    and gives logits `(batch, classes)`; `features` gives `(batch, config.outputs)`. The order of frames has no
    influence. Raises ConfigError for a clip of another layout.

    >>> model = TSN(Config(frames=3, width=4, depths=(1, 1), classes=5)).eval()
    >>> model(torch.zeros(2, 3, 3, 32, 32)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec, width=config.outputs)
        self.stem = Stem(config.channels, config.width, (1, 7, 7), pool=True)
        self.stages = nn.ModuleList()
        inputs = config.width
        for stage, depth in enumerate(config.depths):
            inner, side = config.width * 2**stage, 1 if stage == 0 else 2
            if config.block == "bottleneck":
                self.stages.append(bottleneck_stage(inputs, inner, (1,) * depth, (1, side, side)))
                inputs = 4 * inner
            else:
                self.stages.append(_basic_stage(inputs, inner, depth, (1, side, side)))
                inputs = inner
        initialise_convnet(self, generator=generator)

    def positions(self, clip: Clip) -> Maps:
        maps: Maps = self.stem(channels_first(clip, self.config.channels))
        for stage in self.stages:
            maps = stage(maps)
        return maps.mean(dim=(3, 4), keepdim=True)


def _basic_stage(inputs: int, outputs: int, depth: int, stride: Triple) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for _ in range(depth):
        conv_a = conv3d(inputs, outputs, (1, 3, 3), stride)
        conv_b = conv3d(outputs, outputs, (1, 3, 3))
        blocks.append(BasicBlock(inputs, outputs, conv_a, conv_b, stride=stride))
        inputs, stride = outputs, (1, 1, 1)
    return nn.Sequential(*blocks)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one view of all its frames, counted on the meta device."""
    config = VARIANTS[variant]
    return measured(lambda: TSN(config), (1, config.frames, config.channels, config.size, config.size))


NOT_IN_FILES = ("frames", "size")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> TSN:
    """A new model, for code that knows methods only by name."""
    return TSN(config)
