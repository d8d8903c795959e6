"""The sizes of a VidTr, and the published ones by name. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Kind = Literal["separable", "merge_later", "compact"]
Position = Literal["first", "every"]
Select = Literal["std", "uniform", "staggered"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` and `size` are the trained clip; others work through table resizing.

    `kind`: `separable` has class tokens for every frame and place and separable attention in all layers; `merge_later`
    has one class token, separable attention of the patches up to layer `merge_index`, joint attention afterwards;
    `compact` is that with time steps dropped on the way: `pooling` says how many by which layer ("1:2 3:2" drops two
    in layer 1 and two in layer 3), `select` whether the rows of attention with the largest standard deviation are kept
    or, as controls that are not in the paper, evenly spaced ones: the same for all heads (`uniform`), or shifted from
    head to head, so that together they see more (`staggered`).

    `position` says whether the table is added to the attention input of the first layer or of every layer; the
    released 16-frame separable model has it in every layer. `reproject=True` is the paper's equation, where the space
    step makes its own query, key and value of the time step's result; the released code and weights share one
    projection. It exists for `separable` alone.

    >>> Config(kind="compact", pooling="1:2 3:2 5:2").time_steps
    (8, 8, 6, 6, 4, 4, 2, 2, 2, 2, 2, 2)
    """

    kind: Kind = "separable"
    frames: int = 8
    size: int = 224
    patch: int = 16
    channels: int = 3
    dim: int = 768
    depth: int = 12
    heads: int = 12
    hidden: int = 3072
    merge_index: int = 0
    pooling: str = ""
    select: Select = "std"
    position: Position = "first"
    reproject: bool = False
    norm_eps: float = 1e-5
    dropout: float = 0.1
    head_dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        for value, known in ((self.kind, Kind), (self.position, Position), (self.select, Select)):
            if value not in get_args(known):
                raise ConfigError(f"{value!r} is none of {', '.join(get_args(known))}.")
        if self.heads < 1 or self.dim % self.heads:
            raise ConfigError(f"{self.heads} heads cannot share a width of {self.dim}: choose a divisor of it.")
        if self.size < self.patch:
            raise ConfigError(f"a crop of {self.size} pixels is smaller than one patch of {self.patch}.")
        if bool(self.pooling.strip()) != (self.kind == "compact"):
            raise ConfigError("`pooling` belongs to kind 'compact' and to no other: give both or neither.")
        if self.reproject and self.kind != "separable":
            raise ConfigError("`reproject` is defined for kind 'separable' alone.")
        if min(self.time_steps) < 1:
            raise ConfigError(f"pooling {self.pooling!r} drops all of {self.frames} time steps: drop fewer.")

    @property
    def grid(self) -> int:
        """Patches along one side of the trained crop."""
        return self.size // self.patch

    @property
    def drops(self) -> dict[int, int]:
        """Layer -> how many time steps it drops. Raises ConfigError for a text of another form."""
        parts = re.split(r"[,\s]+", self.pooling.strip()) if self.pooling.strip() else []
        drops: dict[int, int] = {}
        for part in parts:
            match = re.fullmatch(r"(\d+):(\d+)", part)
            if match is None or int(match[1]) in drops or int(match[1]) >= self.depth:
                raise ConfigError(
                    f"pooling {self.pooling!r}: write LAYER:DROPPED for layers below {self.depth}, once each."
                )
            drops[int(match[1])] = int(match[2])
        return drops

    @property
    def time_steps(self) -> tuple[int, ...]:
        """Time steps that go into each layer."""
        steps, drops = [self.frames], self.drops
        for layer in range(self.depth - 1):
            steps.append(steps[-1] - drops.get(layer, 0))
        return (*steps, steps[-1] - drops.get(self.depth - 1, 0))[: self.depth]

    @property
    def separable_layers(self) -> int:
        """How many layers, from the first on, attend separably; the others attend jointly."""
        if self.kind == "separable":
            return self.depth
        return 1 + (self.merge_index if self.kind == "merge_later" else max(self.drops))


VARIANTS: dict[str, Config] = {
    "s": Config(),
    "m": Config(frames=16, position="every"),
    "l": Config(frames=32),
    "c_s": Config(kind="compact", pooling="1:2 3:2 5:2"),
    "c_m": Config(kind="compact", frames=16, pooling="1:8 2:4 4:2"),
}

TINY: dict[str, Any] = {
    "frames": 4, "size": 16, "patch": 8, "dim": 16, "depth": 2, "heads": 2, "hidden": 32, "classes": 5,
}  # fmt: skip


def spec_for(config: Config) -> InputSpec:
    """Kinetics preprocessing: frames spread over 64 source frames, three crops along the long side.

    >>> spec_for(Config(frames=16)).stride
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
