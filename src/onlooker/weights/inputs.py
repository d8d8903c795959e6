"""What a set of weights expects to see: the preprocessing that belongs to it. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from onlooker.errors import ConfigError

Sampling = Literal["stride", "segments"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a video becomes the clips that a model was trained on.

    `stride`: `frames` frames, `stride` source frames apart at `rate` frames per second. `segments`: the whole video in
    `frames` equal parts, the middle frame of each. The short side is resized to `short_side`, then `views` square
    crops of `crop` pixels are taken along the long side. Values are `(rgb / 255 - mean) / std`.

    >>> InputSpec(frames=8, stride=32, short_side=224, crop=224).seconds
    8.533333333333333
    """

    frames: int
    short_side: int
    crop: int
    stride: int = 1
    rate: float = 30.0
    sampling: Sampling = "stride"
    views: int = 1
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    std: tuple[float, float, float] = (0.225, 0.225, 0.225)
    channels: Literal["rgb", "bgr"] = "rgb"

    def __post_init__(self) -> None:
        if min(self.frames, self.stride, self.crop, self.views) < 1 or self.short_side < self.crop:
            raise ConfigError(f"an impossible input: {self}. Counts are positive and the crop fits the short side.")

    @property
    def seconds(self) -> float:
        """Length of source video that one clip covers with sampling by stride."""
        return self.frames * self.stride / self.rate

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they are kept with the weights."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> InputSpec:
        """Undoes `to_dict`. Raises ConfigError for unknown or missing names."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(f"unknown names in an input specification: {', '.join(unknown)}.")
        plain: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        try:
            return cls(**plain)
        except TypeError as error:
            raise ConfigError(f"an incomplete input specification: {error}.") from error
