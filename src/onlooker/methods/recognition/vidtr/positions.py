"""VidTr's tables over another number of frames or another grid: bicubic in space, linear in time."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Size = tuple[int, int, int]


def resize_grid(
    table: Float[Tensor, "time height width dim"], size: Size
) -> Float[Tensor, "new_time new_height new_width dim"]:
    """A table over time, rows and columns for another size; one that fits is returned as it is."""
    time, height, width = size
    if table.shape[1:3] != (height, width):
        pictures = functional.interpolate(
            table.permute(0, 3, 1, 2), size=(height, width), mode="bicubic", align_corners=False
        )
        table = pictures.permute(0, 2, 3, 1)
    return resize_rows(table.flatten(1), time).view(time, height, width, -1)


def resize_rows(table: Float[Tensor, "time dim"], time: int) -> Float[Tensor, "new_time dim"]:
    """A table over time for another number of steps."""
    if table.shape[0] == time:
        return table
    return functional.interpolate(table.T[None], size=time, mode="linear", align_corners=False)[0].T


def resize_class_row(
    table: Float[Tensor, "rows columns dim"], trained: int, size: tuple[int, int]
) -> Float[Tensor, "rows new_columns dim"]:
    """Rows of one class token and a patch grid of side `trained`, for a grid of `size`; the class token stays."""
    patches = table[:, 1:].reshape(len(table), trained, trained, -1)
    return torch.cat((table[:, :1], resize_grid(patches, (len(table), *size)).flatten(1, 2)), dim=1)


def resize_class_grid(
    table: Float[Tensor, "rows columns dim"], trained: int, size: Size
) -> Float[Tensor, "new_rows new_columns dim"]:
    """A table whose first row and column belong to class tokens; `trained` is the side of its patch grid.

    Row 0 is resized over places alone, column 0 over time alone, the corner stays.
    """
    table = resize_class_row(table, trained, size[1:])
    times = resize_rows(table[1:].flatten(1), size[0])
    return torch.cat((table[:1], times.view(size[0], table.shape[1], -1)))
