"""The sizes of C2D, I3D and Slow networks, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import Behavior, Kernels, as_kernels, check_behavior, clip_spec, repeated
from onlooker.weights.inputs import InputSpec

SLOW = ((1,), (1,), (3,), (3,))
I3D = ((3,), (3, 1), (3, 1), (1, 3))
C2D = ((1,), (1,), (1,), (1,))


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `time_kernels` are the temporal kernels of each block's first convolution, repeated over the blocks of a stage.
    `halve_time` is the temporal max pool of I3D and C2D after the first stage. With `dilate_last` the last stage keeps
    height and width and doubles the reach of its kernels: for detection. The classifier averages over a window
    of the trained clip's extent: a larger clip gives several positions. `behavior` says whose preprocessing the weights
    expect.

    >>> Config(time_kernels=((3, 1), (1,), (1,), (1,)), depths=(3, 1, 1, 1)).kernels(0)
    (3, 1, 3)
    """

    frames: int = 8
    stride: int = 8
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    stem_time: int = 1
    time_kernels: Kernels = SLOW
    halve_time: bool = False
    dilate_last: bool = False
    dropout: float = 0.5
    classes: int = 400
    behavior: Behavior = "pytorchvideo"

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        object.__setattr__(self, "time_kernels", as_kernels(self.time_kernels, len(self.depths)))
        if self.stem_time % 2 == 0:
            raise ConfigError(f"stem_time={self.stem_time}: temporal kernels are odd.")
        check_behavior(self.behavior)

    def kernels(self, stage: int) -> tuple[int, ...]:
        """Temporal kernel of each block of a stage."""
        return repeated(self.time_kernels[stage], self.depths[stage])

    @property
    def window(self) -> tuple[int, int, int]:
        """Extent of the last maps of the trained clip."""
        halvings = len(self.depths) - 1 - self.dilate_last
        side = -(-self.size // (4 * 2**halvings))
        return (max(1, self.frames // 2) if self.halve_time else self.frames, side, side)


R101 = (3, 4, 23, 3)
VARIANTS: dict[str, Config] = {
    "slow_r50_8x8": Config(),
    "slow_r50_4x16": Config(frames=4, stride=16),
    "i3d_r50_8x8": Config(stem_time=5, time_kernels=I3D, halve_time=True),
    "c2d_r50_8x8": Config(time_kernels=C2D, halve_time=True),
    "slow_r50_4x16_ava": Config(frames=4, stride=16, classes=80, dilate_last=True),
    "gluoncv_slow_r50_8x8": Config(behavior="gluoncv"),
    "gluoncv_slow_r50_16x4": Config(frames=16, stride=4, behavior="gluoncv"),
    "gluoncv_slow_r50_32x2": Config(frames=32, stride=2, behavior="gluoncv"),
    "gluoncv_slow_r101_8x8": Config(depths=R101, behavior="gluoncv"),
    "gluoncv_slow_r101_16x4": Config(frames=16, stride=4, depths=R101, behavior="gluoncv"),
    "gluoncv_slow_r101_32x2": Config(frames=32, stride=2, depths=R101, behavior="gluoncv"),
}
TINY: dict[str, Any] = {"frames": 2, "size": 16, "width": 4, "depths": (1, 1), "time_kernels": ((1,), (3,))}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, larger than the trained one.

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size, config.behavior)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
