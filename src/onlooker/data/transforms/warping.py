"""Rotation, shear and translation of all frames alike; what comes from outside is mid grey."""

from __future__ import annotations

import math

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional

from onlooker.data.transforms.values import to_uint8

Clip = UInt8[Tensor, "*batch 3 height width"]

GREY = 128.0


def rotate(clip: Clip, degrees: float) -> Clip:
    """Counter-clockwise about the middle."""
    angle = math.radians(degrees)
    return warp(clip, [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]])


def shear_x(clip: Clip, amount: float) -> Clip:
    """Rows move to the left by `amount` times their distance below the middle."""
    return warp(clip, [[1, amount, 0], [0, 1, 0]])


def shear_y(clip: Clip, amount: float) -> Clip:
    """Columns move up by `amount` times their distance right of the middle."""
    return warp(clip, [[1, 0, 0], [amount, 1, 0]])


def translate(clip: Clip, right: float, down: float) -> Clip:
    """By shares of the width and the height."""
    height, width = clip.shape[-2:]
    return warp(clip, [[1, 0, -right * width], [0, 1, -down * height]])


def warp(clip: Clip, source: list[list[float]]) -> Clip:
    """Bilinear; `source` (2 x 3) says where, in pixels from the middle, each pixel's value comes from."""
    height, width = clip.shape[-2:]
    # affine_grid counts in half widths and half heights
    units = torch.tensor([[1, height / width, 2 / width], [width / height, 1, 2 / height]], dtype=torch.float64)
    theta = (torch.tensor(source, dtype=torch.float64) * units).float().to(clip.device)
    flat = clip.reshape(1, -1, height, width).float() - GREY
    grid = functional.affine_grid(theta.unsqueeze(0), [1, 1, height, width], align_corners=False)
    moved = functional.grid_sample(flat, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return to_uint8(moved + GREY).reshape(clip.shape)
