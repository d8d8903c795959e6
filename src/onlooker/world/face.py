"""The face: 68 landmarks (iBUG order) that follow expression and head, and the patches it is painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.body import HAIRS, Body, Colour
from onlooker.world.clothing import CLOTH, Outfit
from onlooker.world.geometry import Floats, unit
from onlooker.world.pose import FRAME, JOINT, Skeleton, channel
from onlooker.world.strands import View

_AXES = np.array([0.42, 0.335, 0.5])  # the head as an ellipsoid, in head heights: forward, left, up


@dataclass(frozen=True, slots=True)
class Patch:
    """A painted region: `corners` (time, v, 2) pixels, `shows` (time,); a `solid` one is the hull of its corners."""

    name: str
    colour: Colour
    corners: Floats
    shows: NDArray[np.bool_]
    solid: bool = False
    line: bool = False  # an open line, not a filled region


@dataclass(frozen=True, slots=True)
class Face:
    """`landmarks` (time, 68, 2) pixels, `visible` (time, 68): on the side towards the camera; `size` (time,)
    pixels per head."""

    landmarks: Floats
    visible: NDArray[np.bool_]
    size: Floats
    patches: tuple[Patch, ...]


def template(body: Body, pose: Floats) -> Floats:
    """Landmarks (time, 68, 3) in head heights around the head joint (forward, left, up), for poses (time, channel)."""
    spacing, eye_size, nose, nostril, mouth_wide, jaw, brow_high, lips = body.face
    n = len(pose)
    out = np.zeros((n, 68, 3))
    opened = np.clip(channel(pose, "mouth"), 0, 1)[:, None]
    smile = np.clip(channel(pose, "smile"), -1, 1)[:, None]
    shut = np.clip(channel(pose, "blink"), 0, 1)[:, None]
    raised = channel(pose, "brow")[:, None]

    angle = np.radians(np.linspace(-96, 96, 17))
    out[:, :17, 1] = 0.30 * jaw**0.5 * np.sin(angle)
    out[:, :17, 2] = -0.02 - 0.44 * np.cos(angle) - 0.05 * opened * np.cos(angle).clip(0)
    span = np.linspace(0.255, 0.055, 5)
    arch = 0.035 * np.sin(np.linspace(0.3, 2.6, 5))
    lift = 0.125 + 0.02 * brow_high + arch + 0.04 * raised
    out[:, 17:22, 1], out[:, 22:27, 1] = -span, span[::-1]
    out[:, 17:22, 2], out[:, 22:27, 2] = lift, lift[:, ::-1]
    out[:, 27:31, 2] = np.linspace(0.07, -0.07 * nose, 4)
    out[:, 31:36, 1] = np.linspace(-0.065, 0.065, 5) * nostril
    out[:, 31:36, 2] = -0.105 * nose + np.array([0.012, 0.0, -0.008, 0.0, 0.012])
    wide, high = 0.062 * eye_size, 0.026 * eye_size * (1 - 0.92 * shut)
    for first, sign in ((36, -1.0), (42, 1.0)):
        # both eyes run from the corner at the subject's right
        around = np.array([-1.0, -0.4, 0.4, 1.0, 0.4, -0.4])
        out[:, first : first + 6, 1] = sign * 0.15 * spacing + around * wide
        out[:, first : first + 6, 2] = 0.055 + high * np.array([0.0, 1.0, 1.0, 0.0, -0.8, -0.8])
    _mouth(out, opened, smile, mouth_wide, lips)
    _onto_head(out, nose)
    return out


def _mouth(out: Floats, opened: Floats, smile: Floats, wide: float, lips: float) -> None:
    half = 0.105 * wide * (1 + 0.22 * smile - 0.25 * opened)
    centre = -0.235
    corner = 0.035 * smile
    outer = np.radians(np.linspace(180, -150, 12))
    inner = np.radians(np.linspace(180, -135, 8))
    for first, around, thick in ((48, outer, 0.032 * lips), (60, inner, 0.002)):
        count = len(around)
        across, height = np.cos(around), np.sin(around)
        out[:, first : first + count, 1] = across * half * (1.0 if count == 12 else 0.85)
        down = np.where(height < 0, 1.35, 0.75)
        out[:, first : first + count, 2] = centre + height * (thick + 0.07 * opened * down) + corner * across**2


def _onto_head(out: Floats, nose: float) -> None:
    inside = 1 - (out[..., 1] / _AXES[1]) ** 2 - (out[..., 2] / _AXES[2]) ** 2
    out[..., 0] = _AXES[0] * np.sqrt(np.maximum(inside, 0.01))
    out[:, 28:31, 0] += np.array([0.02, 0.045, 0.075]) * nose
    out[:, 31:36, 0] += np.array([0.005, 0.02, 0.03, 0.02, 0.005])


def _directions(points: list[tuple[float, float]]) -> Floats:
    """Unit vectors of (azimuth, elevation) in degrees, mirrored to both sides of the face."""
    both = points + [(-azimuth, elevation) for azimuth, elevation in reversed(points) if azimuth]
    azimuth, elevation = np.radians(np.array(both)).T
    level = np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], -1)


_SKIN = _directions([(0, 42), (28, 40), (52, 30), (66, 12), (74, -8), (82, -30), (82, -58), (60, -80), (0, -88)])
# below the ears the skin goes all the way round the jaw, past the outline of the hair beneath
_SKIN_GROWTH = np.where(_SKIN[:, 2] < -0.3, 1.22, 1.0)[:, None]
_LOWER = _directions([(0, 2), (24, -2), (60, -14), (66, -34), (50, -58), (0, -66)])
_CHIN = _directions([(0, -38), (20, -30), (42, -26), (70, -6), (76, -30), (64, -60), (0, -84)])
_CROWN = _directions([(azimuth, 20) for azimuth in range(0, 181, 15)])
_DOME = np.concatenate([_directions([(azimuth, up) for azimuth in range(0, 181, 30)]) for up in (18, 45, 70, 88)])
_BRIM = _directions([(0, 24), (25, 24), (50, 20)])


def place_face(body: Body, outfit: Outfit, skeleton: Skeleton, pose: Floats, view: View) -> Face:
    """The face of one person in the pictures of `view`."""
    orientation = skeleton.frames[:, FRAME["head"]]
    centre = skeleton.joints[:, JOINT["head"]]
    toward = _toward_viewer(centre, orientation, view)
    marks = template(body, pose)
    landmarks, scale = _picture(marks, body.head, centre, orientation, view)
    front = (unit(marks / _AXES**2) * toward[:, None]).sum(-1)
    patches: list[Patch] = []

    def region(name: str, colour: Colour, directions: Floats, grow: float | Floats = 1.0, solid: bool = False) -> None:
        points, shows = _clip_to_outline(directions, toward)
        corners, _ = _picture(points * grow, body.head, centre, orientation, view)
        patches.append(Patch(name, colour, corners, shows, solid))

    if body.hair_style != "bald":
        region("skin", body.skin, _SKIN, _SKIN_GROWTH)
    if body.beard:
        region("beard", _blend(HAIRS[body.hair_colour], body.skin, 0.25 + 0.6 * body.beard), _CHIN)
    facing = toward[:, 0] > 0.12
    patches += _features(body, landmarks, facing, front)
    if outfit.mask:
        region("mask", (196, 218, 228), _LOWER, 1.03)
    patches += _glasses(outfit, landmarks, facing)
    patches += _hat(body, outfit, centre, orientation, toward, view)
    return Face(landmarks, (front > 0.0) & (scale[:, :1] > 0), scale.mean(1) * body.head, tuple(patches))


def _toward_viewer(centre: Floats, orientation: Floats, view: View) -> Floats:
    """Unit vectors (time, 3) from the head to the camera, in head axes."""
    eye = -np.einsum("tji,tj->ti", view.R, view.t)
    return unit(np.einsum("tji,tj->ti", orientation, eye - centre))


def _picture(points: Floats, size: float, centre: Floats, orientation: Floats, view: View) -> tuple[Floats, Floats]:
    world = centre[:, None] + (points * size) @ np.swapaxes(orientation, 1, 2)
    return view.project(view.to_camera(world))


def _clip_to_outline(directions: Floats, toward: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Points of the ellipsoid in these directions; those on the far side are moved to its outline.

    They move to the nearest place of the outline while the middle of the region is seen; when it is not, those far
    behind move to where the middle would go, so that a region seen from behind shrinks to a sliver.
    """
    points = np.broadcast_to(directions * _AXES, (len(toward), *directions.shape))
    normal = unit(points / _AXES**2)
    facing = (normal * toward[:, None]).sum(-1)
    middle = unit(normal[0].mean(0))
    centre = toward @ middle
    edge = normal - facing[..., None] * toward[:, None]
    inward = (middle - centre[:, None] * toward)[:, None]
    behind = np.clip(-2.0 * facing, 0, 1) * np.clip((0.2 - centre) / 0.4, 0, 1)[:, None]
    edge = (1 - behind[..., None]) * edge + behind[..., None] * inward
    edge = edge * _AXES**2 / np.maximum(np.sqrt(((edge * _AXES) ** 2).sum(-1, keepdims=True)), 1e-9)
    return np.where(facing[..., None] < 0, edge, points), ((facing > 0).sum(1) > 1) & (centre > -0.8)


