"""The place without its people: surfaces, props and their shadows through one camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.world.camera import NEAR, Camera
from onlooker.world.canvas import FAR, SHIFT, Canvas, Image, fixed
from onlooker.world.geometry import Floats, unit
from onlooker.world.light import Light
from onlooker.world.scenery import Facet, Stage, Surface


def paint_backdrop(stage: Stage, camera: Camera, light: Light, ids: dict[int, int], zoom: int) -> Canvas:
    """Paint a stage. `ids` gives props (by index) their instance; `zoom` 2 smooths edges, 1 is for moving cameras."""
    width, height = camera.size
    canvas = Canvas.empty((width * zoom, height * zoom))
    _sky(canvas, camera, light, zoom)
    for surface in stage.surfaces:
        _paint_surface(canvas, camera, surface, light, zoom)
    _shadows(canvas, stage, camera, light, zoom)
    _paint_props(canvas, stage, camera, light, ids, zoom)
    _haze(canvas, camera, light, zoom)
    if zoom == 1:
        return canvas
    small = cv2.resize(canvas.image, (width, height), interpolation=cv2.INTER_AREA)
    pick = (slice(None, None, zoom), slice(None, None, zoom))
    return Canvas(
        small,
        np.ascontiguousarray(canvas.instances[pick]),
        np.ascontiguousarray(canvas.depth[pick]),
        np.ascontiguousarray(canvas.ground[pick]),
    )


def tinted(colour: Floats, light: Light) -> Floats:
    """A colour under the colour of the light."""
    return colour * np.array(light.tint)


def _sky(canvas: Canvas, camera: Camera, light: Light, zoom: int) -> None:
    rows = (np.arange(canvas.image.shape[0]) + 0.5) / zoom
    rays = (rows - camera.K[1, 2]) / camera.K[1, 1]
    # how steeply the middle of each row looks up
    up = camera.R[2, 2] + rays * camera.R[1, 2]
    share = np.clip(up / 0.5, 0, 1)[:, None] ** 0.7
    zenith, horizon = (np.array(colour, np.float64) for colour in light.sky)
    canvas.image[:] = (share * zenith + (1 - share) * horizon).astype(np.uint8)[:, None]


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


def _outline(corners: Floats, camera: Camera, zoom: int) -> NDArray[np.int32] | None:
    local = clip_near(camera.to_camera(corners))
    if len(local) < 3:
        return None
    pixels = local[:, :2] / local[:, 2:] * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
    return fixed(pixels, (0, 0), zoom)


def _warp(canvas: Canvas, camera: Camera, corner: Floats, right: Floats, down: Floats, texture: Image, zoom: int) -> Image:
    """The texture as the camera sees it (garbage outside its outline); a smaller copy is used where it is far away."""
    shrink = _shrink(camera, corner + (right + down) / 2, np.linalg.norm(right) / texture.shape[1], zoom)
    if shrink > 1:
        tall, wide = texture.shape[:2]
        size = (max(wide // shrink, 2), max(tall // shrink, 2))
        texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
    plane = np.column_stack([right / texture.shape[1], down / texture.shape[0], corner])
    scale = np.diag([zoom, zoom, 1.0])
    matrix = scale @ camera.K @ (camera.R @ plane + np.outer(camera.t, [0, 0, 1]))
    # texture and picture coordinates both count from the corner of the first pixel; OpenCV counts from its centre
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = np.linalg.inv(half) @ matrix @ half
    height, width = canvas.depth.shape
    return cv2.warpPerspective(texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _shrink(camera: Camera, middle: Floats, texel: float, zoom: int) -> int:
    depth = max(float(camera.to_camera(middle)[2]), 1.0)
    per_pixel = depth / camera.K[0, 0] / zoom / texel
    return 1 << max(int(np.round(np.log2(max(per_pixel, 1e-3)))), 0)


def _paint_surface(canvas: Canvas, camera: Camera, surface: Surface, light: Light, zoom: int) -> None:
    corner, right, down = (np.array(vector, np.float64) for vector in (surface.corner, surface.right, surface.down))
    outline = _outline(np.array([corner, corner + right, corner + right + down, corner + down]), camera, zoom)
    if outline is None:
        return
    mask = np.zeros(canvas.depth.shape, np.uint8)
    cv2.fillConvexPoly(mask, outline, 255, 8, SHIFT)
    normal = unit(np.cross(down, right))
    level = light.ambient + light.diffuse * abs(float(normal @ light.vector))
    picture = _warp(canvas, camera, corner, right, down, surface.texture, zoom)
    picture = cv2.convertScaleAbs(picture, alpha=min(level, 1.25))
    picture = cv2.multiply(picture, np.array([*light.tint, 1.0]))
    cv2.copyTo(picture, mask, canvas.image)
    if surface.ground:
        canvas.ground |= mask
    else:
        canvas.ground &= ~mask


def _shadows(canvas: Canvas, stage: Stage, camera: Camera, light: Light, zoom: int) -> None:
    """Darken the ground where props keep the light away."""
    mask = np.zeros(canvas.depth.shape, np.uint8)
    toward = light.vector
    for prop in stage.props:
        if not prop.casts:
            continue
        for facet in prop.facets:
            fallen = facet.corners - toward * (facet.corners[:, 2:] / toward[2])
            outline = _outline(fallen, camera, zoom)
            if outline is not None:
                cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255, 8, SHIFT)
    soften = max(canvas.depth.shape[1] // 160, 1) * 2 + 1
    mask = cv2.GaussianBlur(cv2.bitwise_and(mask, canvas.ground), (soften, soften), 0)
    darken(canvas.image, mask, light.shadow * 0.8)


def darken(image: Image, mask: Image, strength: float) -> None:
    """Multiply an image in place by 1 - strength where the mask is 255, and less where it is less."""
    factor = cv2.bitwise_not(cv2.convertScaleAbs(mask, alpha=strength))
    cv2.multiply(image, cv2.merge([factor, factor, factor]), dst=image, scale=1 / 255)


def _paint_props(canvas: Canvas, stage: Stage, camera: Camera, light: Light, ids: dict[int, int], zoom: int) -> None:
    facets = [(index, facet) for index, prop in enumerate(stage.props) for facet in prop.facets]
    if not facets:
        return
    depths = [float(camera.to_camera(facet.corners.mean(0))[2]) for _, facet in facets]
    for place in sorted(range(len(facets)), key=lambda i: -depths[i]):
        index, facet = facets[place]
        _paint_facet(canvas, camera, facet, light, ids.get(index, 0), zoom)


def _paint_facet(canvas: Canvas, camera: Camera, facet: Facet, light: Light, instance: int, zoom: int) -> None:
    corners = facet.corners
    normal = unit(np.cross(corners[1] - corners[0], corners[2] - corners[0]))
    toward = camera.centre - corners[0]
    if float(normal @ toward) <= 0:
        if not facet.both:
            return
        normal = -normal
    outline = _outline(corners, camera, zoom)
    if outline is None:
        return
    level = light.ambient + light.diffuse * max(float(normal @ light.vector), 0.0)
    footprint = camera.to_camera(corners * np.array([1, 1, 0.0]))[:, 2]
    key = float(footprint.max() if facet.level else footprint.mean())
    if facet.texture is None:
        colour = np.clip(np.array(facet.colour) * level * np.array(light.tint), 0, 255)
        cv2.fillConvexPoly(canvas.image, outline, colour.tolist(), cv2.LINE_AA if zoom == 1 else 8, SHIFT)
    else:
        _paint_texture(canvas, camera, facet, outline, level, light, zoom)
    cv2.fillConvexPoly(canvas.depth, outline, key, 8, SHIFT)
    cv2.fillConvexPoly(canvas.instances, outline, instance, 8, SHIFT)
    cv2.fillConvexPoly(canvas.ground, outline, 0, 8, SHIFT)


def _paint_texture(
    canvas: Canvas, camera: Camera, facet: Facet, outline: NDArray[np.int32], level: float, light: Light, zoom: int
) -> None:
    # corners run counter-clockwise from the bottom left as seen from outside
    left, right, top = facet.corners[0], facet.corners[1], facet.corners[3]
    mask = np.zeros(canvas.depth.shape, np.uint8)
    cv2.fillConvexPoly(mask, outline, 255, 8, SHIFT)
    assert facet.texture is not None
    picture = _warp(canvas, camera, top, right - left, left - top, facet.texture, zoom)
    picture = cv2.multiply(cv2.convertScaleAbs(picture, alpha=min(level, 1.25)), np.array([*light.tint, 1.0]))
    cv2.copyTo(picture, mask, canvas.image)


def _haze(canvas: Canvas, camera: Camera, light: Light, zoom: int) -> None:
    """Fog over the ground by distance, over everything above the horizon in full."""
    if light.fog <= 0:
        return
    rows = (np.arange(canvas.image.shape[0]) + 0.5) / zoom
    rays = (rows - camera.K[1, 2]) / camera.K[1, 1]
    drop = -(camera.R[2, 2] + rays * camera.R[1, 2])
    reach = np.where(drop > 1e-3, camera.centre[2] / np.maximum(drop, 1e-3), 30.0)
    distance = np.broadcast_to(np.clip(reach, 0, 30)[:, None], canvas.depth.shape)
    distance = np.where(canvas.depth < FAR, canvas.depth, distance)
    share = np.exp(-light.fog * distance)[..., None]
    canvas.image[:] = (canvas.image * share + np.array(light.fog_colour) * (1 - share)).astype(np.uint8)
