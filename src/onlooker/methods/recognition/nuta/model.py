"""NUTA: two branches over one backbone, one on informative moments, one on uniform ones (arXiv:2012.08041)."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.nuta.aggregation import (
    NonUniformAggregation,
    aggregate,
    pool_time,
    pooled_columns,
    slots_of,
)
from onlooker.methods.recognition.nuta.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.nuta.moments import Moments, identity
from onlooker.nn.backbones3d import Backbone3d
from onlooker.nn.residual3d import Maps
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "NUTA", "TINY", "VARIANTS", "Config", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]


@dataclass(slots=True)
class _Branches:
    """Where both branches are: maps, and the projections from shared frames to slots and from uniform slots to them."""

    nuta: Maps
    uniform: Maps
    from_frames: Tensor
    from_uniform: Tensor


class NUTA(ClipClassifier):
    """A residual network whose time is shortened twice over: by a learned projection, and uniformly.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)`; `features` gives the averages of both branches, the NUTA branch first. `moments` says
    which frames were looked at. `generator` makes the initial weights reproducible. Raises ConfigError for a clip of
    another layout.

    >>> model = NUTA(Config(**{**TINY, "dropout": 0.0})).eval()
    >>> model(torch.zeros(3, 8, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.backbone = Backbone3d(
            config.backbone, width=config.width, depths=config.depths, channels=config.channels, generator=generator
        )
        self.aggregations = nn.ModuleList(_aggregations(config, self.backbone.widths, generator))
        own = config.branches == "both" and not config.share_stages
        self.nuta_stages = copy.deepcopy(self.backbone.stages[config.shared :]) if own else None
        self.dropout = nn.Dropout(config.dropout)
        branches = 2 if config.branches == "both" else 1
        self.head = nn.Linear(branches * self.backbone.widths[-1], config.classes)
        if not self.head.weight.is_meta:
            nn.init.normal_(self.head.weight, std=0.01, generator=generator)
            nn.init.zeros_(self.head.bias)

    def features(self, clip: Clip) -> Float[Tensor, "batch width"]:
        """What the linear layer sees."""
        maps = self._shared(clip)
        if self.config.branches == "uniform":
            for stage in self.backbone.stages[self.config.shared :]:
                maps = stage(pool_time(maps, self.config.ratio))
            return maps.mean(dim=(2, 3, 4))
        found = self._run(maps)
        kept = [found.nuta, found.uniform] if self.config.branches == "both" else [found.nuta]
        return torch.cat([branch.mean(dim=(2, 3, 4)) for branch in kept], dim=1)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits

    def moments(self, clip: Clip) -> Moments:
        """Which frames make the slots of the NUTA branch. Raises ConfigError for a network that has none."""
        if self.config.branches == "uniform":
            raise ConfigError("a network with branches='uniform' looks at all moments alike.")
        return Moments(self._run(self._shared(clip)).from_frames)

    def _shared(self, clip: Clip) -> Maps:
        return self.backbone.until(channels_first(clip, self.config.channels), self.config.shared)

    def _run(self, maps: Maps) -> _Branches:
        """Both branches to the end (the uniform one is left out behind the first stage where nobody needs it)."""
        same = identity(len(maps), maps.shape[2], maps)
        found = _Branches(maps, maps, same, same)
        for number, aggregation in enumerate(self.aggregations):
            self._shorten(found, aggregation)
            own = self.backbone.stages[self.config.shared + number]
            found.nuta = (own if self.nuta_stages is None else self.nuta_stages[number])(found.nuta)
            if self.config.branches == "both" or number + 1 < len(self.aggregations):
                found.uniform = own(found.uniform)
        return found

    def _shorten(self, found: _Branches, aggregation: nn.Module) -> None:
        """One aggregation: NUTA slots from NUTA slots, uniform slots from uniform slots, fused on common moments."""
        pooled = pool_time(found.uniform, self.config.ratio)
        # uniform features on the moments of the present NUTA slots; the block then projects both alike
        aligned = aggregate(found.uniform, found.from_uniform) if self.config.fusion == "synchronised" else pooled
        found.nuta, projection = aggregation(found.nuta, aligned)
        found.uniform = pooled
        found.from_frames = projection @ found.from_frames
        found.from_uniform = pooled_columns(projection @ found.from_uniform, self.config.ratio)


def _aggregations(
    config: Config, widths: tuple[int, ...], generator: torch.Generator | None
) -> list[NonUniformAggregation]:
    if config.branches == "uniform":
        return []
    blocks, frames = [], config.frames
    for channels in widths[config.shared - 1 : -1]:
        block = NonUniformAggregation(
            channels,
            frames=frames,
            ratio=config.ratio,
            band=config.band,
            temperature=config.temperature,
            hard=config.hard,
            fusion=config.fusion,
        )
        block.reset(generator)
        blocks.append(block)
        frames = slots_of(frames, config.ratio)
    return blocks


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: NUTA(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("stride", "size", "ratio", "band", "temperature", "hard")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> NUTA:
    """A new model, for code that knows methods only by name."""
    return NUTA(config)
