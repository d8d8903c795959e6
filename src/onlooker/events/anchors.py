"""Where a thing is: the point of a detection that stands for it. Pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from onlooker.events.packet import Detection, Point

LEFT_WRIST, RIGHT_WRIST = 9, 10
SHOWN = 0.3  # keypoints of lower visibility are not used


def keypoint(detection: Detection, index: int) -> tuple[float, float, float] | None:
    """x, y, visibility of a keypoint that can be seen."""
    points = detection.keypoints
    if points is None or index >= len(points) or points[index][2] < SHOWN:
        return None
    return points[index]


def _wrist(index: int) -> Callable[[Detection], Point | None]:
    def place(detection: Detection) -> Point | None:
        point = keypoint(detection, index)
        return None if point is None else (point[0], point[1])

    return place


# the share of the box's width and height at which an anchor lies
ON_BOX = {"bottom_center": (0.5, 1.0), "center": (0.5, 0.5), "top_center": (0.5, 0.0)}
ELSEWHERE: dict[str, Callable[[Detection], Point | None]] = {
    "left_wrist": _wrist(LEFT_WRIST),
    "right_wrist": _wrist(RIGHT_WRIST),
    "mask_centroid": lambda detection: detection.centroid,
}


def anchor_points(
    name: str, detections: Sequence[Detection], boxes: NDArray[np.float64], diagonal: float
) -> NDArray[np.float64]:
    """The anchors (n, 2) in diagonals, NaN where one cannot be seen; `boxes` (n, 4) are in diagonals already."""
    if name in ON_BOX:
        x, y = ON_BOX[name]
        return np.stack(
            [boxes[:, 0] + x * (boxes[:, 2] - boxes[:, 0]), boxes[:, 1] + y * (boxes[:, 3] - boxes[:, 1])], axis=1
        )
    places = [ELSEWHERE[name](detection) or (np.nan, np.nan) for detection in detections]
    return np.array(places, np.float64).reshape(-1, 2) / diagonal
