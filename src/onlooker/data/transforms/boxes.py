"""Boxes that follow their clip: xyxy in pixels, (boxes, 4)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Boxes = Float[Tensor, "boxes 4"]


def scale_boxes(
    boxes: Boxes, before: tuple[int, int], after: tuple[int, int], *, by: Literal["axes", "long_side"] = "axes"
) -> Boxes:
    """Boxes in a picture that was `before` and is `after` (height, width): each axis by its own ratio.

    `by="long_side"` scales both by that of the long side, which PyTorchVideo does; it is off by up to a pixel on the
    short side, because the long one was rounded down.

    >>> scale_boxes(torch.tensor([[0.0, 10.0, 20.0, 30.0]]), (100, 200), (50, 100)).tolist()
    [[0.0, 5.0, 10.0, 15.0]]
    """
    down, across = (new / old for new, old in zip(after, before, strict=True))
    if by == "long_side":
        down = across = down if before[0] > before[1] else across
    return boxes * torch.tensor([across, down, across, down], dtype=boxes.dtype, device=boxes.device)


def crop_boxes(boxes: Boxes, top: int, left: int) -> Boxes:
    """Boxes after a crop that begins at `top`, `left`; they may reach outside."""
    return boxes - torch.tensor([left, top, left, top], dtype=boxes.dtype, device=boxes.device)


def flip_boxes(boxes: Boxes, width: int) -> Boxes:
    """Boxes after a horizontal flip of a picture `width` pixels wide, whose last pixel is `width` - 1.

    >>> flip_boxes(torch.tensor([[0.0, 1.0, 3.0, 2.0]]), 10).tolist()
    [[6.0, 1.0, 9.0, 2.0]]
    """
    return torch.stack([width - boxes[:, 2] - 1, boxes[:, 1], width - boxes[:, 0] - 1, boxes[:, 3]], dim=1)


def clip_boxes(boxes: Boxes, height: int, width: int) -> Boxes:
    """Boxes cut off at the border, the last pixel being `width` - 1 and `height` - 1."""
    high = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device) - 1
    return boxes.clamp(min=0).minimum(high)
