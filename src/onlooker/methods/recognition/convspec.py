"""What the configurations of the convolutional clip classifiers share. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Behavior = Literal["pytorchvideo", "gluoncv"]
Kernels = tuple[tuple[int, ...], ...]


def check_behavior(behavior: str) -> None:
    """Raises ConfigError for a library that no weights come from."""
    if behavior not in get_args(Behavior):
        raise ConfigError(f"no behavior {behavior!r}: choose {', '.join(get_args(Behavior))}.")


def as_kernels(kernels: Sequence[Sequence[int]], stages: int) -> Kernels:
    """Temporal kernels of each stage as tuples (JSON gives lists). Raises ConfigError for wrong counts or even ones."""
    plain = tuple(tuple(pattern) for pattern in kernels)
    if len(plain) != stages or not all(plain):
        raise ConfigError(f"{stages} stages and temporal kernels for {len(plain)}: give one pattern each.")
    if any(kernel % 2 == 0 for pattern in plain for kernel in pattern):
        raise ConfigError("temporal kernels are odd, so that a frame has as many neighbours before as after it.")
    return plain


def repeated(pattern: Sequence[int], depth: int) -> tuple[int, ...]:
    """The kernel of each block: the pattern over and over, cut to the depth.

    >>> repeated((3, 1), 3)
    (3, 1, 3)
    """
    return tuple(pattern[block % len(pattern)] for block in range(depth))


def clip_spec(frames: int, stride: int, size: int, behavior: Behavior = "pytorchvideo") -> InputSpec:
    """Frames by stride at 30 frames per second, three crops of the short side, normalised as the library does it.

    Tests use crops 8/7 of the trained ones: 256 for 224, 182 for 160, 356 for 312.

    >>> clip_spec(16, 5, 224).crop
    256
    """
    crop = size * 8 // 7
    if behavior == "pytorchvideo":
        return InputSpec(frames=frames, stride=stride, short_side=crop, crop=crop, views=3)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return InputSpec(frames=frames, stride=stride, short_side=crop, crop=crop, views=3, mean=mean, std=std)
