"""Rotations, smooth steps and two-bone inverse kinematics, all vectorised over time.

World coordinates are metres: x and y span the ground, z points up. A body at yaw 0 looks along +x, its left is +y.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _rotation(angle: Floats, axis: int) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((*np.shape(angle), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1
    out[..., i, i] = out[..., j, j] = c
    out[..., i, j] = -s
    out[..., j, i] = s
    return out


def rot_x(angle: Floats) -> Floats:
    """Rotation matrices (..., 3, 3) about x (a body rolls to its right with a positive angle)."""
    return _rotation(angle, 0)


def rot_y(angle: Floats) -> Floats:
    """Rotation matrices about y (a body leans forward with a positive angle)."""
    return _rotation(angle, 1)


def rot_z(angle: Floats) -> Floats:
    """Rotation matrices about z (a body turns to its left with a positive angle)."""
    return _rotation(angle, 2)


def smoothstep(x: Any) -> Floats:
    """0 below 0, 1 above 1, and a smooth monotone ramp between; smoothstep(x) + smoothstep(1 - x) = 1."""
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x), np.float64)


def smooth(values: Floats, spread: float) -> Floats:
    """Gaussian smoothing of (sample, channel) over samples, the ends held; `spread` in samples.

    >>> smooth(np.ones((5, 2)), 1.0).round(9).min().item()
    1.0
    """
    reach = int(3 * spread)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], -1)


def bump(x: Any, sharpness: float = 1.0) -> Floats:
    """A smooth periodic bump of height 1 at integer x (von Mises shape)."""
    return np.exp(sharpness * (np.cos(2 * np.pi * np.asarray(x, np.float64)) - 1))


def unit(vector: Floats) -> Floats:
    """Vectors of length one along the last axis (zero stays finite)."""
    length = np.sqrt((vector * vector).sum(-1, keepdims=True))
    return np.asarray(vector / np.maximum(length, 1e-9), np.float64)


def wrap_angle(angle: Any) -> Floats:
    """The same angle in [-pi, pi)."""
    return (np.asarray(angle, np.float64) + np.pi) % (2 * np.pi) - np.pi


def two_bone(root: Floats, target: Floats, upper: float, lower: float, pole: Floats) -> tuple[Floats, Floats]:
    """Middle and end joint (n, 3) of a two-bone limb from `root` towards `target`, the middle bent towards `pole`.

    A target out of reach is approached along the straight line, as an arm does.
    """
    reach = target - root
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    span = np.clip(distance, abs(upper - lower) + 1e-3, (upper + lower) * 0.999)
    along = unit(reach)
    end = root + along * span
    near = (upper**2 - lower**2 + span**2) / (2 * span)
    height = np.sqrt(np.maximum(upper**2 - near**2, 0.0))
    side = pole - (pole * along).sum(-1, keepdims=True) * along
    # a limb stretched along the pole bends in any direction across it
    spare = np.cross(along, np.roll(along, 1, -1) + np.array([0.3, 0.1, 0.2]))
    side = unit(np.where((side * side).sum(-1, keepdims=True) < 1e-12, spare, side))
    return root + along * near + side * height, end
