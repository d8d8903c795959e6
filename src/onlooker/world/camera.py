"""Calibrated cameras: projection and its inverse, and the rigs that move them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.geometry import Floats, unit

NEAR = 0.12  # metres; nothing nearer is drawn


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera: `K` (3, 3) pixels, `R` (3, 3) and `t` (3,) from world to camera (x right, y down, z forward).

    >>> camera = look_at((0, -5, 2), (0, 0, 1), size=(320, 180), fov=50)
    >>> pixel, depth = camera.project(np.array([[0.0, 0.0, 1.0]]))
    >>> pixel.round(6).tolist()
    [[160.0, 90.0]]
    """

    K: Floats
    R: Floats
    t: Floats
    size: tuple[int, int]

    @property
    def centre(self) -> Floats:
        """Where the camera stands, world metres."""
        return -self.R.T @ self.t

    @property
    def matrix(self) -> Floats:
        """The projection matrix K [R | t], (3, 4)."""
        return self.K @ np.column_stack([self.R, self.t])

    def to_camera(self, points: Floats) -> Floats:
        """World points (..., 3) in camera coordinates."""
        return points @ self.R.T + self.t

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels (..., 2) and depths (...) of world points (..., 3); pixel (0, 0) is the corner of the first pixel."""
        local = self.to_camera(points)
        depth = local[..., 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        pixels = local[..., :2] / safe[..., None] * self.K[[0, 1], [0, 1]] + self.K[:2, 2]
        return pixels, depth

    def unproject(self, pixels: Floats, depth: Floats) -> Floats:
        """World points (..., 3) that lie at these pixels (..., 2) and depths (...)."""
        rays = (pixels - self.K[:2, 2]) / self.K[[0, 1], [0, 1]]
        local = np.concatenate([rays, np.ones((*rays.shape[:-1], 1))], -1) * np.asarray(depth)[..., None]
        return (local - self.t) @ self.R

    def ground(self, pixels: Floats, height: float = 0.0) -> Floats:
        """World points (..., 3) where the rays of pixels meet the plane z = `height` (not finite above the horizon)."""
        far = self.unproject(pixels, np.ones(pixels.shape[:-1]))
        ray = far - self.centre
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = (height - self.centre[2]) / ray[..., 2]
        return self.centre + ray * np.where(reach > 0, reach, np.nan)[..., None]


def intrinsics(size: tuple[int, int], fov: float) -> Floats:
    """K for a horizontal field of view in degrees."""
    width, height = size
    focal = width / 2 / np.tan(np.radians(fov) / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])


def look_at(
    position: tuple[float, float, float] | Floats,
    target: tuple[float, float, float] | Floats,
    *,
    size: tuple[int, int],
    fov: float,
    roll: float = 0.0,
) -> Camera:
    """The camera that stands at `position` and has `target` in the middle of its picture (`fov` degrees, `roll`
    radians)."""
    eye = np.asarray(position, np.float64)
    forward = unit(np.asarray(target, np.float64) - eye)
    up = np.array([0.0, 0.0, 1.0]) if abs(forward[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
    right = unit(np.cross(forward, up))
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    rotation = np.stack([c * right + s * down, -s * right + c * down, forward])
    return Camera(intrinsics(size, fov), rotation, -rotation @ eye, size)
