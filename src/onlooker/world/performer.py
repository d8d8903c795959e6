"""One role brought to life: path, gait phase and acts compiled into poses at any time."""

from __future__ import annotations

import numpy as np

from onlooker.world.body import Body, make_body
from onlooker.world.clothing import Outfit, make_outfit
from onlooker.world.gait import RUN_FROM, locomotion, stride_length
from onlooker.world.geometry import Floats, smoothstep, wrap_angle
from onlooker.world.motions import MOTIONS, make_style
from onlooker.world.parts import PartTable, dress
from onlooker.world.pose import CHANNEL, Skeleton, pose_skeleton
from onlooker.world.script import Act, Role

_GRID = 30.0  # samples per second of the precomputed path
_MOVES = 0.3  # m/s; slower is standing


class Performer:
    """A person of the scene. Everything is a function of time in seconds; the times asked for never change the answer."""

    def __init__(self, role: Role, index: int, seconds: float) -> None:
        self.role = role
        self.index = index
        self.body: Body = make_body(role.identity, role.kind)
        self.outfit: Outfit = make_outfit(self.body, role.outfit)
        self.table = PartTable(dress(self.body, self.outfit))
        self._grid = np.arange(int(np.ceil(seconds * _GRID)) + 2) / _GRID
        self._place, self._yaw, self._speed, self._phase = self._travel()

    def _travel(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Place (n, 2), yaw, speed and gait phase on the grid."""
        points = self.role.path
        times = np.array([point.time for point in points])
        place = np.stack([np.interp(self._grid, times, [getattr(point, axis) for point in points]) for axis in ("x", "y")], -1)
        place = _smooth(place, 0.22)
        velocity = np.gradient(place, 1 / _GRID, axis=0)
        speed = np.linalg.norm(velocity, axis=1)
        yaw = self._headings(velocity, speed)
        stride = stride_length(self.body, speed)
        phase = np.concatenate([[0.0], np.cumsum(speed / stride)[:-1] / _GRID])
        return place, yaw, speed, phase + (self.role.identity % 89) / 89

    def _headings(self, velocity: Floats, speed: Floats) -> Floats:
        """Look where one walks; while standing, where the waypoint says; turn at a human rate."""
        heading = np.full(len(speed), np.nan)
        walking = speed > 0.25
        heading[walking] = np.arctan2(velocity[walking, 1], velocity[walking, 0])
        for before, after in zip(self.role.path, self.role.path[1:], strict=False):
            if after.yaw is not None:
                rows = (self._grid >= before.time) & (self._grid <= after.time) & ~walking
                heading[rows] = after.yaw
        known = np.flatnonzero(~np.isnan(heading))
        if not len(known):
            first = self.role.path[0].yaw
            return np.full(len(speed), 0.0 if first is None else first)
        held = heading[known[np.clip(np.searchsorted(known, np.arange(len(heading)), "right") - 1, 0, None)]]
        turned = held[0] + np.concatenate([[0.0], np.cumsum(wrap_angle(np.diff(held)))])
        return _smooth(turned[:, None], 0.18)[:, 0]

    def place(self, times: Floats) -> Floats:
        """Where the pelvis is above, (time, 2)."""
        return np.stack([np.interp(times, self._grid, self._place[:, axis]) for axis in range(2)], -1)

    def yaw(self, times: Floats) -> Floats:
        """Heading in radians."""
        return np.interp(times, self._grid, self._yaw)

    def speed(self, times: Floats) -> Floats:
        """Metres per second over the ground."""
        return np.interp(times, self._grid, self._speed)

    def phase(self, times: Floats) -> Floats:
        """Gait phase in cycles: whole numbers are strikes of the left heel, halves of the right."""
        return np.interp(times, self._grid, self._phase)

    def pose(self, times: Floats) -> Floats:
        """Channels (time, channel): locomotion, with the acts laid over it in their order."""
        pose = locomotion(self.body, self.phase(times), self.speed(times), times)
        pose[:, CHANNEL["blink"]] = _blinks(self.role.identity, times)
        for act in self.role.acts:
            self._overlay(pose, act, times)
        return pose

    def _overlay(self, pose: Floats, act: Act, times: Floats) -> None:
        rows = np.flatnonzero((times >= act.start) & (times < act.end))
        if act.action not in MOTIONS or not len(rows):
            return
        u = (times[rows] - act.start) / (act.end - act.start)
        style = make_style(self.role.identity, act.hand, act.action, round(act.start * 1000))
        cycles = 1.6 * act.speed * (act.end - act.start)
        values, weight = MOTIONS[act.action](u, cycles, style)
        for name, value in values.items():
            column = CHANNEL[name]
            pose[rows, column] = (1 - weight) * pose[rows, column] + weight * value

    def actions(self, time: float) -> tuple[str, ...]:
        """What the person does at a time: how the body moves over the ground, then the acts."""
        speed = float(self.speed(np.array([time]))[0])
        moving = "run" if speed > RUN_FROM else "walk" if speed > _MOVES else "stand"
        acts = [act.action for act in self.role.acts if act.start <= time < act.end]
        return (moving, *acts)

    def segments(self, seconds: float) -> list[tuple[float, float, str]]:
        """(start, end, label) of everything the person does, walking and standing included, in order of time."""
        kinds = np.where(self._speed > RUN_FROM, 2, np.where(self._speed > _MOVES, 1, 0))[: int(round(seconds * _GRID)) + 1]
        edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds) - 1]
        found = [
            (first / _GRID, min(last / _GRID, seconds), ("stand", "walk", "run")[int(kinds[first])])
            for first, last in zip(edges, edges[1:], strict=False)
            if last > first
        ]
        found += [(act.start, min(act.end, seconds), act.action) for act in self.role.acts if act.start < seconds]
        return sorted(found)

    def skeleton(self, times: Floats) -> tuple[Skeleton, Floats]:
        """Joints and orientations, and the pose they come from."""
        pose = self.pose(times)
        floor = np.zeros(len(times))
        return pose_skeleton(self.body, pose, self.place(times), self.yaw(times), floor), pose


def _smooth(values: Floats, seconds: float) -> Floats:
    """Gaussian smoothing over the grid, the ends held."""
    reach = int(3 * seconds * _GRID)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (seconds * _GRID)) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], -1)


def _blinks(identity: int, times: Floats) -> Floats:
    period = 2.8 + (identity % 13) / 8
    since = (times + (identity % 31) / 7) % period
    return smoothstep(since / 0.07) * smoothstep((0.2 - since) / 0.1)
