"""The sizes of an R(2+1)D network, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

Form = Literal["time_first", "space_first", "full"]
Block = Literal["bottleneck", "basic"]

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `form` is how a 3x3x3 convolution is made: `time_first` (3,1,1) then (1,3,3) with as many channels between as come
    out, as in pytorchvideo; `space_first` (1,3,3) then (3,1,1) with so many channels between that the parameters are
    those of the full convolution, as in the paper; `full`, one 3x3x3 convolution: R3D, the paper's baseline.
    `block` is the residual block. `stem_inner` are the channels between a (1,7,7) and a (3,1,1) convolution in the
    stem; 0 makes it one convolution over `stem_time` frames.

    >>> Config().window
    (4, 7, 7)
    """

    frames: int = 16
    stride: int = 4
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    block: Block = "bottleneck"
    form: Form = "time_first"
    stem_inner: int = 0
    stem_time: int = 1
    spatial_strides: tuple[int, ...] = (2, 2, 2, 2)
    temporal_strides: tuple[int, ...] = (1, 1, 2, 2)
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        for name in ("depths", "spatial_strides", "temporal_strides"):
            numbers = getattr(self, name)
            # a single stride stands for that of every stage
            numbers = (numbers,) * len(self.depths) if isinstance(numbers, int) else tuple(numbers)
            object.__setattr__(self, name, numbers)
            if len(getattr(self, name)) != len(self.depths):
                raise ConfigError(f"{len(self.depths)} stages, but {name} has {len(getattr(self, name))} numbers.")
        for name, kind in (("form", Form), ("block", Block)):
            if getattr(self, name) not in get_args(kind):
                raise ConfigError(f"no {name} {getattr(self, name)!r}: choose {', '.join(get_args(kind))}.")

    @property
    def expansion(self) -> int:
        """Channels that a block gives for one inside it."""
        return 4 if self.block == "bottleneck" else 1

    @property
    def window(self) -> tuple[int, int, int]:
        """Extent of the last maps of the trained clip."""
        time, side = self.frames, -(-self.size // 2)
        for temporal, spatial in zip(self.temporal_strides, self.spatial_strides, strict=True):
            time, side = -(-time // temporal), -(-side // spatial)
        return (time, side, side)


_PAPER = Config(
    stride=2,
    size=112,
    block="basic",
    form="space_first",
    stem_inner=45,
    spatial_strides=(1, 2, 2, 2),
    temporal_strides=(1, 2, 2, 2),
    dropout=0.0,
    depths=(2, 2, 2, 2),
)
VARIANTS: dict[str, Config] = {
    "r50_16x4": Config(),
    "paper_r18": _PAPER,
    "paper_r34": replace(_PAPER, depths=(3, 4, 6, 3)),
    "paper_r152_32x2": replace(_PAPER, frames=32, depths=(3, 8, 36, 3), block="bottleneck"),
    "paper_r3d_r18": replace(_PAPER, form="full", stem_inner=0, stem_time=3),
}
TINY: dict[str, Any] = {
    "frames": 4,
    "size": 32,
    "width": 4,
    "depths": (1, 1),
    "spatial_strides": (2, 2),
    "temporal_strides": (1, 2),
}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing. Networks of the paper's form take one crop of 112 pixels of a short side of 128.

    >>> spec_for(Config()).crop
    256
    """
    if config.form == "time_first":
        return clip_spec(config.frames, config.stride, config.size)
    return InputSpec(
        frames=config.frames,
        stride=config.stride,
        short_side=config.size * 8 // 7,
        crop=config.size,
        mean=KINETICS_MEAN,
        std=KINETICS_STD,
    )


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
