"""The sizes of a multi-label network with activity-specific features. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

BackboneKind = Literal["csn", "i3d", "slow", "small"]
Query = Literal["learned", "clip"]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `observations` attention maps pool the backbone's maps to vectors of `inner` numbers each; `query` says whether
    their queries are learned, or computed from the clip's average. Each of `classes` activities mixes the observations
    in its own way. `correlations` lets the activities' features exchange what they found, `static` adds a learned
    table of who goes with whom to these scores. `rates` are the temporal strides at which a clip is looked at; more
    than one puts the observations of all of them together.

    The paper's equations could not be retrieved: the number of observations and both widths are ours.

    >>> Config(rates=(1, 2, 4)).total_observations
    192
    """

    frames: int = 32
    stride: int = 4
    size: int = 224
    channels: int = 3
    backbone: BackboneKind = "csn"
    width: int = 64
    depths: tuple[int, ...] = (3, 8, 36, 3)
    observations: int = 64
    inner: int = 128
    query: Query = "learned"
    correlations: bool = True
    static: bool = True
    rates: tuple[int, ...] = (1,)
    dropout: float = 0.0
    classes: int = 157

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        object.__setattr__(self, "rates", tuple(self.rates))
        for name, options in (("backbone", BackboneKind), ("query", Query)):
            if getattr(self, name) not in get_args(options):
                raise ConfigError(f"no {name} {getattr(self, name)!r}: choose {', '.join(get_args(options))}.")
        if min(self.observations, self.inner, self.classes, *self.rates) < 1 or not self.rates:
            raise ConfigError("observations, inner, classes and all rates are 1 or more, and there is a rate.")

    @property
    def total_observations(self) -> int:
        """Observations of all rates."""
        return self.observations * len(self.rates)


VARIANTS: dict[str, Config] = {
    "csn152": Config(),
    "csn152_rates": Config(rates=(1, 2, 4)),
    "i3d_r50": Config(backbone="i3d", depths=(3, 4, 6, 3)),
}
TINY: dict[str, Any] = {
    "frames": 4, "size": 16, "backbone": "small", "width": 4, "depths": (1, 1), "observations": 3, "inner": 4,
    "classes": 5,
}  # fmt: skip
"""Settings that make a model for tests of whatever uses one."""


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, 8/7 of the trained size, normalised by 0.45 and 0.225 (an assumption of ours).

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
