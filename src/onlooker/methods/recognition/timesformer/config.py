"""The sizes of a TimeSformer, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Attention = Literal["divided", "joint", "space", "local_global", "axial"]

KINETICS_MEAN = (0.45, 0.45, 0.45)
KINETICS_STD = (0.225, 0.225, 0.225)


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` and `size` are the trained clip; others work through table resizing.

    `attention` is the scheme of section 3 of arXiv:2102.05095. In `divided` the class token stays out of the time step
    as in the released code and therefore in all released weights; the paper's equations let it take part.

    >>> Config(frames=4, size=32, patch=8).grid
    4
    """

    attention: Attention = "divided"
    frames: int = 8
    size: int = 224
    patch: int = 16
    channels: int = 3
    dim: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    norm_eps: float = 1e-6
    drop_path: float = 0.1
    classes: int = 400

    def __post_init__(self) -> None:
        if self.attention not in get_args(Attention):
            raise ConfigError(f"no attention scheme {self.attention!r}: choose {', '.join(get_args(Attention))}.")
        if self.dim % self.heads:
            raise ConfigError(f"{self.heads} heads cannot share a width of {self.dim}: choose a divisor of it.")
        if self.size < self.patch:
            raise ConfigError(f"a crop of {self.size} pixels is smaller than one patch of {self.patch}.")

    @property
    def grid(self) -> int:
        """Patches along one side of the trained crop."""
        return self.size // self.patch


VARIANTS: dict[str, Config] = {
    "base": Config(),
    "hr": Config(frames=16, size=448),
    "l": Config(frames=96),
    "base_joint": Config(attention="joint"),
    "base_space": Config(attention="space"),
    "base_local_global": Config(attention="local_global"),
    "base_axial": Config(attention="axial"),
}

TINY: dict[str, Any] = {
    "frames": 4, "size": 32, "patch": 8, "dim": 32, "depth": 2, "heads": 2, "classes": 5, "drop_path": 0.0
}  # fmt: skip
"""Settings that make a model for tests of whatever uses one."""

_KINETICS = InputSpec(
    frames=8, stride=32, rate=30.0, short_side=224, crop=224, views=3, mean=KINETICS_MEAN, std=KINETICS_STD
)
SPECS: dict[str, InputSpec] = {
    "base": _KINETICS,
    "hr": replace(_KINETICS, frames=16, stride=16, short_side=448, crop=448),
    "l": replace(_KINETICS, frames=96, stride=4),
}
SPECS.update({name: _KINETICS for name in VARIANTS if name not in SPECS})


def spec_for(config: Config) -> InputSpec:
    """The preprocessing for a configuration: that of the published variant with its clip, else as many frames of its
    crop spread over the same 256 source frames as in the base model.

    >>> spec_for(Config(frames=16, size=448)).stride
    16
    """
    for name, variant in VARIANTS.items():
        if (variant.frames, variant.size) == (config.frames, config.size):
            return SPECS[name]
    stride = max(1, 256 // config.frames)
    return replace(_KINETICS, frames=config.frames, stride=stride, short_side=config.size, crop=config.size)
