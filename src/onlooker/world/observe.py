"""From a painted frame to its truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onlooker.world.camera import Camera
from onlooker.world.canvas import Canvas
from onlooker.world.figure import Figure
from onlooker.world.pose import CHANNEL
from onlooker.world.scene import Moment, Scene
from onlooker.world.truth import Extent, PersonTruth, Region, Relation, ThingTruth, mask_box

_EXPRESSION = [CHANNEL[name] for name in ("mouth", "smile", "blink", "brow")]
_NEAR = 1.3  # metres between people who are together
Seen = tuple[Region, NDArray[np.bool_]] | None


def extent_of(figure: Figure, at: int, canvas: Canvas, seen: Seen) -> Extent:
    """Boxes and visibility of a figure after everything is painted; `seen` is what `paint_figure` returned for it."""
    box = figure.box[at]
    full = (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if np.isfinite(box).all() else None
    region, silhouette, visible_box, share = None, None, None, 0.0
    if seen is not None:
        region, silhouette = seen
        x1, y1, x2, y2 = region
        mask = canvas.instances[y1:y2, x1:x2] == figure.instance
        visible_box = mask_box(mask, (x1, y1))
        share = int(np.count_nonzero(mask)) / max(int(np.count_nonzero(silhouette)), 1)
    return Extent(figure.instance, visible_box, full, share, float(figure.distance[at]), region, silhouette)


def person_truth(scene: Scene, moment: Moment, role: int, at: int, camera: Camera, extent: Extent) -> PersonTruth:
    """Everything about one person in a frame."""
    performer, skeleton, face = scene.performers[role], moment.skeletons[role], moment.figures[role].face
    assert face is not None
    pixels, depth = camera.project(skeleton.joints[at])
    mouth, smile, blink, brow = moment.poses[role][at, _EXPRESSION].tolist()
    time = float(moment.times[at])
    return PersonTruth(
        track_id=role,
        identity=performer.body.identity,
        extent=extent,
        joints=np.column_stack([pixels, depth]),
        joints_3d=skeleton.joints[at],
        landmarks=np.column_stack([face.landmarks[at], face.visible[at]]),
        expression=(mouth, smile, blink, brow),
        actions=performer.actions(time),
        yaw=float(performer.yaw(np.array([time]))[0]),
    )


def thing_truth(scene: Scene, moment: Moment, at: int, extents: Sequence[Extent]) -> tuple[ThingTruth, ...]:
    """Things, then leaves; `extents` in that order."""
    time = float(moment.times[at])
    found = []
    for track, place, extent in zip(scene.tracks, moment.places, extents, strict=False):
        hold = track.holder(time)
        x, y, z = place[at].tolist()
        found.append(
            ThingTruth(track.thing.name, track.thing.kind, extent, (x, y, z), None if hold is None else hold.role)
        )
    leaves = zip(scene.script.leaves, moment.openings, extents[len(scene.tracks) :], strict=True)
    found += [
        ThingTruth(leaf.name, leaf.noun, extent, leaf.hinge, None, float(opened[at])) for leaf, opened, extent in leaves
    ]
    return tuple(found)


def relations(
    scene: Scene, people: Sequence[PersonTruth], things: Sequence[ThingTruth], time: float
) -> tuple[Relation, ...]:
    """Who holds what, who does something with whom or with what, and who is near whom."""
    found = [Relation(thing.holder, "holds", thing.name) for thing in things if thing.holder is not None]
    for performer in scene.performers:
        for act in performer.role.acts:
            if act.start <= time < act.end:
                if act.partner is not None:
                    found.append(Relation(performer.index, act.action, act.partner))
                if act.target:
                    found.append(Relation(performer.index, act.action, act.target))
    places = np.array([person.joints_3d[0, :2] for person in people]).reshape(-1, 2)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    close = zip(*np.nonzero(np.triu(apart < _NEAR, 1)), strict=True)
    found += [Relation(people[int(i)].track_id, "near", people[int(j)].track_id) for i, j in close]
    return tuple(found)