def _features(body: Body, marks: Floats, facing: NDArray[np.bool_], front: Floats) -> list[Patch]:
    dark: Colour = (36, 28, 26)
    hair = HAIRS[body.hair_colour]
    lip = _blend((176, 72, 72), body.skin, 0.62)
    shade = _blend((60, 30, 20), body.skin, 0.30)
    patches = []
    for first in (36, 42):
        shows = facing & (front[:, first + 1] > 0.05)
        eye = marks[:, first : first + 6]
        middle = eye.mean(1, keepdims=True)
        high = np.abs(eye[:, 1] - eye[:, 5]).max(-1)[:, None, None]
        iris = middle + 0.52 * high * _ROUND
        patches.append(Patch("eye", (240, 238, 232), eye, shows))
        patches.append(Patch("iris", dark, iris, shows & (high[:, 0, 0] > 0.4)))
        patches.append(Patch("lid", dark, eye[:, :4], shows, line=True))
    for first in (17, 22):
        shows = facing & (front[:, first + 2] > 0.02)
        patches.append(Patch("brow", _blend(hair, (40, 30, 26), 0.6), marks[:, first : first + 5], shows, line=True))
    nose = np.concatenate([marks[:, 27:28], marks[:, 30:31], marks[:, 35:36]], 1)
    patches.append(Patch("nose", shade, nose, facing, line=True))
    patches.append(Patch("lips", lip, marks[:, 48:60], facing))
    patches.append(Patch("mouth", (70, 24, 26), marks[:, 60:68], facing))
    return patches


