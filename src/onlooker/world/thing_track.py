"""Where every thing is at any time: resting, in a hand, or a leaf that swings; and its solids placed for painting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onlooker.world.body import Colour
from onlooker.world.geometry import Floats
from onlooker.world.pose import FRAME, JOINT, Skeleton
from onlooker.world.reaching import openness
from onlooker.world.script import Script
from onlooker.world.things import KINDS, Hinged, Hold, Thing

Placed = tuple[Floats, Floats, Floats, Floats]  # points, axes, sizes, rounds for `project_strands`
Skeletons = Callable[[int], Skeleton]


class ThingTrack:
    """One thing over time."""

    def __init__(self, thing: Thing, holds: Sequence[Hold]) -> None:
        self.thing = thing
        self.holds = tuple(holds)
        kind = KINDS[thing.kind]
        self._sizes = np.array([[s.low_size, s.high_size] for s in kind.solids]).transpose(1, 0, 2)
        self._rounds = np.array([solid.round for solid in kind.solids])
        self._heights = np.array([[s.low, s.high] for s in kind.solids]).T
        self._shift = np.array([solid.shift for solid in kind.solids])
        self.colours: tuple[Colour, ...] = tuple(_shaded(thing.colour, solid.shade) for solid in kind.solids)

    def holder(self, time: float) -> Hold | None:
        """Who has it at a time."""
        return next((hold for hold in self.holds if hold.start <= time < hold.end), None)

    def bottom(self, times: Floats, skeletons: Skeletons) -> tuple[Floats, Floats]:
        """Middle of the bottom (time, 3) and yaw (time,); `skeletons` gives the skeleton of a role at the same
        times."""
        kind = KINDS[self.thing.kind]
        place = np.tile(np.array(self.thing.place), (len(times), 1))
        yaw = np.full(len(times), self.thing.yaw)
        for hold in self.holds:
            rows = np.flatnonzero((times >= hold.start) & (times < hold.end))
            if len(rows):
                skeleton = skeletons(hold.role)
                joints = skeleton.joints[rows]
                sides = ("l", "r") if kind.wide else (hold.hand,)
                grips = np.mean([joints[:, JOINT[f"{side}_hand"]] for side in sides], 0)
                place[rows] = grips - np.array([0.0, 0.0, kind.grip])
                forward = skeleton.frames[rows, FRAME["yaw"], :, 0]
                yaw[rows] = np.arctan2(forward[:, 1], forward[:, 0]) - np.pi / 2
            later = times >= hold.end
            if hold.after is not None:
                place[later] = hold.after
        return place, yaw

    def placed(self, place: Floats, yaw: Floats) -> Placed:
        """The solids at these places and yaws."""
        side = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], -1)
        front = np.stack([-np.sin(yaw), np.cos(yaw), np.zeros_like(yaw)], -1)
        shift = side[:, None] * self._shift[:, :1] + front[:, None] * self._shift[:, 1:]
        up = np.array([0.0, 0.0, 1.0])
        points = np.stack([place[:, None] + shift + height[:, None] * up for height in self._heights])
        axes = np.broadcast_to(np.stack([side, front], 1)[:, None], (len(yaw), len(self._rounds), 2, 3))
        return points, np.stack([axes, axes]), self._sizes, self._rounds


def leaf_opening(script: Script, leaf: Hinged, times: Floats) -> Floats:
    """How far a leaf is open at each time, from the acts that open and close it."""
    out = np.zeros(len(times))
    acts = [a for role in script.roles for a in role.acts if a.target == leaf.name and a.action in ("open", "close")]
    for act in sorted(acts, key=lambda a: a.start):
        u = (times - act.start) / (act.end - act.start)
        out = np.where(u >= 0, openness(np.clip(u, 0, 1), act.action), out)
    return out


def place_leaf(leaf: Hinged, opened: Floats) -> Placed:
    """A leaf as one flat upright strand."""
    bottom, yaw = leaf.corners(opened)
    side = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], -1)
    front = np.stack([-np.sin(yaw), np.cos(yaw), np.zeros_like(yaw)], -1)
    points = np.stack([bottom[:, None], bottom[:, None] + np.array([0.0, 0.0, leaf.height])])
    axes = np.stack([side, front], 1)[:, None]
    sizes = np.full((2, 1, 2), 0.02)
    sizes[..., 0] = leaf.width / 2
    return points, np.stack([axes, axes]), sizes, np.zeros(1)


def _shaded(colour: Colour, shade: float) -> Colour:
    red, green, blue = (min(int(value * shade), 255) for value in colour)
    return red, green, blue
