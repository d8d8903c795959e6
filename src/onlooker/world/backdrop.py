"""The place without its people: surfaces, props and their shadows through one camera."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.world.camera import NEAR, Camera
from onlooker.world.canvas import FAR, SHIFT, Canvas, Image, darken, fixed
from onlooker.world.geometry import Floats, unit
from onlooker.world.light import Light
from onlooker.world.scenery import Facet, Stage, Surface

_HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])


class Backdrop:
    """A stage under a light, ready to be painted through any camera. `ids` gives props (by index) their instance."""

    def __init__(self, stage: Stage, light: Light, ids: Mapping[int, int]) -> None:
        self._stage = stage
        self._light = light
        pairs = [(ids.get(index, 0), facet) for index, prop in enumerate(stage.props) for facet in prop.facets]
        self._instances = [instance for instance, _ in pairs]
        self._facets = [facet for _, facet in pairs]
        self._casts = [prop.casts for prop in stage.props for _ in prop.facets]
        self._ends = np.cumsum([0, *(len(facet.corners) for facet in self._facets)]).tolist()
        self._corners = np.concatenate([f.corners for f in self._facets]) if pairs else np.zeros((0, 3))
        self._normals = np.array([_normal(facet) for facet in self._facets]).reshape(-1, 3)
        toward = light.vector
        self._fallen = self._corners - toward * (self._corners[:, 2:] / toward[2])
        self._mips: dict[tuple[int, int], Image] = {}

    def paint(self, camera: Camera, zoom: int) -> Canvas:
        """The place through a camera; `zoom` 2 smooths edges, 1 is for moving cameras."""
        width, height = camera.size
        canvas = Canvas.empty((width * zoom, height * zoom))
        _sky(canvas, camera, self._light, zoom)
        for surface in self._stage.surfaces:
            self._paint_surface(canvas, camera, surface, zoom)
        if self._facets:
            self._paint_shadows(canvas, camera, zoom)
            self._paint_facets(canvas, camera, zoom)
        _haze(canvas, camera, self._light, zoom)
        if zoom == 1:
            return canvas
        pick = (slice(None, None, zoom), slice(None, None, zoom))
        return Canvas(
            cv2.resize(canvas.image, (width, height), interpolation=cv2.INTER_AREA),
            np.ascontiguousarray(canvas.instances[pick]),
            np.ascontiguousarray(canvas.depth[pick]),
            np.ascontiguousarray(canvas.ground[pick]),
        )

    def _paint_surface(self, canvas: Canvas, camera: Camera, surface: Surface, zoom: int) -> None:
        corner, right, down = (np.array(vector, np.float64) for vector in (surface.corner, surface.right, surface.down))
        normal = unit(np.cross(down, right))
        corners = np.array([corner, corner + right, corner + right + down, corner + down])
        outline = _project(camera.to_camera(corners), camera, zoom)
        if outline is None or float(normal @ (camera.centre - corner)) <= 0:
            return
        level = self._light.ambient + self._light.diffuse * abs(float(normal @ self._light.vector))
        window = self._paint_texture(canvas, camera, (corner, right, down), surface.texture, outline, level, zoom)
        if window is not None:
            cv2.fillConvexPoly(canvas.ground, outline, 255 if surface.ground else 0, 8, SHIFT)

    def _paint_texture(
        self,
        canvas: Canvas,
        camera: Camera,
        plane: tuple[Floats, Floats, Floats],
        texture: Image,
        outline: NDArray[np.int32],
        level: float,
        zoom: int,
    ) -> tuple[slice, slice] | None:
        """The texture as the camera sees it, within its outline; a smaller copy is used where it is far away."""
        box = np.concatenate([outline.min(0), outline.max(0)]).astype(np.float64) / (1 << SHIFT)
        region = canvas.clip(box + np.array([-1.0, -1.0, 2.0, 2.0]))
        if region is None:
            return None
        x1, y1, x2, y2 = region
        corner, right, down = plane
        texture = self._mip(texture, _shrink(camera, corner + (right + down) / 2, right, texture, zoom))
        matrix = np.column_stack([right / texture.shape[1], down / texture.shape[0], corner])
        matrix = camera.K @ (camera.R @ matrix + np.outer(camera.t, [0, 0, 1]))
        move = np.array([[zoom, 0, -x1], [0, zoom, -y1], [0, 0, 1.0]])
        # texture and picture coordinates both count from the corner of the first pixel; OpenCV counts from its centre
        matrix = np.linalg.inv(_HALF) @ move @ matrix @ _HALF
        size = (x2 - x1, y2 - y1)
        picture = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        picture = cv2.multiply(picture, np.array([*(min(level, 1.25) * t for t in self._light.tint), 1.0]))
        mask = np.zeros((y2 - y1, x2 - x1), np.uint8)
        cv2.fillConvexPoly(mask, outline - np.array([x1, y1], np.int32) * (1 << SHIFT), 255, 8, SHIFT)
        window = (slice(y1, y2), slice(x1, x2))
        canvas.image[window] = cv2.copyTo(picture, mask, np.ascontiguousarray(canvas.image[window]))
        return window

    def _mip(self, texture: Image, shrink: int) -> Image:
        if shrink == 1:
            return texture
        key = (id(texture), shrink)
        if key not in self._mips:
            tall, wide = texture.shape[:2]
            size = (max(wide // shrink, 2), max(tall // shrink, 2))
            self._mips[key] = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        return self._mips[key]

    def _paint_shadows(self, canvas: Canvas, camera: Camera, zoom: int) -> None:
        """Darken the ground where props keep the light away."""
        mask = np.zeros(canvas.depth.shape, np.uint8)
        outlines = self._outlines(camera.to_camera(self._fallen), camera, zoom)
        for outline, casts in zip(outlines, self._casts, strict=True):
            if outline is not None and casts:
                cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255, 8, SHIFT)
        soften = max(canvas.depth.shape[1] // 160, 1) * 2 + 1
        mask = cv2.blur(cv2.blur(cv2.bitwise_and(mask, canvas.ground), (soften, soften)), (soften, soften))
        darken(canvas.image, mask, self._light.shadow * 0.8)

    def _paint_facets(self, canvas: Canvas, camera: Camera, zoom: int) -> None:
        local = camera.to_camera(self._corners)
        footprint = camera.to_camera(self._corners * np.array([1, 1, 0.0]))[:, 2]
        first = np.array(self._ends[:-1])
        counts = np.diff(self._ends)
        depth = np.add.reduceat(local[:, 2], first) / counts
        keys = np.add.reduceat(footprint, first) / counts
        far_edge = np.maximum.reduceat(footprint, first)
        facing = ((camera.centre - self._corners[first]) * self._normals).sum(1)
        sunny = self._normals @ self._light.vector
        level = self._light.ambient + self._light.diffuse * np.maximum(np.where(facing > 0, sunny, -sunny), 0)
        ahead = np.maximum.reduceat(local[:, 2], first) > NEAR
        tint = np.array(self._light.tint)
        outlines = self._outlines(local, camera, zoom)
        for index in np.argsort(-depth, kind="stable").tolist():
            facet = self._facets[index]
            if not ahead[index] or (facing[index] <= 0 and not facet.both):
                continue
            outline = outlines[index]
            if outline is None:
                continue
            if facet.texture is None:
                colour = np.minimum(np.array(facet.colour) * level[index] * tint, 255).tolist()
                cv2.fillConvexPoly(canvas.image, outline, colour, cv2.LINE_AA if zoom == 1 else 8, SHIFT)
            else:
                # corners run counter-clockwise from the bottom left as seen from outside
                left, right, top = facet.corners[0], facet.corners[1], facet.corners[3]
                plane = (top, right - left, left - top)
                self._paint_texture(canvas, camera, plane, facet.texture, outline, float(level[index]), zoom)
            cv2.fillConvexPoly(canvas.depth, outline, float(far_edge[index] if facet.level else keys[index]), 8, SHIFT)
            cv2.fillConvexPoly(canvas.instances, outline, self._instances[index], 8, SHIFT)
            cv2.fillConvexPoly(canvas.ground, outline, 0, 8, SHIFT)

    def _outlines(self, local: Floats, camera: Camera, zoom: int) -> list[NDArray[np.int32] | None]:
        """Each facet's outline; those that cross the near plane or leave the picture are the few that need a
        closer look."""
        first = np.array(self._ends[:-1])
        near = np.minimum.reduceat(local[:, 2], first)
        far = np.maximum.reduceat(local[:, 2], first)
        depth = np.maximum(local[:, 2:], NEAR)
        pixels = local[:, :2] / depth * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
        low, high = np.minimum.reduceat(pixels, first), np.maximum.reduceat(pixels, first)
        outside = ((high < -2) | (low > np.array(camera.size) + 2)).any(1)
        hidden = (far <= NEAR) | ((near > NEAR) & outside)
        points = fixed(pixels, (0, 0), zoom)
        found: list[NDArray[np.int32] | None] = []
        for start, end, gone, whole in zip(
            self._ends[:-1], self._ends[1:], hidden.tolist(), (near > NEAR).tolist(), strict=True
        ):
            found.append(None if gone else points[start:end] if whole else _project(local[start:end], camera, zoom))
        return found


def _normal(facet: Facet) -> Floats:
    corners = facet.corners
    return unit(np.cross(corners[1] - corners[0], corners[2] - corners[0]))


def _sky(canvas: Canvas, camera: Camera, light: Light, zoom: int) -> None:
    # how steeply the middle of each row looks up
    up = -_drop(canvas, camera, zoom)
    share = np.clip(up / 0.5, 0, 1)[:, None] ** 0.7
    zenith, horizon = (np.array(colour, np.float64) for colour in light.sky)
    canvas.image[:] = (share * zenith + (1 - share) * horizon).astype(np.uint8)[:, None]


def _drop(canvas: Canvas, camera: Camera, zoom: int) -> Floats:
    """How far the ray of each row falls per metre of depth."""
    rows = (np.arange(canvas.image.shape[0]) + 0.5) / zoom
    rays = (rows - camera.K[1, 2]) / camera.K[1, 1]
    return np.asarray(-(camera.R[2, 2] + rays * camera.R[1, 2]), np.float64)


def clip_near(local: Floats) -> Floats:
    """The part of a polygon (n, 3) in camera coordinates that lies in front of the near plane."""
    inside = local[:, 2] > NEAR
    if inside.all():
        return local
    kept = []
    for here, there, first, second in zip(local, np.roll(local, -1, 0), inside, np.roll(inside, -1), strict=True):
        if first:
            kept.append(here)
        if first != second:
            kept.append(here + (there - here) * (NEAR - here[2]) / (there[2] - here[2]))
    return np.array(kept).reshape(-1, 3)


def _project(local: Floats, camera: Camera, zoom: int) -> NDArray[np.int32] | None:
    local = clip_near(local)
    if len(local) < 3:
        return None
    pixels = local[:, :2] / local[:, 2:] * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
    return fixed(pixels, (0, 0), zoom)


def _shrink(camera: Camera, middle: Floats, right: Floats, texture: Image, zoom: int) -> int:
    depth = max(float(camera.to_camera(middle)[2]), 1.0)
    texel = float(np.sqrt((right * right).sum())) / texture.shape[1]
    per_pixel = depth / camera.K[0, 0] / zoom / texel
    return int(1 << max(int(np.round(np.log2(max(per_pixel, 1e-3)))), 0))


def _haze(canvas: Canvas, camera: Camera, light: Light, zoom: int) -> None:
    """Fog over the ground by distance, over everything above the horizon in full."""
    if light.fog <= 0:
        return
    drop = _drop(canvas, camera, zoom)
    reach = np.where(drop > 1e-3, camera.centre[2] / np.maximum(drop, 1e-3), 30.0)
    distance = np.broadcast_to(np.clip(reach, 0, 30)[:, None], canvas.depth.shape)
    distance = np.where(canvas.depth < FAR, canvas.depth, distance)
    share = np.exp(-light.fog * distance)[..., None]
    canvas.image[:] = (canvas.image * share + np.array(light.fog_colour) * (1 - share)).astype(np.uint8)
