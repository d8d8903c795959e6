"""What is true in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.camera import Camera
from onlooker.world.geometry import Floats

Box = tuple[float, float, float, float]
Region = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where something is in the picture. `visible_box` bounds its instance mask (None when hidden or outside),
    `full_box` is the whole extent, behind others and beyond the picture too (None when behind the camera); xyxy in
    continuous pixels. `visible` is the share of the silhouette inside the picture that nothing hides; `silhouette`
    is that whole silhouette within `region` (x1, y1, x2, y2). `distance` is the camera depth in metres of the place
    it stands on."""

    instance: int
    visible_box: Box | None
    full_box: Box | None
    visible: float
    distance: float
    region: Region | None
    silhouette: NDArray[np.bool_] | None

    @property
    def inside(self) -> bool:
        """Whether any of the silhouette lies in the picture."""
        return self.silhouette is not None and bool(self.silhouette.any())


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """One person in one frame. `joints` (joint, 3): pixels and camera depth, `joints_3d` (joint, 3): world metres,
    both in the order of `pose.JOINTS`; `landmarks` (68, 3): pixels (iBUG order) and 1 where on the near side of the
    head; `expression`: mouth, smile, blink, brow; `actions`: what the person does, posture or gait first; `turned`
    yaw in radians."""

    track_id: int
    identity: int
    extent: Extent
    joints: Floats
    joints_3d: Floats
    landmarks: Floats
    expression: tuple[float, float, float, float]
    actions: tuple[str, ...]
    yaw: float

    @property
    def visible_box(self) -> Box | None:
        """The box around what is seen."""
        return self.extent.visible_box

    @property
    def full_box(self) -> Box | None:
        """The box around the whole person."""
        return self.extent.full_box

    @property
    def visible(self) -> float:
        """The share that nothing hides."""
        return self.extent.visible

    @property
    def face_box(self) -> Box | None:
        """The box around the landmarks when the face is turned to the camera, else None."""
        if self.landmarks[:, 2].mean() < 0.5:
            return None
        low, high = self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


@dataclass(frozen=True, slots=True)
class ThingTruth:
    """One thing or leaf in one frame: `place` is the middle of its bottom in world metres, `holder` the track that
    has it."""

    name: str
    kind: str
    extent: Extent
    place: tuple[float, float, float]
    holder: int | None
    opened: float | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """`subject` (a track) does `predicate` to `other` (a track or the name of a thing)."""

    subject: int
    predicate: str
    other: int | str


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """One frame: index, time in seconds, shot, camera, `instances` (h, w) uint16 (0 is background), people by
    track, things.

    `order` lists the instances of people and things from near to far.
    """

    index: int
    time: float
    shot: int
    camera: Camera
    instances: NDArray[np.uint16]
    people: tuple[PersonTruth, ...]
    things: tuple[ThingTruth, ...]
    relations: tuple[Relation, ...]
    order: tuple[int, ...]

    def mask(self, instance: int) -> NDArray[np.bool_]:
        """Where an instance is seen, (h, w)."""
        return np.asarray(self.instances == instance)

    def silhouette(self, track_id: int) -> NDArray[np.bool_]:
        """The whole silhouette of a person (h, w), also where something hides it."""
        out = np.zeros(self.instances.shape, np.bool_)
        extent = next(person.extent for person in self.people if person.track_id == track_id)
        if extent.region is not None and extent.silhouette is not None:
            x1, y1, x2, y2 = extent.region
            out[y1:y2, x1:x2] = extent.silhouette
        return out


def mask_box(mask: NDArray[np.bool_], origin: tuple[int, int] = (0, 0)) -> Box | None:
    """The box around a mask, x2 and y2 after the last pixel; None for an empty mask.

    >>> mask_box(np.eye(3, dtype=bool)[:2])
    (0.0, 0.0, 2.0, 2.0)
    """
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask.any(0))
    x, y = origin
    return (float(columns[0] + x), float(rows[0] + y), float(columns[-1] + 1 + x), float(rows[-1] + 1 + y))