_ROUND = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], -1)


def _glasses(outfit: Outfit, marks: Floats, facing: NDArray[np.bool_]) -> list[Patch]:
    if outfit.glasses == "none":
        return []
    patches = []
    for first in (36, 42):
        eye = marks[:, first : first + 6]
        middle = eye.mean(1, keepdims=True)
        wide = 1.25 * (eye[:, 3:4] - eye[:, 0:1]) / 2
        tall = np.stack([-wide[..., 1], wide[..., 0]], -1) * 0.85
        ring = (
            middle
            + wide * _ROUND[:, :1]
            + np.where(np.abs(wide).sum(-1, keepdims=True) < 0.2, 0.0, tall) * _ROUND[:, 1:]
        )
        closed = np.concatenate([ring, ring[:, :1]], 1)
        patches.append(
            Patch(
                "glasses",
                (28, 28, 30),
                ring if outfit.glasses == "sunglasses" else closed,
                facing,
                line=outfit.glasses == "glasses",
            )
        )
    bridge = np.stack([marks[:, 39], marks[:, 42]], 1)
    return [*patches, Patch("glasses", (28, 28, 30), bridge, facing, line=True)]


def _hat(body: Body, outfit: Outfit, centre: Floats, orientation: Floats, toward: Floats, view: View) -> list[Patch]:
    if outfit.hat == "none":
        return []
    colour = CLOTH[outfit.hat_colour]
    dark = _blend((20, 20, 20), colour, 0.35)
    always = np.ones(len(toward), np.bool_)
    shapes = [("hat", colour, _DOME * _AXES * (1.14 if outfit.hat == "sun hat" else 1.10))]
    if outfit.hat == "cap":
        front = _BRIM * _AXES
        shapes.append(("brim", dark, np.concatenate([front * 1.08, front * np.array([1.75, 1.25, 0.9])])))
    elif outfit.hat == "sun hat":
        shapes.insert(0, ("brim", dark, _CROWN * _AXES * np.array([1.75, 1.95, 1.0])))
    patches = []
    for name, shade, points in shapes:
        corners, _ = _picture(
            np.broadcast_to(points, (len(toward), *points.shape)), body.head, centre, orientation, view
        )
        patches.append(Patch(name, shade, corners, always, True))
    return patches


def _blend(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(first, second, strict=True))
    return red, green, blue
