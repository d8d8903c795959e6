"""The sizes of a channel-separated network, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import Behavior, check_behavior, clip_spec
from onlooker.weights.inputs import InputSpec


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `group_width` is the number of channels that a 3x3x3 convolution mixes: 1 is CSN (depthwise), 0 all of them, which
    is the plain 3-D network that the paper compares with. `stem_pool` is the max pool behind the stem: the published
    cost is that of a network with it, pytorchvideo's builder leaves it out by default.

    >>> Config(frames=32).window
    (4, 7, 7)
    """

    frames: int = 32
    stride: int = 2
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 23, 3)
    stem_time: int = 3
    stem_pool: bool = True
    group_width: int = 1
    dropout: float = 0.5
    classes: int = 400
    behavior: Behavior = "pytorchvideo"

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        if self.group_width and self.width % self.group_width:
            raise ConfigError(f"groups of {self.group_width} channels do not divide a width of {self.width}.")
        check_behavior(self.behavior)

    @property
    def window(self) -> tuple[int, int, int]:
        """Extent of the last maps of the trained clip: each stage but the first halves time, height and width."""
        halvings = len(self.depths) - 1
        side = (4 if self.stem_pool else 2) * 2**halvings
        return (-(-self.frames // 2**halvings), -(-self.size // side), -(-self.size // side))


VARIANTS: dict[str, Config] = {
    "r101_32x2": Config(),
    "gluoncv_ir152_32x2": Config(depths=(3, 8, 36, 3), behavior="gluoncv"),
}
TINY: dict[str, Any] = {"frames": 4, "size": 16, "width": 4, "depths": (1, 1)}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, larger than the trained one.

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size, config.behavior)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
