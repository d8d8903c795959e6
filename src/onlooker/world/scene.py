"""A script compiled: performers, things and leaves whose state at any time is computed in chunks of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.camera import Camera
from onlooker.world.crowd import keep_apart
from onlooker.world.figure import Figure, build_person, build_solid
from onlooker.world.geometry import Floats
from onlooker.world.holding import HandEvent, hand_events, holds
from onlooker.world.light import Light
from onlooker.world.performer import Performer
from onlooker.world.pose import FRAME, JOINT, Skeleton
from onlooker.world.script import Script
from onlooker.world.strands import View
from onlooker.world.thing_track import ThingTrack, leaf_opening, place_leaf
from onlooker.world.things import Hold

# instance numbers in the masks: people from 1, things from 101, leaves from 301, labelled props from 501
THINGS, LEAVES, PROPS = 101, 301, 501


@dataclass(slots=True)
class Moment:
    """Consecutive frames: times, skeletons and poses per role, places (time, 3) of things, openings of leaves, and
    figures."""

    times: Floats
    skeletons: list[Skeleton]
    poses: list[Floats]
    places: list[Floats]
    openings: list[Floats]
    figures: list[Figure]


class Scene:
    """Everything that happens, independent of any camera."""

    def __init__(self, script: Script, seconds: float) -> None:
        self.script = script
        self.seconds = seconds
        self.holds: dict[str, list[Hold]] = holds(script)
        self.events: list[HandEvent] = [event for event in hand_events(script) if 0 <= event.time < seconds]
        self.performers = [
            Performer(
                script,
                index,
                seconds,
                [(name, h) for name, found in self.holds.items() for h in found if h.role == index],
                aside,
            )
            for index, aside in enumerate(keep_apart(script.roles, seconds))
        ]
        self.tracks = [ThingTrack(thing, self.holds[thing.name]) for thing in script.things]

    def moment(self, times: Floats, cameras: list[Camera], light: Light) -> Moment:
        """The frames at these times seen by these cameras."""
        view = _view(cameras, light)
        done = [performer.skeleton(times) for performer in self.performers]
        skeletons = [skeleton for skeleton, _ in done]
        figures = [
            build_person(p.index + 1, p.body, p.outfit, p.table, skeleton, pose, view)
            for p, (skeleton, pose) in zip(self.performers, done, strict=True)
        ]
        places = []
        for number, track in enumerate(self.tracks):
            place, yaw = track.bottom(times, lambda role: skeletons[role])
            figures.append(build_solid(THINGS + number, track.colours, *track.placed(place, yaw), view))
            places.append(place)
        openings = []
        for number, leaf in enumerate(self.script.leaves):
            opened = leaf_opening(self.script, leaf, times)
            figures.append(build_solid(LEAVES + number, (leaf.colour,), *place_leaf(leaf, opened), view))
            openings.append(opened)
        return Moment(times, skeletons, [pose for _, pose in done], places, openings, figures)

    def eyes(self, role: int, time: float) -> tuple[Floats, Floats]:
        """Where somebody's eyes are and a point they look at, (3,) each."""
        skeleton, _ = self.performers[role].skeleton(np.array([time]))
        eye = skeleton.joints[0, [JOINT["l_eye"], JOINT["r_eye"]]].mean(0)
        forward = skeleton.frames[0, FRAME["head"], :, 0]
        return eye, eye + 2.0 * forward


def _view(cameras: list[Camera], light: Light) -> View:
    rotation = np.stack([camera.R for camera in cameras])
    return View(
        np.stack([camera.K for camera in cameras]),
        rotation,
        np.stack([camera.t for camera in cameras]),
        rotation @ light.vector,
        light.ambient,
        light.diffuse,
    )
