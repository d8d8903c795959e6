"""The operations of AutoAugment (arXiv:1805.09501, table 6) by name and strength."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from onlooker.data.transforms import photometric, warping
from onlooker.errors import ConfigError

Clip = UInt8[Tensor, "*batch 3 height width"]

STRONGEST = 10.0
TRANSLATION = 150 / 331
"""The paper moves pictures of 331 pixels by at most 150."""


def _level(strength: float) -> float:
    return strength / STRONGEST


OPERATIONS: dict[str, Callable[[Clip, float], Clip]] = {
    "identity": lambda clip, _: clip,
    "autocontrast": lambda clip, _: photometric.autocontrast(clip),
    "equalize": lambda clip, _: photometric.equalize(clip),
    "rotate": lambda clip, level: warping.rotate(clip, 30 * level),
    "solarize": lambda clip, level: photometric.solarize(clip, 256 * (1 - abs(level))),
    "colour": lambda clip, level: photometric.colour(clip, 1 + 0.9 * level),
    "posterize": lambda clip, level: photometric.posterize(clip, 8 - round(4 * abs(level))),
    "contrast": lambda clip, level: photometric.contrast(clip, 1 + 0.9 * level),
    "brightness": lambda clip, level: photometric.brightness(clip, 1 + 0.9 * level),
    "sharpness": lambda clip, level: photometric.sharpness(clip, 1 + 0.9 * level),
    "shear_x": lambda clip, level: warping.shear_x(clip, 0.3 * level),
    "shear_y": lambda clip, level: warping.shear_y(clip, 0.3 * level),
    "translate_x": lambda clip, level: warping.translate(clip, TRANSLATION * level, 0.0),
    "translate_y": lambda clip, level: warping.translate(clip, 0.0, TRANSLATION * level),
}
"""Each takes a clip and a level from -1 to 1; what has no direction takes the level without its sign."""


def apply(clip: Clip, name: str, strength: float, generator: Generator) -> Clip:
    """One operation at a strength of 0 to 10, in a random direction, on all frames alike.

    Raises ConfigError for an unknown name or another strength.
    """
    if name not in OPERATIONS or not 0 <= strength <= STRONGEST:
        raise ConfigError(f"{name!r} at {strength}: an operation is one of {', '.join(OPERATIONS)}, at 0 to 10.")
    sign = 1.0 if float(torch.rand((), generator=generator)) < 0.5 else -1.0
    return OPERATIONS[name](clip, sign * _level(strength))
