"""Constant-velocity Kalman filters of all tracks at once (Kalman 1960; white-noise acceleration).

Each of the four box coordinates (centre x, centre y, width, height) has its own value and velocity, so a track is
`mean (4, 2)` and the upper triangle of four 2 x 2 covariances, `cov (4, 3)` = p00, p01, p11. All noises are in body
heights and all times in seconds: nothing depends on picture size or frame rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Standard deviations in body heights: measured centre and size, acceleration per second^1.5, first velocity per second.
MEASURED = np.array([0.05, 0.05, 0.07, 0.07])
ACCELERATION = np.array([0.7, 0.5, 0.10, 0.12])
FIRST_VELOCITY = np.array([1.2, 0.8, 0.15, 0.2])


def to_centre(boxes: Array) -> Array:
    """xyxy to centre x, centre y, width, height."""
    size = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([boxes[:, :2] + size / 2, size], 1)


def to_corners(measured: Array) -> Array:
    """Centre x, centre y, width, height to xyxy."""
    half = np.maximum(measured[:, 2:], 1.0) / 2
    return np.concatenate([measured[:, :2] - half, measured[:, :2] + half], 1)


def start(measured: Array) -> tuple[Array, Array]:
    """Mean `(n, 4, 2)` and covariance `(n, 4, 3)` of new tracks at these measurements `(n, 4)`."""
    height = measured[:, 3:4]
    mean = np.stack([measured, np.zeros_like(measured)], 2)
    cov = np.stack([(MEASURED * height) ** 2, np.zeros_like(measured), (FIRST_VELOCITY * height) ** 2], 2)
    return mean, cov


def predict(mean: Array, cov: Array, elapsed: float, damping: Array) -> tuple[Array, Array]:
    """`elapsed` seconds later. `damping (n, 4)`: factor on the velocities, below 1 for tracks out of sight."""
    q = (ACCELERATION * np.maximum(mean[:, 3:4, 0], 1.0)) ** 2
    p00, p01, p11 = cov[:, :, 0], cov[:, :, 1], cov[:, :, 2]
    later = np.empty_like(cov)
    later[:, :, 0] = p00 + 2 * elapsed * p01 + elapsed**2 * p11 + q * elapsed**3 / 3
    later[:, :, 1] = p01 + elapsed * p11 + q * elapsed**2 / 2
    later[:, :, 2] = p11 + q * elapsed
    moved = mean.copy()
    moved[:, :, 1] *= damping
    moved[:, :, 0] += elapsed * moved[:, :, 1]
    return moved, later


def noise(mean: Array, scores: Array) -> Array:
    """Variance of a measurement `(n, 4)`: detections that are less sure are trusted less."""
    doubt = 2.0 - scores.clip(0, 1)
    return np.asarray((MEASURED * np.maximum(mean[:, 3:4, 0], 1.0) * doubt[:, None]) ** 2)


def update(mean: Array, cov: Array, measured: Array, variance: Array) -> tuple[Array, Array]:
    """The filters after one measurement `(n, 4)` each."""
    p00, p01, p11 = cov[:, :, 0], cov[:, :, 1], cov[:, :, 2]
    total = p00 + variance
    gain0, gain1 = p00 / total, p01 / total
    innovation = measured - mean[:, :, 0]
    after = np.stack([mean[:, :, 0] + gain0 * innovation, mean[:, :, 1] + gain1 * innovation], 2)
    shrunk = np.stack([(1 - gain0) * p00, (1 - gain0) * p01, p11 - gain1 * p01], 2)
    return after, shrunk


def gate(mean: Array, cov: Array, measured: Array) -> Array:
    """Squared Mahalanobis distance of the centre between every track and measurement, `(tracks, measurements)`."""
    variance = cov[:, :2, 0] + (2 * MEASURED[:2] * np.maximum(mean[:, 3:4, 0], 1.0)) ** 2
    offset = measured[None, :, :2] - mean[:, None, :2, 0]
    return np.asarray((offset**2 / variance[:, None]).sum(2))


def warp(mean: Array, affine: Array) -> Array:
    """The tracks as the moved camera sees them; `affine (2, 3)` maps old to new picture coordinates."""
    linear, shift = affine[:, :2], affine[:, 2]
    zoom = float(np.sqrt(abs(np.linalg.det(linear))))
    moved = mean.copy()
    moved[:, :2, 0] = mean[:, :2, 0] @ linear.T + shift
    moved[:, :2, 1] = mean[:, :2, 1] @ linear.T
    moved[:, 2:] *= zoom
    return moved
