"""Learned position tables brought to another grid or another number of frames."""

from __future__ import annotations

import math
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from onlooker.errors import ConfigError

Resize = Literal["nearest", "bicubic", "legacy"]


def resize_space_table(
    table: Float[Tensor, "1 length dim"],
    grid: tuple[int, int],
    *,
    classes: int = 1,
    mode: Resize = "nearest",
) -> Float[Tensor, "1 new_length dim"]:
    """A table over a square patch grid, for `grid` = (rows, columns). Rows of the `classes` class tokens are untouched.

    `nearest` and `bicubic` work on the 2-D grid. `legacy` treats the flattened grid as one axis, which scrambles rows
    when the number of columns changes; it exists to reproduce results of software that did so when it loaded a
    checkpoint for another crop. A table that already fits is returned as it is.
    Raises ConfigError when the table is not a square grid and has to change.
    """
    rows, columns = grid
    places = table.shape[1] - classes
    side = math.isqrt(places)
    if places == rows * columns and (mode == "legacy" or rows == columns):
        return table
    head, body = table[:, :classes], table[:, classes:]
    if mode == "legacy":
        return torch.cat((head, resize_time_table(body, rows * columns)), dim=1)
    if side * side != places:
        raise ConfigError(
            f"a position table of {places} places is not a square grid, so it cannot be resized to {rows}x{columns}."
        )
    image = rearrange(body, "1 (rows columns) dim -> 1 dim rows columns", rows=side)
    if mode == "bicubic":
        image = functional.interpolate(image, size=grid, mode="bicubic", align_corners=False)
    else:
        image = functional.interpolate(image, size=grid, mode="nearest")
    return torch.cat((head, rearrange(image, "1 dim rows columns -> 1 (rows columns) dim")), dim=1)


def resize_time_table(table: Float[Tensor, "1 time dim"], time: int) -> Float[Tensor, "1 new_time dim"]:
    """A table over frames for another number of them, by 1-D nearest neighbour."""
    if table.shape[1] == time:
        return table
    return functional.interpolate(table.transpose(1, 2), size=time, mode="nearest").transpose(1, 2)
