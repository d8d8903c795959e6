"""Strands in the picture: outlines, shaded strips and pattern patches of tapered elliptical solids, for many times
at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.geometry import Floats, unit

Ints = NDArray[np.int32]
NEUTRAL = 160.0  # the shade that leaves a colour as it is


@dataclass(slots=True)
class View:
    """Cameras of consecutive frames as arrays: `K` and `R` (time, 3, 3), `t` (time, 3); `light` (time, 3) in
    camera axes."""

    K: Floats
    R: Floats
    t: Floats
    light: Floats
    ambient: float
    diffuse: float

    def to_camera(self, points: Floats) -> Floats:
        """World points (time, ..., 3) in camera coordinates."""
        flat = points.reshape(len(points), -1, 3)
        return (flat @ np.swapaxes(self.R, 1, 2) + self.t[:, None]).reshape(points.shape)

    def turn(self, vectors: Floats) -> Floats:
        """World directions (time, ..., 3) in camera axes."""
        flat = vectors.reshape(len(vectors), -1, 3)
        return (flat @ np.swapaxes(self.R, 1, 2)).reshape(vectors.shape)

    def project(self, local: Floats) -> tuple[Floats, Floats]:
        """Pixels (time, ..., 2) and pixels per metre (time, ...) of points in camera coordinates."""
        depth = np.maximum(local[..., 2], 1e-3)
        extra = (1,) * (local.ndim - 2)
        focal = self.K[:, 0, 0].reshape(-1, *extra)
        middle = self.K[:, :2, 2].reshape(len(local), *extra, 2)
        scale = focal / depth
        return local[..., :2] * scale[..., None] + middle, scale


@dataclass(slots=True)
class Strands:
    """Projected parts. Pixels as floats; `v` corner points, `s` strips.

    `outline` (time, part, v, 2), `strips` (time, part, s, 4, 2), `shade` (time, part, s), `order` (time, part)
    camera depth for the order within one body, `key` (time, part) depth of the place on the floor below, `near`
    (time, part) nearest depth. The rest places patterns: `ends` and `width` (2, time, part, ...), `across` (time,
    part, 2), the viewer's `azimuth` (time, part) and `turned`, 1 or -1: on which side of the strand the part's left
    appears.
    """

    outline: Floats
    strips: Floats
    shade: Floats
    order: Floats
    key: Floats
    near: Floats
    ends: Floats
    across: Floats
    width: Floats
    azimuth: Floats
    turned: Floats


def project_strands(
    points: Floats,
    axes: Floats,
    sizes: Floats,
    rounds: Floats,
    bias: Floats,
    view: View,
    strips: int,
) -> Strands:
    """Outlines and strips of parts placed by `PartTable.place` in the pictures of `view`."""
    local = np.stack([view.to_camera(points[0]), view.to_camera(points[1])])
    pixels = np.empty((*local.shape[:-1], 2))
    scale = np.empty(local.shape[:-1])
    for end in range(2):
        pixels[end], scale[end] = view.project(local[end])
    along2 = pixels[1] - pixels[0]
    length = np.sqrt((along2**2).sum(-1))
    flat = length < 1e-3
    along2 = np.where(flat[..., None], np.array([0.0, 1.0]), along2 / np.maximum(length, 1e-9)[..., None])
    across = np.stack([-along2[..., 1], along2[..., 0]], -1)
    axis = unit(local[1] - local[0])
    width, cap = _extents(axes, sizes, rounds, view, scale, along2, across, axis)
    outline, quads, mids = _polygons(pixels, along2, across, width, cap, strips)
    shade = _shade(axis, across, mids, view)
    middle = points.mean(0)
    azimuth, turned = _azimuth(axes, local, axis, view)
    foot = middle * np.array([1.0, 1.0, 0.0])
    return Strands(
        outline=outline,
        strips=quads,
        shade=shade,
        order=local[..., 2].mean(0) - bias,
        key=view.to_camera(foot)[..., 2],
        near=local[..., 2].min(0),
        ends=pixels,
        across=across,
        width=width,
        azimuth=azimuth,
        turned=turned,
    )


def _extents(
    axes: Floats,
    sizes: Floats,
    rounds: Floats,
    view: View,
    scale: Floats,
    along: Floats,
    across: Floats,
    axis: Floats,
) -> tuple[Floats, Floats]:
    """Half-widths across and half-lengths of the end caps, both (2, time, part) in pixels."""
    circular = np.abs(sizes[..., 0] - sizes[..., 1]).max(0) < 1e-9
    width, cap = np.empty_like(scale), np.empty_like(scale)
    for end in range(2):
        picture = view.turn(axes[end])[..., :2]
        lateral = np.einsum("tpai,tpi->tpa", picture, across) * sizes[end]
        forward = np.einsum("tpai,tpi->tpa", picture, along) * sizes[end]
        radius = sizes[end, :, 0]
        wide = np.where(circular, radius, np.sqrt((lateral**2).sum(-1)))
        disc = np.where(circular, radius * np.abs(axis[..., 2]), np.sqrt((forward**2).sum(-1)))
        width[end] = scale[end] * wide
        cap[end] = scale[end] * np.maximum(disc, rounds * wide)
    return width, cap


def _polygons(
    pixels: Floats, along: Floats, across: Floats, width: Floats, cap: Floats, strips: int
) -> tuple[Floats, Floats, Floats]:
    lateral = np.sin(np.linspace(-np.pi / 2, np.pi / 2, strips + 1))
    profile = np.sqrt(np.maximum(1 - lateral**2, 0))
    sides = []
    for end, sign in ((0, -1.0), (1, 1.0)):
        reach = across[..., None, :] * (width[end][..., None] * lateral)[..., None]
        bulge = along[..., None, :] * (sign * cap[end][..., None] * profile)[..., None]
        sides.append(pixels[end][..., None, :] + reach + bulge)
    first, second = sides
    outline = np.concatenate([first, second[..., ::-1, :]], -2)
    quads = np.stack([first[..., :-1, :], first[..., 1:, :], second[..., 1:, :], second[..., :-1, :]], -2)
    return outline, quads, (lateral[1:] + lateral[:-1]) / 2


def _shade(axis: Floats, across: Floats, mids: Floats, view: View) -> Floats:
    toward = np.array([0.0, 0.0, -1.0])
    facing = unit(toward - axis * (axis @ toward)[..., None])
    side = np.concatenate([across, np.zeros((*across.shape[:-1], 1))], -1)
    bulge = np.sqrt(1 - mids**2)
    light = view.light[:, None, :]
    lit = (side * light).sum(-1)[..., None] * mids + (facing * light).sum(-1)[..., None] * bulge
    # half-Lambert, darker where the surface turns away, so that an arm stands out before a trunk of its colour
    value = (view.ambient + view.diffuse * (0.35 + 0.65 * lit)) * (0.74 + 0.26 * bulge)
    return np.asarray(np.clip(NEUTRAL * value, 24, 250), np.float64)


def _azimuth(axes: Floats, local: Floats, axis: Floats, view: View) -> tuple[Floats, Floats]:
    """The direction of the viewer around each part, (time, part): 0 from the front, pi / 2 from the part's left;
    the sides."""
    toward = unit(-local.mean(0))
    left, front = np.moveaxis(view.turn(axes.mean(0)), -2, 0)
    upright = (np.cross(front, left) * axis).sum(-1)
    return np.arctan2((left * toward).sum(-1), (front * toward).sum(-1)), np.where(upright < 0, -1.0, 1.0)


def patch_corners(strands: Strands, part: int, patches: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Corners (time, patch, 4, 2) of patches given as (azimuth from, azimuth to, share from, share to), and which
    show."""
    relative = patches[None, :, :2] - strands.azimuth[:, part, None, None]
    middle = relative.mean(-1, keepdims=True)
    centred = relative - middle + (middle + np.pi) % (2 * np.pi) - np.pi
    clipped = np.clip(centred, -np.pi / 2, np.pi / 2)
    shows = clipped[..., 1] - clipped[..., 0] > 0.04
    lateral = np.sin(clipped)[..., [0, 1, 1, 0]] * strands.turned[:, part, None, None]
    share = patches[None, :, [2, 2, 3, 3]]
    ends, width = strands.ends[:, :, part], strands.width[:, :, part]
    middle2 = ends[0][:, None, None] * (1 - share[..., None]) + ends[1][:, None, None] * share[..., None]
    reach = width[0][:, None, None] * (1 - share) + width[1][:, None, None] * share
    corners = middle2 + strands.across[:, None, None, part] * (reach * lateral)[..., None]
    return corners, shows
