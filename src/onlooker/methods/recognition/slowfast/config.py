"""The sizes of a SlowFast network, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import Behavior, Kernels, as_kernels, check_behavior, clip_spec, repeated
from onlooker.weights.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the clip of the fast pathway, `size` its trained crop.

    The slow pathway sees one frame in `alpha`; the fast one has `1 / beta` of the channels. After the stem and each
    stage but the last a lateral convolution over `lateral_kernel` frames brings `lateral_ratio` times the fast channels
    to the slow pathway. `slow_kernels` and `fast_kernels` are the temporal kernels of each block's first convolution,
    repeated over the blocks of a stage. With `dilate_last` the last stages keep height and width and double the
    reach of their kernels: for detection.

    `behavior` says which frames the slow pathway sees: `gluoncv` every alpha-th from the first, as in the paper;
    `pytorchvideo` as many, spread evenly from the first to the last. It also says how frames are normalised.

    >>> Config(frames=32, alpha=4).slow_frames
    8
    """

    frames: int = 32
    stride: int = 2
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    alpha: int = 4
    beta: int = 8
    lateral_ratio: int = 2
    lateral_kernel: int = 7
    slow_stem_time: int = 1
    fast_stem_time: int = 5
    slow_kernels: Kernels = ((1,), (1,), (3,), (3,))
    fast_kernels: Kernels = ((3,), (3,), (3,), (3,))
    dilate_last: bool = False
    dropout: float = 0.5
    classes: int = 400
    behavior: Behavior = "pytorchvideo"

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        for name in ("slow_kernels", "fast_kernels"):
            object.__setattr__(self, name, as_kernels(getattr(self, name), len(self.depths)))
        if self.width % self.beta:
            raise ConfigError(f"a width of {self.width} cannot be divided by beta={self.beta}: choose a divisor.")
        if self.frames % self.alpha:
            raise ConfigError(
                f"{self.frames} frames at alpha={self.alpha}: the fast pathway needs a multiple of alpha frames."
            )
        check_behavior(self.behavior)

    @property
    def slow_frames(self) -> int:
        """Frames that the slow pathway sees."""
        return self.frames // self.alpha

    @property
    def side(self) -> int:
        """Rows and columns of the last maps of the trained clip."""
        halvings = len(self.depths) - 1 - self.dilate_last
        side: int = -(-self.size // (4 * 2**halvings))
        return side

    def kernels(self, pathway: str, stage: int) -> tuple[int, ...]:
        """Temporal kernel of each block of a stage of the `slow` or `fast` pathway."""
        patterns = self.slow_kernels if pathway == "slow" else self.fast_kernels
        return repeated(patterns[stage], self.depths[stage])


R101 = (3, 4, 23, 3)
# of the 16x8 network only the first six blocks of the third stage look over time
_SIX = (3,) * 6 + (1,) * 17

VARIANTS: dict[str, Config] = {
    "r50_8x8": Config(),
    "r50_4x16": Config(alpha=8, lateral_kernel=5),
    "r101_8x8": Config(depths=R101, lateral_kernel=5),
    "r101_16x8": Config(
        frames=64,
        depths=R101,
        lateral_kernel=5,
        slow_kernels=((1,), (1,), _SIX, (3,)),
        fast_kernels=((3,), (3,), _SIX, (3,)),
    ),
    "r50_8x8_ava": Config(classes=80, dilate_last=True),
    "gluoncv_r50_4x16": Config(alpha=8, lateral_kernel=5, behavior="gluoncv"),
    "gluoncv_r50_8x8": Config(behavior="gluoncv"),
    "gluoncv_r101_8x8": Config(depths=R101, behavior="gluoncv"),
}
TINY: dict[str, Any] = {
    "frames": 8,
    "size": 16,
    "width": 8,
    "depths": (1, 1),
    "slow_kernels": ((1,), (3,)),
    "fast_kernels": ((3,), (3,)),
}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing of the fast pathway's clip: three crops, larger than the trained one.

    >>> spec_for(Config()).frames
    32
    """
    return clip_spec(config.frames, config.stride, config.size, config.behavior)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
