"""The sizes of a temporal pyramid network, and GluonCV's by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import Kernels, as_kernels, clip_spec, repeated
from onlooker.weights.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    The backbone is the Slow network with `time_kernels`. `rates` says how many of its last stages become levels and by
    how much each level's time is pooled, earlier stage first; `pyramid_width` and `fused_width` are channels of a level
    and of their fusion. No `rates`: the plain backbone, the baseline.

    >>> Config(rates=(1, 2)).levels
    (2, 3)
    """

    frames: int = 8
    stride: int = 8
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    time_kernels: Kernels = ((1,), (1,), (3,), (3,))
    rates: tuple[int, ...] = (1, 2)
    pyramid_width: int = 1024
    fused_width: int = 2048
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        object.__setattr__(self, "rates", tuple(self.rates))
        object.__setattr__(self, "time_kernels", as_kernels(self.time_kernels, len(self.depths)))
        if len(self.rates) > len(self.depths) or any(rate < 1 for rate in self.rates):
            raise ConfigError(f"rates={self.rates}: one whole number from 1 on for each of the last stages.")

    @property
    def levels(self) -> tuple[int, ...]:
        """The stages that are levels of the pyramid."""
        return tuple(range(len(self.depths) - len(self.rates), len(self.depths)))

    def kernels(self, stage: int) -> tuple[int, ...]:
        """Temporal kernel of each block of a stage."""
        return repeated(self.time_kernels[stage], self.depths[stage])

    def stage_width(self, stage: int) -> int:
        """Channels that a stage gives."""
        width: int = 4 * self.width * 2**stage
        return width


R101 = (3, 4, 23, 3)
VARIANTS: dict[str, Config] = {
    "r50_8x8": Config(),
    "r50_16x4": Config(frames=16, stride=4),
    "r50_32x2": Config(frames=32, stride=2),
    "r101_8x8": Config(depths=R101),
    "r101_16x4": Config(frames=16, stride=4, depths=R101),
    "r101_32x2": Config(frames=32, stride=2, depths=R101),
}
TINY: dict[str, Any] = {
    "frames": 4,
    "size": 16,
    "width": 4,
    "depths": (1, 1),
    "time_kernels": ((1,), (3,)),
    "pyramid_width": 8,
    "fused_width": 16,
}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, larger than the trained one, normalised as GluonCV does.

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size, "gluoncv")


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
