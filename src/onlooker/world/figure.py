"""Solid figures in the picture: people and things whose parts were placed, projected and are now painted."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.world.body import Body, Colour
from onlooker.world.camera import NEAR
from onlooker.world.canvas import SHIFT, Canvas, Patchwork, fixed
from onlooker.world.clothing import Outfit
from onlooker.world.face import Face, place_face
from onlooker.world.geometry import Floats
from onlooker.world.light import Light
from onlooker.world.parts import PartTable
from onlooker.world.patterns import pattern_patches
from onlooker.world.pose import Skeleton
from onlooker.world.strands import Strands, View, patch_corners, project_strands

Region = tuple[int, int, int, int]


@dataclass(slots=True)
class Figure:
    """Something over consecutive frames, ready to paint. `box` (time, 4) is the whole extent in continuous pixels,
    `present` (time, part) says which parts are in front of the camera, `distance` (time,) is the camera depth."""

    instance: int
    colours: tuple[Colour, ...]
    strands: Strands
    present: NDArray[np.bool_]
    box: Floats
    distance: Floats
    face: Face | None = None
    head: int = -1
    patterns: dict[int, list[tuple[Colour, Floats, NDArray[np.bool_]]]] = field(default_factory=dict)


def strip_count(height: float) -> int:
    """How finely a figure of that many pixels is shaded."""
    return 3 if height < 60 else 4 if height < 130 else 6 if height < 320 else 10


def build_person(
    instance: int, body: Body, outfit: Outfit, table: PartTable, skeleton: Skeleton, pose: Floats, view: View
) -> Figure:
    """Project a person into the pictures of `view`."""
    points, axes = table.place(skeleton)
    depth = view.to_camera(skeleton.joints[:, :1])[:, 0, 2]
    nearest = max(float(depth[depth > 0.3].min(initial=1e3)), 0.3)
    strips = strip_count(body.height * float(view.K[0, 0, 0]) / nearest)
    strands = project_strands(points, axes, table.sizes, table.round, table.bias, view, strips)
    patterns = {}
    for index, part in enumerate(table.parts):
        patches = pattern_patches(part)
        if patches:
            patterns[index] = [(colour, *patch_corners(strands, index, rects)) for colour, rects in patches]
    present = strands.near > NEAR
    head = table.names.index("head")
    face = place_face(body, outfit, skeleton, pose, view)
    box = _extent(strands.outline, present)
    for patch in face.patches:
        if patch.solid:  # a brim stands out from the head
            shows = patch.shows & present[:, head]
            box = _union(box, _extent(patch.corners[:, None], shows[:, None]))
    footing = _footing(skeleton.joints[:, 0], view)
    return Figure(instance, table.colours, strands, present, box, footing, face, head, patterns)


def build_solid(
    instance: int, colours: tuple[Colour, ...], points: Floats, axes: Floats, sizes: Floats, rounds: Floats, view: View
) -> Figure:
    """Project a thing whose strands are given as `project_strands` takes them."""
    strands = project_strands(points, axes, sizes, rounds, np.zeros(len(rounds)), view, 4)
    present = strands.near > NEAR
    return Figure(
        instance, colours, strands, present, _extent(strands.outline, present), _footing(points[0, :, 0], view)
    )


def _footing(points: Floats, view: View) -> Floats:
    flat = points * np.array([1.0, 1.0, 0.0])
    return view.to_camera(flat[:, None])[:, 0, 2]


def _extent(outline: Floats, present: NDArray[np.bool_]) -> Floats:
    there = present[..., None, None]
    low = np.where(there, outline, np.inf).min((1, 2))
    high = np.where(there, outline, -np.inf).max((1, 2))
    return np.concatenate([low, high], -1)


def _union(first: Floats, second: Floats) -> Floats:
    low, high = np.minimum(first[:, :2], second[:, :2]), np.maximum(first[:, 2:], second[:, 2:])
    return np.concatenate([low, high], -1)


def paint_figure(canvas: Canvas, figure: Figure, at: int, light: Light) -> tuple[Region, NDArray[np.bool_]] | None:
    """Paint the figure's frame `at`. Returns the region (x1, y1, x2, y2) and the silhouette in it, None when out
    of view."""
    box = figure.box[at]
    if not np.isfinite(box).all():
        return None
    region = canvas.clip(box + np.array([-2, -2, 2, 2.0]))
    if region is None:
        return None
    zoom = 2 if box[3] - box[1] < 420 else 1
    work = Patchwork.open(region, zoom)
    _paint_parts(work, figure, at)
    fog = (1 - float(np.exp(-light.fog * max(float(figure.distance[at]), 0.0))), light.fog_colour)
    return region, work.close(canvas, figure.instance, light.tint, fog)


def _paint_parts(work: Patchwork, figure: Figure, at: int) -> None:
    strands = figure.strands
    outline = fixed(strands.outline[at], work.origin, work.zoom)
    strips = fixed(strands.strips[at], work.origin, work.zoom)
    shade, key, present = strands.shade[at].tolist(), strands.key[at].tolist(), figure.present[at].tolist()
    for index in np.argsort(-strands.order[at], kind="stable").tolist():
        if not present[index]:
            continue
        cv2.fillConvexPoly(work.colour, outline[index], figure.colours[index], 8, SHIFT)
        cv2.fillConvexPoly(work.depth, outline[index], key[index], 8, SHIFT)
        for strip, value in zip(strips[index], shade[index], strict=True):
            cv2.fillConvexPoly(work.shade, strip, value, 8, SHIFT)
        for colour, corners, shows in figure.patterns.get(index, ()):
            for patch, seen in zip(fixed(corners[at], work.origin, work.zoom), shows[at].tolist(), strict=True):
                if seen:
                    cv2.fillConvexPoly(work.colour, patch, colour, 8, SHIFT)
        if index == figure.head and figure.face is not None:
            _paint_face(work, figure.face, at, key[index])


# the least head height in painted pixels at which a patch is worth its ink
_DETAIL = {
    "skin": 3,
    "hat": 0,
    "brim": 0,
    "beard": 7,
    "mask": 5,
    "glasses": 14,
    "lips": 22,
    "mouth": 18,
    "lid": 40,
    "nose": 34,
}


def _paint_face(work: Patchwork, face: Face, at: int, depth: float) -> None:
    size = float(face.size[at]) * work.zoom
    for patch in face.patches:
        if not patch.shows[at] or size < _DETAIL.get(patch.name, 18):
            continue
        corners = fixed(patch.corners[at], work.origin, work.zoom)
        if patch.line:
            cv2.polylines(work.colour, [corners], False, patch.colour, max(1, round(size / 38)), 8, SHIFT)
        elif patch.solid:
            hull = cv2.convexHull(corners)
            cv2.fillConvexPoly(work.colour, hull, patch.colour, 8, SHIFT)
            cv2.fillConvexPoly(work.depth, hull, depth, 8, SHIFT)
        else:
            cv2.fillPoly(work.colour, [corners], patch.colour, 8, SHIFT)
