"""A two-stream network as data: what a search finds and a model is built from. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

Attention = Literal["none", "squeeze", "spacetime"]
Fusion = Literal["none", "conv", "sample", "channels", "back", "both"]


class Block(NamedTuple):
    """One inverted bottleneck: temporal and spatial size of its depthwise kernel, expansion rate, attention."""

    time: int
    space: int
    expansion: float
    attention: Attention = "none"


Group = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the clip of the fast stream, `size` its crop.

    The slow stream sees one frame in `alpha`. Each stream has a stem, then groups of blocks whose first one halves
    height and width, then a 1x1x1 convolution of `heads` channels. `slow` and `fast` hold the blocks of each group,
    `slow_widths` and `fast_widths` their output channels; `fusions` is the exchange behind each group: from fast to
    slow by a strided temporal `conv`, by `sample` (every alpha-th frame) or with time in `channels`; `back` from slow
    to fast, `both` by `conv` and back, or `none`.

    >>> Config().slow_frames
    4
    """

    frames: int = 16
    alpha: int = 4
    stride: int = 5
    size: int = 224
    channels: int = 3
    stems: tuple[int, int] = (24, 8)
    slow: tuple[Group, ...] = ()
    fast: tuple[Group, ...] = ()
    slow_widths: tuple[int, ...] = ()
    fast_widths: tuple[int, ...] = ()
    fusions: tuple[Fusion, ...] = ()
    heads: tuple[int, int] = (432, 108)
    dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        _fill_defaults(self)
        groups = len(self.slow)
        if not groups or {len(self.fast), len(self.slow_widths), len(self.fast_widths), len(self.fusions)} != {groups}:
            raise ConfigError(
                "slow, fast, slow_widths, fast_widths and fusions hold one entry per group, at least one."
            )
        for block in (block for group in (*self.slow, *self.fast) for block in group):
            _check_block(block)
        if wrong := [fusion for fusion in self.fusions if fusion not in get_args(Fusion)]:
            raise ConfigError(f"no fusion {wrong[0]!r}: choose {', '.join(get_args(Fusion))}.")
        if self.frames % self.alpha:
            raise ConfigError(f"{self.frames} frames at alpha={self.alpha}: give a multiple of alpha frames.")

    @property
    def slow_frames(self) -> int:
        """Frames that the slow stream sees."""
        return self.frames // self.alpha

    def to_json(self) -> str:
        """The architecture as a text that `from_json` reads."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Config:
        """Undoes `to_json`. Raises ConfigError for what is no architecture."""
        try:
            values: Any = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"no architecture: this is not JSON ({error}).") from None
        known = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or not set(values) <= known:
            raise ConfigError(f"no architecture: it has other names than {', '.join(sorted(known))}.")
        return cls(**values)


def _fill_defaults(config: Config) -> None:
    """Tuples for the lists that JSON gives, and the hand-made network where nothing is said."""
    changes: dict[str, Any] = {
        "stems": tuple(config.stems),
        "heads": tuple(config.heads),
        "slow": _as_groups(config.slow) or HAND_SLOW,
        "fast": _as_groups(config.fast) or HAND_FAST,
        "slow_widths": tuple(config.slow_widths) or (24, 48, 96, 192),
        "fast_widths": tuple(config.fast_widths) or (8, 16, 24, 48),
        "fusions": tuple(config.fusions) or ("conv", "conv", "conv", "conv"),
    }
    for name, value in changes.items():
        object.__setattr__(config, name, value)


def _as_groups(groups: Sequence[Sequence[Sequence[Any]]]) -> tuple[Group, ...]:
    try:
        return tuple(tuple(Block(*block) for block in group) for group in groups)
    except TypeError:
        raise ConfigError("a block is [time, space, expansion, attention].") from None


def _check_block(block: Block) -> None:
    if block.time % 2 == 0 or block.space % 2 == 0 or block.expansion <= 0:
        raise ConfigError(f"{block}: kernels are odd and the expansion is above 0.")
    if block.attention not in get_args(Attention):
        raise ConfigError(f"no attention {block.attention!r}: choose {', '.join(get_args(Attention))}.")


# SlowFast's pattern with X3D's blocks: the slow stream looks over time only late, the fast one always
HAND_SLOW: tuple[Group, ...] = (
    (Block(1, 3, 2.25),) * 2,
    (Block(1, 3, 2.25),) * 3,
    (Block(3, 3, 2.25, "squeeze"),) * 5,
    (Block(3, 3, 2.25, "squeeze"),) * 3,
)
HAND_FAST: tuple[Group, ...] = (
    (Block(3, 3, 2.25),) * 2,
    (Block(3, 3, 2.25),) * 3,
    (Block(3, 3, 2.25, "squeeze"),) * 5,
    (Block(3, 3, 2.25, "squeeze"),) * 3,
)

VARIANTS: dict[str, Config] = {"hand_made": Config()}
TINY: dict[str, Any] = {
    "frames": 4, "alpha": 2, "size": 16, "stems": (4, 4), "slow": (((1, 3, 2.0, "squeeze"),),),
    "fast": (((3, 3, 2.0, "none"),),), "slow_widths": (8,), "fast_widths": (4,), "fusions": ("both",),
    "heads": (8, 4), "classes": 5,
}  # fmt: skip
"""Settings that make a model for tests of whatever uses one."""


def spec_for(config: Config) -> InputSpec:
    """The preprocessing of the fast stream's clip: three crops, 8/7 of the trained size.

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
