"""The sizes of a Discrete Cosine TransFormer. The paper's are not public; the variants are ours. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Keep = Literal["square", "zigzag", "triangle", "quantiser", "highest", "random"]


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number. `frames` and `size` are the trained clip.

    The DCT works on blocks of `block` pixels; `group` x `group` neighbouring blocks make one token. Of each block
    `luma` coefficients of Y and `chroma` of Cb and Cr each are kept, chosen by `keep` (see `choose`). With
    `half_chroma` Cb and Cr are first averaged over 2 x 2 pixels, as most JPEG files have them; a token then holds a
    quarter as many of their blocks. `block=8, group=2, half_chroma=True` is what such files store.

    >>> Config().values, Config(block=8, group=2, half_chroma=True, luma=16, chroma=4).values
    (192, 72)
    """

    frames: int = 8
    size: int = 224
    block: int = 16
    group: int = 1
    half_chroma: bool = False
    keep: Keep = "square"
    luma: int = 64
    chroma: int = 64
    dim: int = 384
    depth: int = 12
    heads: int = 6
    mlp_ratio: float = 4.0
    norm_eps: float = 1e-6
    drop_path: float = 0.1
    classes: int = 400

    def __post_init__(self) -> None:
        if self.keep not in get_args(Keep):
            raise ConfigError(f"no way {self.keep!r} to keep coefficients: choose {', '.join(get_args(Keep))}.")
        if self.heads < 1 or self.dim % self.heads:
            raise ConfigError(f"{self.heads} heads cannot share a width of {self.dim}: choose a divisor of it.")
        if not 1 <= self.luma <= self.block**2 or not 0 <= self.chroma <= self.block**2:
            raise ConfigError(
                f"a block of {self.block} pixels has {self.block**2} coefficients; {self.luma} of luma and "
                f"{self.chroma} of chroma cannot be kept. At least one of luma is needed."
            )
        if self.half_chroma and self.group % 2:
            raise ConfigError("half_chroma needs an even `group`: a chroma block then covers 2 x 2 luma blocks.")
        if self.size < self.patch:
            raise ConfigError(f"a crop of {self.size} pixels is smaller than one token of {self.patch}.")

    @property
    def patch(self) -> int:
        """Pixels along one side of a token."""
        return self.block * self.group

    @property
    def grid(self) -> int:
        """Tokens along one side of the trained crop; a remainder is padded."""
        return -(-self.size // self.patch)

    @property
    def chroma_group(self) -> int:
        """Chroma blocks along one side of a token."""
        return self.group // 2 if self.half_chroma else self.group

    @property
    def values(self) -> int:
        """Numbers that enter the embedding of one token."""
        return self.group**2 * self.luma + 2 * self.chroma_group**2 * self.chroma


VARIANTS: dict[str, Config] = {
    "half": Config(),
    "full": Config(luma=256, chroma=256),
    "compact": Config(block=32),
    "jpeg": Config(block=8, group=2, half_chroma=True, luma=16, chroma=16),
}

TINY: dict[str, Any] = {
    "frames": 2, "size": 16, "block": 8, "luma": 6, "chroma": 3, "keep": "zigzag", "dim": 16, "depth": 2, "heads": 2,
    "classes": 5,
}  # fmt: skip


def spec_for(config: Config) -> InputSpec:
    """Frames over 64 source frames; values stay 0 to 255, because the statistics of the coefficients belong to them.

    >>> spec_for(Config()).std[0] * 255
    1.0
    """
    return InputSpec(
        frames=config.frames,
        stride=max(1, 64 // config.frames),
        rate=30.0,
        short_side=config.size,
        crop=config.size,
        mean=(0.0, 0.0, 0.0),
        std=(1 / 255, 1 / 255, 1 / 255),
    )
