"""The sizes of a temporal segment network, and GluonCV's by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Block = Literal["bottleneck", "basic"]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` is the number of segments, `size` the crop.

    >>> Config(block="basic", width=8, depths=(1, 1)).outputs
    16
    """

    frames: int = 25
    size: int = 224
    channels: int = 3
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    block: Block = "bottleneck"
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        if self.block not in get_args(Block):
            raise ConfigError(f"no block {self.block!r}: choose {', '.join(get_args(Block))}.")

    @property
    def outputs(self) -> int:
        """Width of the features."""
        width: int = self.width * (4 if self.block == "bottleneck" else 1) * 2 ** (len(self.depths) - 1)
        return width


VARIANTS: dict[str, Config] = {
    "r50": Config(),
    "r18": Config(block="basic", depths=(2, 2, 2, 2)),
    "r34": Config(block="basic"),
    "r101": Config(depths=(3, 4, 23, 3)),
    "r152": Config(depths=(3, 8, 36, 3)),
}
TINY: dict[str, Any] = {"frames": 4, "size": 16, "width": 4, "depths": (1, 1)}


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: the middle frame of each of `frames` equal parts of the whole video.

    >>> spec_for(Config()).sampling
    'segments'
    """
    return InputSpec(
        frames=config.frames,
        short_side=config.size * 8 // 7,
        crop=config.size,
        sampling="segments",
        views=3,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
