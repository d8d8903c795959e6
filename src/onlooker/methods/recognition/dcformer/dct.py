"""The orthonormal block DCT and JPEG's colours and orders: exact mathematics, no learned number."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dcformer.config import Keep

Picture = Float[Tensor, "*batch height width"]
Blocks = Float[Tensor, "*batch rows columns u v"]

_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_RANDOM_SEED = 0

# JPEG annex K, table K.1: steps of the luminance quantiser, rows are vertical frequencies
_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip


def colour_matrix(device: torch.device | None = None) -> Float[Tensor, "3 3"]:
    """RGB to YCbCr, full range (BT.601, as JPEG)."""
    return torch.tensor(_YCBCR, device=device)


def to_ycbcr(rgb: Float[Tensor, "*batch 3 height width"]) -> Float[Tensor, "*batch 3 height width"]:
    """RGB in 0..255 to Y - 128, Cb - 128 and Cr - 128."""
    ycbcr = torch.einsum("kc,...chw->...khw", colour_matrix(rgb.device).to(rgb.dtype), rgb)
    return ycbcr - torch.tensor([128.0, 0.0, 0.0], device=rgb.device, dtype=rgb.dtype).view(3, 1, 1)


def halve(picture: Picture) -> Picture:
    """The mean of each 2 x 2 pixels.

    >>> halve(torch.arange(4.0).view(2, 2)).item()
    1.5
    """
    height, width = picture.shape[-2:]
    return picture.reshape(*picture.shape[:-2], height // 2, 2, width // 2, 2).mean(dim=(-3, -1))


def basis(block: int, device: torch.device | None = None) -> Float[Tensor, "frequency sample"]:
    """The orthonormal DCT-II as a matrix M: coefficients are M x. Worked out in float64.

    >>> matrix = basis(8)
    >>> bool(torch.allclose(matrix @ matrix.T, torch.eye(8), atol=1e-6))
    True
    """
    frequency = torch.arange(block, dtype=torch.float64, device=device)[:, None]
    sample = torch.arange(block, dtype=torch.float64, device=device)[None]
    matrix = math.sqrt(2 / block) * torch.cos(math.pi * (2 * sample + 1) * frequency / (2 * block))
    return torch.where(frequency == 0, math.sqrt(1 / block), matrix).float()


def block_dct(picture: Picture, block: int, side: int | None = None) -> Blocks:
    """Coefficients of each block; u is the vertical frequency, v the horizontal one.

    With `side` only those with u, v < side, at the cost of those alone. Sides of the picture must be multiples of
    `block` (see `pad`). Raises ConfigError otherwise.

    >>> block_dct(torch.full((1, 8, 16), 3.0), 8)[..., 0, 0]
    tensor([[[24.0000, 24.0000]]])
    """
    height, width = picture.shape[-2:]
    if height % block or width % block:
        raise ConfigError(f"a picture of {width}x{height} is not whole blocks of {block}: pad it first.")
    matrix = basis(block, picture.device)[:side].to(picture.dtype)
    grid = picture.reshape(*picture.shape[:-2], height // block, block, width // block, block).transpose(-3, -2)
    return matrix @ grid @ matrix.T


def inverse_block_dct(blocks: Blocks) -> Picture:
    """Undoes `block_dct`."""
    matrix = basis(blocks.shape[-1], blocks.device).to(blocks.dtype)
    grid = (matrix.T @ blocks @ matrix).transpose(-3, -2)
    return grid.reshape(*grid.shape[:-4], grid.shape[-4] * grid.shape[-3], grid.shape[-2] * grid.shape[-1])


def low_pass(blocks: Blocks, side: int) -> Picture:
    """The picture made smaller by side / block: the inverse DCT of the `side` lowest frequencies, brightness kept."""
    return inverse_block_dct(blocks[..., :side, :side] * (side / blocks.shape[-1]))


def pad(picture: Picture, multiple: int) -> Picture:
    """Right and bottom edges repeated until both sides are multiples of `multiple`."""
    height, width = picture.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    if not right and not bottom:
        return picture
    flat = picture.reshape(-1, 1, height, width)
    flat = functional.pad(flat, (0, right, 0, bottom), mode="replicate")
    return flat.reshape(*picture.shape[:-2], height + bottom, width + right)


def zigzag(block: int) -> Int[Tensor, " coefficients"]:
    """Flat indices u * block + v in JPEG's order: along the diagonals u + v, the direction alternating.

    >>> zigzag(8)[:6].tolist()
    [0, 1, 8, 16, 9, 2]
    """
    places = sorted(
        ((u, v) for u in range(block) for v in range(block)),
        key=lambda place: (sum(place), place[0] if sum(place) % 2 else place[1]),
    )
    return torch.tensor([u * block + v for u, v in places])


def choose(block: int, keep: Keep, count: int) -> Int[Tensor, " count"]:
    """Flat indices of the `count` coefficients to keep, in the order in which they were chosen.

    `square`: u, v < sqrt(count), which is the band of a smaller picture. `zigzag`: the first in JPEG's order.
    `triangle`: u + v < r with r (r + 1) / 2 = count. `quantiser`: the finest steps of JPEG's luminance table,
    stretched to the block. `highest`: the last in JPEG's order; `random`: drawn once, the same for all (controls).
    Raises ConfigError for a count that the form cannot have.

    >>> choose(8, "square", 4).tolist()
    [0, 1, 8, 9]
    """
    if keep == "square":
        side = math.isqrt(count)
        if side * side != count:
            raise ConfigError(f"a square cannot have {count} coefficients: choose a square number.")
        return (torch.arange(side)[:, None] * block + torch.arange(side)).flatten()
    if keep == "triangle":
        side = (math.isqrt(8 * count + 1) - 1) // 2
        if side * (side + 1) // 2 != count or side > block:
            raise ConfigError(f"a triangle cannot have {count} coefficients: choose 1, 3, 6, 10, ...")
        return zigzag(block)[:count]
    if keep == "quantiser":
        places = (torch.arange(block) * 8) // block
        steps = torch.tensor(_LUMA_STEPS)[places[:, None], places].flatten()[zigzag(block)]
        return zigzag(block)[steps.sort(stable=True).indices[:count]]
    if keep == "random":
        return torch.randperm(block**2, generator=torch.Generator().manual_seed(_RANDOM_SEED))[:count]
    return zigzag(block)[:count] if keep == "zigzag" else zigzag(block)[block**2 - count :]
