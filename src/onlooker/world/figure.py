"""A person in the picture: the parts of one dressed body, placed, projected and painted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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


@dataclass(slots=True)
class Figure:
    """One person over some consecutive frames, ready to paint. `box` (time, 4) is the whole extent in continuous pixels."""

    owners: tuple[int, ...]
    part_owner: tuple[int, ...]
    colours: tuple[Colour, ...]
    strands: Strands
    face: Face | None
    head: int
    patterns: dict[int, list[tuple[Colour, Floats, Floats]]]
    present: Floats  # (time, part) 1 where the part is drawn
    box: Floats
    distance: Floats


def build_figure(
    instance: int,
    body: Body,
    outfit: Outfit,
    table: PartTable,
    skeleton: Skeleton,
    pose: Floats,
    view: View,
    zoom_hint: float,
) -> Figure:
    """Project a person; `zoom_hint` is the expected height in pixels, which decides how finely parts are shaded."""
    points, axes = table.place(skeleton)
    strips = 3 if zoom_hint < 60 else 4 if zoom_hint < 130 else 6 if zoom_hint < 320 else 10
    strands = project_strands(points, axes, table.sizes, table.round, table.bias, view, strips)
    present = (strands.near > NEAR).astype(np.float64)
    face = place_face(body, outfit, skeleton, pose, view)
    patterns = {}
    for index, part in enumerate(table.parts):
        patches = pattern_patches(part)
        if patches:
            patterns[index] = [(colour, *patch_corners(strands, index, rects)) for colour, rects in patches]
    box = _extent(strands.outline, present)
    middle = skeleton.joints[:, 0] * np.array([1.0, 1.0, 0.0])
    distance = view.to_camera(middle[:, None])[:, 0, 2]
    return Figure(
        (instance,),
        (0,) * len(table.parts),
        table.colours,
        strands,
        face,
        table.names.index("head"),
        patterns,
        present,
        box,
        distance,
    )


def _extent(outline: Floats, present: Floats) -> Floats:
    there = present[..., None, None] > 0
    low = np.where(there, outline, np.inf).min((1, 2))
    high = np.where(there, outline, -np.inf).max((1, 2))
    return np.concatenate([low, high], -1)


def paint_figure(canvas: Canvas, figure: Figure, at: int, light: Light) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    """Paint the figure's frame `at`. Returns the region (x1, y1, x2, y2) and the silhouette in it, or None when out of view."""
    box = figure.box[at]
    if not np.isfinite(box).all():
        return None
    region = canvas.clip(box + np.array([-2, -2, 2, 2.0]))
    if region is None:
        return None
    zoom = 2 if box[3] - box[1] < 420 else 1
    several = len(figure.owners) > 1
    work = Patchwork.open(canvas, region, zoom, several)
    strands = figure.strands
    outline = fixed(strands.outline[at], work.origin, zoom)
    strips = fixed(strands.strips[at], work.origin, zoom)
    shade = strands.shade[at]
    key = strands.key[at]
    for index in np.argsort(-strands.order[at], kind="stable"):
        if not figure.present[at, index]:
            continue
        polygon = outline[index]
        cv2.fillConvexPoly(work.colour, polygon, figure.colours[index], 8, SHIFT)
        cv2.fillConvexPoly(work.depth, polygon, float(key[index]), 8, SHIFT)
        if work.owner is not None:
            cv2.fillConvexPoly(work.owner, polygon, figure.part_owner[index], 8, SHIFT)
        for strip, value in zip(strips[index], shade[index].tolist(), strict=True):
            cv2.fillConvexPoly(work.shade, strip, value, 8, SHIFT)
        for colour, corners, shows in figure.patterns.get(index, ()):
            for patch, seen in zip(fixed(corners[at], work.origin, zoom), shows[at].tolist(), strict=True):
                if seen:
                    cv2.fillConvexPoly(work.colour, patch, colour, 8, SHIFT)
        if index == figure.head and figure.face is not None:
            _paint_face(work, figure.face, at, float(key[index]))
    fog = (1 - float(np.exp(-light.fog * max(figure.distance[at], 0.0))), light.fog_colour)
    return region, work.close(canvas, figure.owners, light.tint, fog)


_DETAIL = {"skin": 3, "hat": 0, "brim": 0, "beard": 7, "mask": 5, "glasses": 14, "lips": 22, "mouth": 18, "lid": 40, "nose": 34}


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
