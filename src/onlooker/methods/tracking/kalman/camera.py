"""How the camera moved between two frames: sparse optical flow on background points and a robust similarity."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def shrink(image: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], float]:
    """A grey copy with `side` pixels on its long side, and its scale."""
    scale = min(1.0, side / max(image.shape[:2]))
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), size[0] / image.shape[1]


def estimate(before: NDArray[np.uint8], after: NDArray[np.uint8], people: Array, still: float = 0.12) -> Array:
    """Affine `(2, 3)` from `before` to `after`, both grey; points inside `people` (n, 4) are left out.

    The identity when fewer than twelve points agree or the median point moved less than `still` pixels.
    """
    if before.shape != after.shape:
        return IDENTITY
    allowed = np.full(before.shape, 255, np.uint8)
    for x1, y1, x2, y2 in np.rint(people).astype(int).clip(0):
        allowed[y1:y2, x1:x2] = 0
    points = cv2.goodFeaturesToTrack(before, 120, 0.01, 6, mask=allowed)
    if points is None or len(points) < 12:
        return IDENTITY
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(13, 13), maxLevel=3)
    good = status.reshape(-1) == 1
    if good.sum() < 12:
        return IDENTITY
    old, new = points.reshape(-1, 2)[good], moved.reshape(-1, 2)[good]
    if float(np.median(np.linalg.norm(new - old, axis=1))) < still:
        return IDENTITY
    affine, inliers = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=1.5)
    if affine is None or inliers.sum() < max(12, 0.4 * len(old)):
        return IDENTITY
    return np.asarray(affine, np.float64)


def to_picture(affine: Array, scale: float) -> Array:
    """The same motion in coordinates of the full picture, `scale` times larger than the shrunk one."""
    full = affine.copy()
    full[:, 2] /= scale
    return full
