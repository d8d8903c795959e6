"""TPN: a backbone's levels become levels of tempo, tell each other and are read together (arXiv:2004.03548)."""

from __future__ import annotations

from typing import Literal, overload

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.tpn.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.residual3d import ONE, ConvNorm, Maps, Stem, bottleneck_stage, conv3d, initialise_convnet
from onlooker.weights.inputs import InputSpec

Logits = Float[Tensor, "batch classes"]

__all__ = ["NOT_IN_FILES", "TINY", "TPN", "VARIANTS", "Config", "build", "measure"]


class Level(nn.Module):
    """One stage's output to a level: spatial semantics brought up to the last stage's, time pooled to a rate.

    A strided convolution for each halving of height and width that lies between, then a temporal convolution and a
    temporal max pool.
    """

    def __init__(self, inputs: int, width: int, *, halvings: int, rate: int) -> None:
        super().__init__()
        semantic: list[nn.Module] = []
        for _ in range(halvings):
            semantic.append(ConvNorm(conv3d(inputs, 2 * inputs, (1, 3, 3), (1, 2, 2))))
            inputs *= 2
        self.semantic = nn.Sequential(*semantic)
        self.temporal = ConvNorm(conv3d(inputs, width, (3, 1, 1)))
        self.rate = rate

    def forward(self, maps: Maps) -> Maps:
        out: Tensor = self.temporal(self.semantic(maps))
        return functional.max_pool3d(out, (min(self.rate, out.shape[2]), 1, 1), ceil_mode=True)


class TPN(ConvClassifier):
    """A Slow backbone with a temporal pyramid between its last stages and the classifier.

    Information flows through the levels in both directions at once: from the last stage down and from the first up,
    each level adding what comes from its neighbour at its own length; both results are read together.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives `(batch, fused_width)`. Raises ConfigError for a clip of another layout.

    In training the earlier levels answer too, with `auxiliary_weight` [recalled].

    >>> config = Config(frames=4, width=4, depths=(1, 1), time_kernels=((1,), (3,)), pyramid_width=8, fused_width=16)
    >>> TPN(config).eval()(torch.zeros(2, 4, 3, 32, 32)).shape
    torch.Size([2, 400])
    """

    auxiliary_weight = 0.5

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        last = len(config.depths) - 1
        width = config.fused_width if config.rates else config.stage_width(last)
        super().__init__(config, spec_for(config) if spec is None else spec, width=width)
        self.stem = Stem(config.channels, config.width, (1, 7, 7), pool=True)
        self.stages = nn.ModuleList()
        inputs = config.width
        for stage in range(len(config.depths)):
            side, inner = 1 if stage == 0 else 2, config.width * 2**stage
            self.stages.append(bottleneck_stage(inputs, inner, config.kernels(stage), (1, side, side)))
            inputs = 4 * inner
        self.levels = nn.ModuleList(
            Level(config.stage_width(stage), config.pyramid_width, halvings=last - stage, rate=rate)
            for stage, rate in zip(config.levels, config.rates, strict=True)
        )
        joined = 2 * len(config.rates) * config.pyramid_width
        self.fuse = ConvNorm(conv3d(joined, config.fused_width, ONE)) if config.rates else nn.Identity()
        # the earlier levels learn to classify by themselves; used in training alone
        self.auxiliary = nn.ModuleList(
            nn.Linear(config.stage_width(stage), config.classes) for stage in config.levels[:-1]
        )
        initialise_convnet(self, generator=generator)

    def backbone(self, clip: Clip) -> list[Maps]:
        """The output of every stage."""
        maps: Maps = self.stem(channels_first(clip, self.config.channels))
        outputs = []
        for stage in self.stages:
            maps = stage(maps)
            outputs.append(maps)
        return outputs

    def pyramid(self, outputs: list[Maps]) -> Maps:
        """The levels after the flow in both directions, read together at the length of the shortest."""
        levels = [level(outputs[stage]) for level, stage in zip(self.levels, self.config.levels, strict=True)]
        down, up = _flow(levels[::-1])[::-1], _flow(levels)
        shortest = min(level.shape[2] for level in levels)
        joined: Tensor = self.fuse(torch.cat([_to_length(level, shortest) for level in (*down, *up)], dim=1))
        return joined

    def positions(self, clip: Clip) -> Maps:
        return self._read(self.backbone(clip)).mean(dim=(2, 3, 4), keepdim=True)

    @overload
    def forward(self, clip: Clip) -> Logits: ...
    @overload
    def forward(self, clip: Clip, auxiliary: Literal[True]) -> tuple[Logits, list[Logits]]: ...

    def forward(self, clip: Clip, auxiliary: bool = False) -> Logits | tuple[Logits, list[Logits]]:
        """Logits; with `auxiliary` also those of each earlier level's own classifier, which training needs."""
        outputs = self.backbone(clip)
        logits: Logits = self.head(self.dropout(self._read(outputs).mean(dim=(2, 3, 4))))
        if not auxiliary:
            return logits
        own = [
            linear(self.dropout(outputs[stage].mean(dim=(2, 3, 4))))
            for linear, stage in zip(self.auxiliary, self.config.levels, strict=False)
        ]
        return logits, own

    def _read(self, outputs: list[Maps]) -> Maps:
        return self.pyramid(outputs) if self.config.rates else outputs[-1]


def _flow(levels: list[Maps]) -> list[Maps]:
    """Each level plus what came through all levels before it, brought to its length."""
    passed = [levels[0]]
    for level in levels[1:]:
        passed.append(level + _to_length(passed[-1], level.shape[2]))
    return passed


def _to_length(maps: Maps, time: int) -> Maps:
    """The maps at another temporal length: maxima where it shrinks, repetition where it grows."""
    if maps.shape[2] > time:
        return functional.adaptive_max_pool3d(maps, (time, *maps.shape[3:]))
    if maps.shape[2] < time:
        return functional.interpolate(maps, size=(time, *maps.shape[3:]), mode="nearest")
    return maps


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: TPN(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ()
"""Numbers of the Config that no checkpoint's names or shapes tell: our own files keep all of them."""


def build(config: Config) -> TPN:
    """A new model, for code that knows methods only by name."""
    return TPN(config)
