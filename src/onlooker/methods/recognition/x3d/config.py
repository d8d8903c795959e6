"""The sizes of an X3D network, the rule that expands it, and the published ones by name. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

BASE_WIDTH = 12
BASE_DEPTHS = (1, 2, 5, 3)


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `stem_width` and `widths` are the channels of the stem and of each stage; inside a block there are `inner` times as
    many. Every other block of a stage, from the first on, has a squeeze-and-excitation gate of `gate` times its inner
    channels. `head_width` is the last layer before the classifier. `expanded` gives the numbers from the paper's
    factors.

    >>> Config().window
    (13, 5, 5)
    """

    frames: int = 13
    stride: int = 6
    size: int = 160
    channels: int = 3
    stem_width: int = 24
    stem_time: int = 5
    widths: tuple[int, ...] = (24, 48, 96, 192)
    depths: tuple[int, ...] = (3, 5, 11, 7)
    inner: float = 2.25
    gate: float = 0.0625
    head_width: int = 2048
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "depths", tuple(self.depths))
        if len(self.widths) != len(self.depths):
            raise ConfigError(f"{len(self.depths)} stages and {len(self.widths)} widths: give one width each.")

    @property
    def window(self) -> tuple[int, int, int]:
        """Extent of the last maps of the trained clip: the stem and every stage halve height and width."""
        side = -(-self.size // 2 ** (1 + len(self.widths)))
        return (self.frames, side, side)


def expanded(width_factor: float = 2.0, depth_factor: float = 2.2) -> dict[str, Any]:
    """Stem width, widths and depths from the factors that the paper's search expands.

    Widths start from 12 and double from stage to stage, each time rounded to a multiple of 8, then multiplied and
    rounded again.

    >>> expanded(2.0, 2.2)
    {'stem_width': 24, 'widths': (24, 48, 96, 192), 'depths': (3, 5, 11, 7)}
    """
    base = [BASE_WIDTH]
    while len(base) < len(BASE_DEPTHS):
        base.append(rounded(2 * base[-1]))
    return {
        "stem_width": rounded(BASE_WIDTH * width_factor),
        "widths": tuple(rounded(width * width_factor) for width in base),
        "depths": tuple(math.ceil(depth * depth_factor) for depth in BASE_DEPTHS),
    }


def rounded(width: float) -> int:
    """The nearest multiple of 8, at least 8; one more where that loses over a tenth.

    >>> [rounded(width) for width in (3, 12, 27, 54)]
    [8, 16, 32, 56]
    """
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near


VARIANTS: dict[str, Config] = {
    "s": Config(),
    "xs": Config(frames=4, stride=12),
    "m": Config(frames=16, stride=5, size=224),
    "l": Config(frames=16, stride=5, size=312, **expanded(2.0, 5.0)),
}
TINY: dict[str, Any] = {
    "frames": 2,
    "size": 32,
    "stem_width": 8,
    "widths": (8, 16),
    "depths": (1, 2),
    "head_width": 16,
}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, larger than the trained one.

    >>> spec_for(Config()).crop
    182
    """
    return clip_spec(config.frames, config.stride, config.size)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
