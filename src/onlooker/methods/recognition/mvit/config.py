"""The sizes of an MViT, and the published ones by name. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError
from onlooker.weights.inputs import InputSpec

Stride = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class BlockSizes:
    """What one block is given: widths in and out, heads, and the strides (time, height, width) of its poolings.

    `query_stride` None means that the query is not pooled at all.
    """

    dim: int
    out_dim: int
    heads: int
    query_stride: Stride | None
    kv_stride: Stride


@dataclass(frozen=True, slots=True)
class Config:
    """Every architectural number.

    `widen` and `more_heads` list (block, factor): a block's heads are multiplied where it is listed, the width at the
    output of the block before, rounded to a multiple of the heads, 8 or more. `query_strides`: (block, time, height,
    width). Keys and values are pooled in every block by `kv_stride`, which shrinks by each query stride on the way.

    >>> [block.out_dim for block in Config().blocks()][:4]
    [192, 192, 384, 384]
    """

    frames: int = 16
    size: int = 224
    channels: int = 3
    stem_kernel: Stride = (3, 7, 7)
    stem_stride: Stride = (2, 4, 4)
    dim: int = 96
    depth: int = 16
    heads: int = 1
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    widen: tuple[tuple[int, float], ...] = ((1, 2.0), (3, 2.0), (14, 2.0))
    more_heads: tuple[tuple[int, float], ...] = ((1, 2.0), (3, 2.0), (14, 2.0))
    query_strides: tuple[tuple[int, int, int, int], ...] = ((1, 1, 2, 2), (3, 1, 2, 2), (14, 1, 2, 2))
    kv_stride: Stride = (1, 8, 8)
    pool_kernel: Stride = (3, 3, 3)
    norm_eps: float = 1e-6
    drop_path: float = 0.2
    head_dropout: float = 0.5
    classes: int = 400

    def __post_init__(self) -> None:
        for name in ("stem_kernel", "stem_stride", "kv_stride", "pool_kernel"):
            object.__setattr__(self, name, _triple(name, getattr(self, name)))
        for name, width in (("widen", 2), ("more_heads", 2), ("query_strides", 4)):
            object.__setattr__(self, name, _rows(name, getattr(self, name), width))
        for block in self.blocks():
            if block.heads < 1 or block.dim % block.heads:
                raise ConfigError(f"{block.heads} heads cannot share a width of {block.dim}: choose a divisor of it.")
        if min(self.grid) < 1:
            raise ConfigError(f"a clip of {self.frames} frames of {self.size} pixels leaves no token: {self.grid}.")

    @property
    def stem_padding(self) -> Stride:
        """Half the stem's kernel."""
        return half(self.stem_kernel)

    @property
    def grid(self) -> Stride:
        """Tokens of the trained clip along time, height and width, behind the stem."""
        return self.grid_of(self.frames, self.size, self.size)

    def grid_of(self, frames: int, height: int, width: int) -> Stride:
        """Tokens along each axis behind the stem, whose padding is half its kernel."""
        time, rows, columns = (
            (size + 2 * (kernel // 2) - kernel) // stride + 1
            for size, kernel, stride in zip((frames, height, width), self.stem_kernel, self.stem_stride, strict=True)
        )
        return time, rows, columns

    def blocks(self) -> list[BlockSizes]:
        """The sizes of each block."""
        widen, more_heads = dict(self.widen), dict(self.more_heads)
        strides: dict[int, Stride] = {row[0]: (row[1], row[2], row[3]) for row in self.query_strides}
        dim, heads, kv, sizes = self.dim, self.heads, self.kv_stride, []
        for index in range(self.depth):
            heads = round_width(heads * more_heads.get(index, 1.0), 1, 1)
            # the factor of the next block acts on this block's output
            next_heads = round_width(heads * more_heads.get(index + 1, 1.0), 1, 1)
            out_dim = round_width(dim * widen.get(index + 1, 1.0), next_heads, 8)
            stride = strides.get(index)
            if stride is not None:
                kv = (max(kv[0] // stride[0], 1), max(kv[1] // stride[1], 1), max(kv[2] // stride[2], 1))
            sizes.append(BlockSizes(dim, out_dim, heads, stride, kv))
            dim = out_dim
        return sizes


def half(kernel: Stride) -> Stride:
    """The padding of a kernel: half of it, rounded down."""
    return kernel[0] // 2, kernel[1] // 2, kernel[2] // 2


def round_width(width: int | float, divisor: int, least: int) -> int:
    """The nearest multiple of `divisor`, `least` or more, one step up where rounding would lose over a tenth.

    >>> round_width(96, 2, 8), round_width(2.5, 2, 8), round_width(9, 8, 8), round_width(11.9, 8, 8)
    (96, 8, 16, 16)
    """
    rounded = max(-(-least // divisor), int(width + divisor / 2) // divisor) * divisor
    return rounded + divisor if rounded < 0.9 * width else rounded


def _triple(name: str, value: Any) -> Stride:
    if isinstance(value, str) or len(value) != 3 or min(value) < 1:
        raise ConfigError(f"{name} is {value!r}: give three numbers of 1 or more (time, height, width).")
    return int(value[0]), int(value[1]), int(value[2])


def _rows(name: str, value: Any, width: int) -> tuple[tuple[Any, ...], ...]:
    rows = tuple(tuple(row) for row in value)
    if any(isinstance(row, str) or len(row) != width for row in value):
        raise ConfigError(f"{name} is {value!r}: give rows of {width} numbers, the first one a block.")
    return rows


VARIANTS: dict[str, Config] = {
    "base_16x4": Config(),
    "base_32x3": Config(frames=32, drop_path=0.3),
}

TINY: dict[str, Any] = {
    "frames": 4, "size": 32, "dim": 8, "depth": 3, "classes": 5,
    "widen": ((1, 2.0),), "more_heads": ((1, 2.0),), "query_strides": ((1, 1, 2, 2),), "kv_stride": (1, 4, 4),
}  # fmt: skip


def spec_for(config: Config) -> InputSpec:
    """The zoo's preprocessing: 16 frames with stride 4, 32 with stride 3, the centre crop.

    >>> spec_for(Config(frames=32)).stride
    3
    """
    return InputSpec(
        frames=config.frames,
        stride=3 if config.frames == 32 else max(1, 64 // config.frames),
        rate=30.0,
        short_side=config.size,
        crop=config.size,
    )
