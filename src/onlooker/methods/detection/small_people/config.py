"""The sizes of the network. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

STRIDE = 8


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number.

    `widths`: channels at strides 2, 4, 8, 16 and 32; `depths`: further convolutions at strides 4 to 32; `neck`:
    channels where the strides meet; `classes`: kinds of things, one heat map each. `size`: side of the trained crop;
    `pixels`: area that a picture is brought to for detection.

    >>> Config().crop
    256
    """

    widths: tuple[int, ...] = (16, 32, 48, 64, 96)
    depths: tuple[int, ...] = (0, 1, 2, 2)
    neck: int = 48
    classes: int = 1
    size: int = 256
    pixels: int = 640 * 360

    def __post_init__(self) -> None:
        # a card keeps lists
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "depths", tuple(self.depths))
        if len(self.widths) != 5 or len(self.depths) != 4 or self.size % 32:
            raise ConfigError(
                f"small_people wants five widths, four depths and a size in steps of 32, not {self.widths}, "
                f"{self.depths}, {self.size}."
            )

    @property
    def crop(self) -> int:
        """Side of the trained crop in pixels."""
        return self.size


VARIANTS: dict[str, Config] = {"default": Config()}
SPECS: dict[str, InputSpec] = {"default": InputSpec(frames=1, short_side=256, crop=256)}
NOT_IN_FILES: tuple[str, ...] = ()
