"""What is true in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.camera import Camera
from onlooker.world.geometry import Floats

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """One person in one frame. Boxes xyxy in pixels: `visible_box` bounds the instance mask (None when hidden or outside),
    `full_box` is the whole extent, behind others and beyond the picture. `joints` (joint, 3) pixels and camera depth,
    `joints_3d` (joint, 3) world metres (order: `pose.JOINTS`), `landmarks` (68, 3) pixels and 1 where on the near side."""

    track_id: int
    instance: int
    identity: int
    visible_box: Box | None
    full_box: Box
    visible: float  # share of the silhouette inside the picture that nothing hides
    distance: float
    joints: Floats
    joints_3d: Floats
    landmarks: Floats
    actions: tuple[str, ...]
    region: tuple[int, int, int, int] | None
    silhouette: NDArray[np.bool_] | None  # the whole silhouette within `region`, also where something hides it

    @property
    def inside(self) -> bool:
        """Whether any of the silhouette lies in the picture."""
        return self.silhouette is not None and bool(self.silhouette.any())


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """One frame: index, time in seconds, shot, camera, `instances` (h, w) uint16 (0 is background) and the people, nearest last."""

    index: int
    time: float
    shot: int
    camera: Camera
    instances: NDArray[np.uint16]
    people: tuple[PersonTruth, ...]

    def mask(self, instance: int) -> NDArray[np.bool_]:
        """Where an instance is seen, (h, w)."""
        return np.asarray(self.instances == instance)


def mask_box(mask: NDArray[np.bool_], origin: tuple[int, int] = (0, 0)) -> Box | None:
    """The box around a mask, x2 and y2 after the last pixel; None for an empty mask."""
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask.any(0))
    x, y = origin
    return (float(columns[0] + x), float(rows[0] + y), float(columns[-1] + 1 + x), float(rows[-1] + 1 + y))
