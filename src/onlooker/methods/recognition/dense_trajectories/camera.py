"""How the camera moved between two frames: a homography from matches outside the people, and its undoing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.config import Matcher
from onlooker.methods.recognition.dense_trajectories.farneback import Flow
from onlooker.methods.recognition.dense_trajectories.pyramid import Grey

RADIUS = 25
"""Keypoints further apart than this in x or y are no match."""
MATCHES, INLIERS, THRESHOLD = 50, 25, 1.0
CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 1000, 0.001, 3
KEYPOINTS = 500
MARGIN = 5

Points = NDArray[np.float32]
Matrix = NDArray[np.float64]
Boxes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Places (n, 2) in x and y, and what they look like."""

    points: Points
    descriptors: NDArray[Any]


NOTHING = Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.uint8))


def outside(boxes: Boxes, width: int, height: int) -> NDArray[np.uint8]:
    """A mask that is 0 inside the boxes (x1, y1, x2, y2 in pixels) and 255 elsewhere.

    >>> int(outside(np.array([[1, 0, 3, 2]], np.float32), 4, 4).sum()) // 255
    12
    """
    mask = np.full((height, width), 255, np.uint8)
    for left, top, right, bottom in boxes:
        mask[max(0, int(top)) : max(0, int(np.ceil(bottom))), max(0, int(left)) : max(0, int(np.ceil(right)))] = 0
    return mask


def keypoints(grey: Grey, mask: NDArray[np.uint8] | None, matcher: Matcher) -> Keypoints:
    """Keypoints where the mask, if any, allows them; none for `corners`."""
    if matcher == "corners":
        return NOTHING
    makers: dict[str, Callable[[], Any]] = {
        "orb": lambda: cv2.ORB.create(KEYPOINTS, edgeThreshold=16),
        "akaze": lambda: cv2.AKAZE.create(max_points=KEYPOINTS),
        "sift": lambda: cv2.SIFT.create(KEYPOINTS),
    }
    found, descriptors = makers[matcher]().detectAndCompute(grey, mask)
    if descriptors is None:
        return NOTHING
    return Keypoints(np.asarray(cv2.KeyPoint.convert(found), np.float32).reshape(-1, 2), descriptors)


def match(previous: Keypoints, current: Keypoints) -> tuple[Points, Points]:
    """Places in the previous and the current frame: each current keypoint with its most similar previous one nearby."""
    if not len(previous.points) or not len(current.points):
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    near = np.ones((len(current.points), len(previous.points)), np.bool_)
    for here, there in zip(current.points.T, previous.points.T, strict=True):
        near &= np.abs(np.subtract.outer(here, there)) < RADIUS
    found, norm = (
        (cv2.CV_32F, cv2.NORM_L2) if current.descriptors.dtype == np.float32 else (cv2.CV_32S, cv2.NORM_HAMMING)
    )
    _, nearest = cv2.batchDistance(
        current.descriptors, previous.descriptors, found, normType=norm, K=1, mask=near.view(np.uint8)
    )
    matched = np.flatnonzero(nearest[:, 0] >= 0)
    return previous.points[nearest[matched, 0]], current.points[matched]


def moved_corners(previous: Grey, flow: Flow, mask: NDArray[np.uint8] | None) -> tuple[Points, Points]:
    """Good corners of the previous frame, and where the flow takes them."""
    corners = cv2.goodFeaturesToTrack(previous, CORNERS, CORNER_QUALITY, CORNER_DISTANCE, mask=mask)
    if corners is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    points = np.asarray(corners, np.float32).reshape(-1, 2)
    columns, rows = np.rint(points).astype(np.intp).T
    return points, points + flow[rows, columns]


def homography(previous: Points, current: Points) -> Matrix | None:
    """The homography from previous to current places by RANSAC (same matches, same answer), None where there is none.

    More than 50 matches are needed, and more than 25 of them must agree within a pixel.
    """
    if len(previous) <= MATCHES:
        return None
    found, inliers = cv2.findHomography(previous, current, cv2.RANSAC, THRESHOLD)
    if found is None or int(inliers.sum()) <= INLIERS:
        return None
    return np.asarray(found, np.float64)


def warp(current: Grey, previous: Grey, matrix: Matrix) -> Grey:
    """The current frame seen by the previous camera: pixel x is that of the current frame at `matrix` x.

    Where that lies outside, or within five pixels of the border, the previous frame's pixels stand in, so that there
    is no flow there.
    """
    height, width = current.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = np.asarray(cv2.warpPerspective(current, matrix, (width, height), flags=flags), np.uint8)
    x, y = places(matrix, width, height)
    inside = (x >= MARGIN) & (x < width - 1 - MARGIN) & (y >= MARGIN) & (y < height - 1 - MARGIN)
    np.copyto(warped, previous, where=~inside)
    return warped


def places(matrix: Matrix, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the matrix takes the centre of every pixel."""
    columns, rows = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    m = matrix.astype(np.float32)
    depth = m[2, 0] * columns + m[2, 1] * rows + m[2, 2]
    depth = np.where(depth == 0, np.float32(1e-12), depth)
    x = (m[0, 0] * columns + m[0, 1] * rows + m[0, 2]) / depth
    y = (m[1, 0] * columns + m[1, 1] * rows + m[1, 2]) / depth
    return x, y
