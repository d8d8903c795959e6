"""Features of boxes: RoIAlign in plain torch (arXiv:1703.06870)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from onlooker.errors import ConfigError

Boxes = Float[Tensor, "boxes 5"]


def roi_align(
    maps: Float[Tensor, "batch channel height width"],
    boxes: Boxes,
    size: tuple[int, int],
    *,
    scale: float,
    samples: int = 0,
    aligned: bool = True,
) -> Float[Tensor, "boxes channel rows columns"]:
    """Each box as a grid of `size` cells; a cell is the mean of bilinear samples inside it.

    `boxes` are (index in the batch, x1, y1, x2, y2) in pixels of the picture, which the maps show at `scale`. There are
    `samples` x `samples` samples in a cell, or with 0 as many as the cell has map pixels, rounded up. `aligned` shifts
    by half a pixel, so that a map pixel's value lies at its centre; without it boxes are also at least a pixel wide,
    as in older networks. Samples more than a pixel outside count as zero. Raises ConfigError for boxes of another form.

    >>> maps = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_align(maps, torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]]), (1, 1), scale=1.0).item()
    7.5
    """
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        raise ConfigError(f"boxes are rows of (batch index, x1, y1, x2, y2); these have shape {tuple(boxes.shape)}.")
    if len(boxes) and not 0 <= int(boxes[:, 0].min()) <= int(boxes[:, 0].max()) < len(maps):
        raise ConfigError(f"a box belongs to no picture of the batch of {len(maps)}: its first number is its index.")
    out = maps.new_zeros(len(boxes), maps.shape[1], *size)
    corners = boxes[:, 1:].float() * scale - (0.5 if aligned else 0.0)
    extent = corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = extent.clamp(min=1.0)
    cells = extent / extent.new_tensor([size[1], size[0]])
    counts = torch.full_like(cells, samples) if samples else cells.ceil().clamp(min=1)
    for count in torch.unique(counts, dim=0):
        chosen = (counts == count).all(dim=1).nonzero().flatten()
        across, down = (int(number) for number in count)
        x = _places(corners[chosen, 0], cells[chosen, 0], size[1], across)
        y = _places(corners[chosen, 1], cells[chosen, 1], size[0], down)
        out[chosen] = _read(maps, boxes[chosen, 0].long(), y, x, down, across)
    return out


def _places(start: Tensor, cell: Tensor, cells: int, count: int) -> Float[Tensor, "boxes places"]:
    """Coordinates of the samples along one axis, `count` to a cell, evenly inside it."""
    steps = (torch.arange(cells * count, device=start.device) + 0.5) / count
    return start[:, None] + cell[:, None] * steps


def _read(maps: Tensor, index: Tensor, y: Tensor, x: Tensor, down: int, across: int) -> Tensor:
    """Means of the samples at each crossing of `y` and `x`, cell by cell. Bilinear sampling is separable."""
    rows, columns = _weights(y, maps.shape[2], maps.dtype), _weights(x, maps.shape[3], maps.dtype)
    sampled = torch.einsum("nph,nchw,nqw->ncpq", rows, maps[index], columns)
    boxes, channels, height, width = sampled.shape
    return sampled.view(boxes, channels, height // down, down, width // across, across).mean(dim=(3, 5))


def _weights(places: Tensor, length: int, dtype: torch.dtype) -> Float[Tensor, "boxes places length"]:
    """Shares of the pixels of one axis in the sample at each place; none where it lies over a pixel outside."""
    inside = (places >= -1) & (places <= length)
    distance = (places.clamp(0, length - 1)[..., None] - torch.arange(length, device=places.device)).abs()
    return ((1 - distance).clamp(min=0) * inside[..., None]).to(dtype)
