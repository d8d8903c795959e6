"""The sizes of VideoMAE's encoder and classifier, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` and `size` are the trained clip; the position table fits any other.

    `layer_scale` above zero gives each block two vectors that start there and scale its residuals; no published
    checkpoint has them.

    >>> Config(frames=16, size=224).grid
    (8, 14, 14)
    """

    frames: int = 16
    size: int = 224
    tubelet: int = 2
    patch: int = 16
    channels: int = 3
    dim: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0
    norm_eps: float = 1e-6
    layer_scale: float = 0.0
    drop_path: float = 0.1
    head_dropout: float = 0.0
    classes: int = 400

    def __post_init__(self) -> None:
        if self.heads < 1 or self.dim % self.heads:
            raise ConfigError(f"{self.heads} heads cannot share a width of {self.dim}: choose a divisor of it.")
        if self.dim % 2:
            raise ConfigError(f"a width of {self.dim} cannot hold pairs of sine and cosine: choose an even one.")
        if self.size < self.patch or self.frames < self.tubelet:
            raise ConfigError(
                f"a clip of {self.frames} frames of {self.size} pixels is smaller than one tubelet of "
                f"{self.tubelet} x {self.patch} x {self.patch}."
            )

    @property
    def grid(self) -> tuple[int, int, int]:
        """Tubelets of the trained clip along time, height and width."""
        side = self.size // self.patch
        return self.frames // self.tubelet, side, side


VARIANTS: dict[str, Config] = {
    "base": Config(),
    "small": Config(dim=384, heads=6),
    "large": Config(dim=1024, depth=24, heads=16, drop_path=0.2),
    "huge": Config(dim=1280, depth=32, heads=16, drop_path=0.2),
}

TINY: dict[str, Any] = {"frames": 4, "size": 16, "patch": 8, "dim": 16, "depth": 2, "heads": 2, "classes": 5}


def spec_for(config: Config) -> InputSpec:
    """Kinetics fine-tuning's preprocessing: frames over 64 source frames, three crops along the long side.

    >>> spec_for(Config()).stride
    4
    """
    return InputSpec(
        frames=config.frames,
        stride=max(1, 64 // config.frames),
        rate=30.0,
        short_side=config.size,
        crop=config.size,
        views=3,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )
