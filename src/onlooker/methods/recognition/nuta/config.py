"""The sizes of a NUTA network. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

BackboneKind = Literal["i3d", "slow", "small"]
Branches = Literal["both", "nuta", "uniform"]
Fusion = Literal["synchronised", "unaligned", "none"]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    The first `shared` stages of the backbone are common; before each later one the NUTA branch shortens time by
    `ratio` with a learned projection, the uniform branch by average pooling. `branches` keeps one of them alone.
    `fusion` says how uniform features come to the NUTA branch: projected onto its moments, added slot by slot as they
    are (what the paper argues against), or not at all.

    `band` is the width of the Gaussian around each slot's uniform place that the projection starts from, in slots; 0
    means none, and the projection starts as the mean over the clip. `temperature` divides the attention scores. `hard`
    takes the single best frame of each row at test time. `share_stages` runs both branches through the same weights.

    The paper's method section could not be retrieved: all numbers but the depths are ours.

    >>> Config(frames=32, depths=(1, 1, 1), shared=1).aggregations
    2
    """

    frames: int = 32
    stride: int = 2
    size: int = 224
    channels: int = 3
    backbone: BackboneKind = "i3d"
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    shared: int = 2
    ratio: int = 2
    band: float = 1.0
    temperature: float = 1.0
    hard: bool = False
    branches: Branches = "both"
    fusion: Fusion = "synchronised"
    share_stages: bool = True
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        for name, options in (("backbone", BackboneKind), ("branches", Branches), ("fusion", Fusion)):
            if getattr(self, name) not in get_args(options):
                raise ConfigError(f"no {name} {getattr(self, name)!r}: choose {', '.join(get_args(options))}.")
        if not 1 <= self.shared < len(self.depths):
            raise ConfigError(
                f"{self.shared} shared stages of {len(self.depths)}: time is shortened before a later stage, so at "
                "least one is shared and one is not."
            )
        if self.ratio < 1 or self.temperature <= 0 or self.band < 0:
            raise ConfigError("ratio is 1 or more, temperature above 0 and band 0 or more.")

    @property
    def aggregations(self) -> int:
        """How many times the clip is shortened."""
        return len(self.depths) - self.shared


VARIANTS: dict[str, Config] = {"i3d_r50": Config(), "i3d_r101": Config(depths=(3, 4, 23, 3))}
TINY: dict[str, Any] = {
    "frames": 8, "size": 16, "backbone": "small", "width": 4, "depths": (1, 1, 1), "shared": 1, "classes": 5
}  # fmt: skip
"""Settings that make a model for tests of whatever uses one."""


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, 8/7 of the trained size, normalised by 0.45 and 0.225 (an assumption of ours).

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
