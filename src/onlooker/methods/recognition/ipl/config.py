"""The sizes of an interactive-prototype network. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.methods.recognition.convspec import clip_spec
from onlooker.weights.inputs import InputSpec

BackboneKind = Literal["i3d", "r2plus1d", "csn", "slow", "small"]
Prototypes = Literal["normalised", "plain"]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` x `stride` is the trained clip, `size` its crop.

    `classes` are pairs of a verb and a noun, verb * nouns + noun; with `nouns=1` the model tells verbs alone. `top` of
    the verbs choose the groups from which the noun is read. `temperature` and `noun_temperature` are where the learned
    temperatures of the two cosine classifiers start. `prototypes` says whether places are compared with verb prototypes
    of length one or with the plain rows of the verb classifier. `scale` (ours) multiplies the places before they meet
    them: 1 leaves them plain; more is for few channels, whose features are so short that they belong to all verbs alike
    and that the residual takes most of them away; less is for wide ones that saturate the softmax. `background` and
    `residual` switch off parts of the method.

    The paper's text could not be retrieved: `top`, the temperatures and the input are ours.

    >>> Config().verbs
    97
    """

    frames: int = 32
    stride: int = 2
    size: int = 224
    channels: int = 3
    backbone: BackboneKind = "i3d"
    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    classes: int = 97 * 300
    nouns: int = 300
    top: int = 5
    temperature: float = 0.1
    noun_temperature: float = 0.1
    prototypes: Prototypes = "normalised"
    scale: float = 1.0
    background: bool = True
    residual: bool = True
    dropout: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", tuple(self.depths))
        for name, options in (("backbone", BackboneKind), ("prototypes", Prototypes)):
            if getattr(self, name) not in get_args(options):
                raise ConfigError(f"no {name} {getattr(self, name)!r}: choose {', '.join(get_args(options))}.")
        if self.nouns < 1 or self.classes < 1 or self.classes % self.nouns:
            raise ConfigError(
                f"{self.classes} classes are no table of verbs and {self.nouns} nouns: classes = verbs * nouns. Set "
                "nouns=1 for verbs alone."
            )
        if self.top < 1 or min(self.temperature, self.noun_temperature, self.scale) <= 0:
            raise ConfigError("top is 1 or more, temperatures and scale above 0.")

    @property
    def verbs(self) -> int:
        """How many verbs there are."""
        return self.classes // self.nouns

    @property
    def chosen(self) -> int:
        """How many verbs choose groups: `top`, or all of them where there are fewer."""
        return min(self.top, self.verbs)


VARIANTS: dict[str, Config] = {
    "epic100_i3d_r50": Config(),
    "epic100_r2plus1d_34": Config(backbone="r2plus1d"),
    "epic55_i3d_r50": Config(classes=125 * 331, nouns=331),
    "epic55_r2plus1d_34": Config(backbone="r2plus1d", classes=125 * 331, nouns=331),
    "egtea_i3d_r50": Config(classes=19 * 53, nouns=53),
}
TINY: dict[str, Any] = {
    "frames": 4, "size": 16, "backbone": "small", "width": 4, "depths": (1, 1), "classes": 6, "nouns": 3, "top": 2
}  # fmt: skip
"""Settings that make a model for tests of whatever uses one."""


def spec_for(config: Config) -> InputSpec:
    """The preprocessing: three crops, 8/7 of the trained size, normalised by 0.45 and 0.225 (an assumption of ours).

    >>> spec_for(Config()).crop
    256
    """
    return clip_spec(config.frames, config.stride, config.size)


SPECS: dict[str, InputSpec] = {name: spec_for(config) for name, config in VARIANTS.items()}
