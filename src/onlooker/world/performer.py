"""One role brought to life: path, gait phase and acts compiled into poses at any time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onlooker.world.actions import ACTIONS
from onlooker.world.body import Body, make_body
from onlooker.world.clothing import Outfit, make_outfit
from onlooker.world.crowd import RATE
from onlooker.world.dressing import dress
from onlooker.world.gait import RUN_FROM, locomotion, stride_length
from onlooker.world.geometry import Floats, smooth, smoothstep, wrap_angle
from onlooker.world.motions import make_style
from onlooker.world.parts import PartTable
from onlooker.world.pose import CHANNEL, JOINT, Skeleton, pose_skeleton
from onlooker.world.postures import POSTURES
from onlooker.world.reaching import place_hands, stoop
from onlooker.world.script import Act, Script
from onlooker.world.things import KINDS, Hold

_GRID = 30.0  # samples per second of the precomputed path
_MOVES = 0.3  # m/s; slower is standing


class Performer:
    """A person of the scene. Everything is a function of time in seconds; the times asked for never change the
    answer. `aside` is how far the person steps aside for others, by `crowd.keep_apart`."""

    def __init__(
        self, script: Script, index: int, seconds: float, carried: Sequence[tuple[str, Hold]], aside: Floats
    ) -> None:
        role = script.roles[index]
        self.role = role
        self.index = index
        self.body: Body = make_body(role.identity, role.kind)
        self.outfit: Outfit = make_outfit(self.body, role.outfit, bags=not any(act.target for act in role.acts))
        self.table = PartTable(dress(self.body, self.outfit))
        self._leaves = {leaf.name: leaf for leaf in script.leaves}
        self._wide = {t.name: _half_width(t.kind) for t in script.things if KINDS[t.kind].wide}
        self._carried = tuple(carried)
        self._grid = np.arange(int(np.ceil(seconds * _GRID)) + 2) / _GRID
        self._place, self._yaw, self._speed, self._phase = self._travel(aside)
        self._stoops = {act: self._fit_stoop(act) for act in role.acts if ACTIONS[act.action].hands == "reach"}

    def _travel(self, aside: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Place (n, 2), yaw, speed and gait phase on the grid."""
        points = self.role.path
        times = np.array([point.time for point in points])
        place = np.stack(
            [np.interp(self._grid, times, [getattr(point, axis) for point in points]) for axis in ("x", "y")], -1
        )
        stepped = np.arange(len(aside)) / RATE
        place = smooth(place, 0.22 * _GRID)
        place += np.stack([np.interp(self._grid, stepped, aside[:, axis]) for axis in range(2)], -1)
        velocity = np.gradient(place, 1 / _GRID, axis=0)
        speed = np.linalg.norm(velocity, axis=1)
        yaw = self._headings(velocity, speed)
        stride = stride_length(self.body, speed)
        phase = np.concatenate([[0.0], np.cumsum(speed / stride)[:-1] / _GRID])
        return place, yaw, speed, phase + (self.role.identity % 89) / 89

    def _headings(self, velocity: Floats, speed: Floats) -> Floats:
        """Look where one walks; while standing, where the waypoint says; turn at a human rate."""
        heading = np.full(len(speed), np.nan)
        walking = (speed > 0.25) & ~self._sliding()
        heading[walking] = np.arctan2(velocity[walking, 1], velocity[walking, 0])
        for before, after in pairwise(self.role.path):
            if after.yaw is not None:
                rows = (self._grid >= before.time) & (self._grid <= after.time) & ~walking
                heading[rows] = after.yaw
        known = np.flatnonzero(~np.isnan(heading))
        if not len(known):
            first = self.role.path[0].yaw
            return np.full(len(speed), 0.0 if first is None else first)
        held = heading[known[np.clip(np.searchsorted(known, np.arange(len(heading)), "right") - 1, 0, None)]]
        turned = held[0] + np.concatenate([[0.0], np.cumsum(wrap_angle(np.diff(held)))])
        return smooth(turned[:, None], 0.18 * _GRID)[:, 0]

    def _sliding(self) -> NDArray[np.bool_]:
        sliding = np.zeros(len(self._grid), np.bool_)
        for before, after in pairwise(self.role.path):
            if after.slide:
                sliding |= (self._grid >= before.time - 0.3) & (self._grid <= after.time + 0.3)
        return sliding

    def floor(self, times: Floats) -> Floats:
        """Height of what bears the body, metres."""
        points = self.role.path
        return np.interp(times, [point.time for point in points], [point.z for point in points])

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
        self._carry(pose, times)
        for act in self.role.acts:
            self._overlay(pose, act, times)
        for act, amount in self._stoops.items():
            rows, u = _during(act, times)
            if amount and len(rows):
                stoop(pose, rows, amount * smoothstep(u / 0.42) * smoothstep((1 - u) / 0.42))
        return pose

    def _carry(self, pose: Floats, times: Floats) -> None:
        """Arms of someone who has something in hand."""
        for name, hold in self._carried:
            rows = np.flatnonzero((times >= hold.start) & (times < hold.end))
            if not len(rows):
                continue
            since = smoothstep((times[rows] - hold.start) / 0.5) * smoothstep((hold.end - times[rows]) / 0.5)
            sides = "lr" if name in self._wide else hold.hand
            for side in sides:
                for channel, value in (("flex", 0.35), ("elbow", 1.25), ("abduct", 0.12), ("turn", 0.0)):
                    column = CHANNEL[f"{side}_{channel}"]
                    pose[rows, column] += (value - pose[rows, column]) * since

    def _overlay(self, pose: Floats, act: Act, times: Floats) -> None:
        rows, u = _during(act, times)
        if not len(rows):
            return
        style = make_style(self.role.identity, act.hand, act.action, round(act.start * 1000))
        cycles = 1.6 * act.speed * style.jerk * (act.end - act.start)
        values, weight = ACTIONS[act.action].motion(u, cycles, style)
        for name, value in values.items():
            column = CHANNEL[name]
            pose[rows, column] = (1 - weight) * pose[rows, column] + weight * value

    def _fit_stoop(self, act: Act) -> float:
        """The least stoop with which the hand reaches its goal."""
        if act.place is None:
            return 0.0
        amounts = np.linspace(0, 1.6, 17)
        times = np.full(len(amounts), act.contact)
        pose = locomotion(self.body, self.phase(times), self.speed(times), times)
        for other in self.role.acts:
            self._overlay(pose, other, times)
        stoop(pose, np.arange(len(amounts)), amounts)
        skeleton = pose_skeleton(self.body, pose, self.place(times), self.yaw(times), self.floor(times))
        shoulder = skeleton.joints[:, JOINT[f"{act.hand}_shoulder"]]
        arm = self.body.upper_arm + self.body.forearm + 0.75 * self.body.hand
        missing = np.linalg.norm(np.array(act.place) - shoulder, axis=1) - 0.96 * arm
        enough = np.flatnonzero(missing <= 0)
        return float(amounts[enough[0] if len(enough) else int(missing.argmin())])

    def actions(self, time: float) -> tuple[str, ...]:
        """What the person does at a time: a posture or how the body moves over the ground, then the acts."""
        acts = [act.action for act in self.role.acts if act.start <= time < act.end]
        held = ["carry"] if any(hold.start <= time < hold.end for _, hold in self._carried) else []
        if any(name in POSTURES for name in acts):
            return (*acts, *held)
        speed = float(self.speed(np.array([time]))[0])
        moving = "run" if speed > RUN_FROM else "walk" if speed > _MOVES else "stand"
        return (moving, *acts, *held)

    def doings(self, seconds: float) -> list[tuple[float, float, str, Act | None]]:
        """(start, end, label, act) of everything the person does, in order of time; walking, standing and carrying
        have no act."""
        kinds = np.where(self._speed > RUN_FROM, 2, np.where(self._speed > _MOVES, 1, 0))[: round(seconds * _GRID) + 1]
        grid = self._grid[: len(kinds)]
        for act in self.role.acts:
            if act.action in POSTURES:
                kinds[(grid >= act.start) & (grid < act.end)] = -1
        edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds) - 1]
        found: list[tuple[float, float, str, Act | None]] = [
            (first / _GRID, min(last / _GRID, seconds), ("stand", "walk", "run")[int(kinds[first])], None)
            for first, last in pairwise(edges)
            if last > first and kinds[first] >= 0
        ]
        acts = [act for act in self.role.acts if act.start < seconds and act.end > 0]
        found += [(max(act.start, 0.0), min(act.end, seconds), act.action, act) for act in acts]
        held = [hold for _, hold in self._carried if hold.start < seconds]
        found += [(max(hold.start, 0.0), min(hold.end, seconds), "carry", None) for hold in held]
        return sorted(found, key=lambda item: item[:3])

    def skeleton(self, times: Floats) -> tuple[Skeleton, Floats]:
        """Joints and orientations, and the pose they come from."""
        pose = self.pose(times)
        skeleton = pose_skeleton(self.body, pose, self.place(times), self.yaw(times), self.floor(times))
        for act in self.role.acts:
            rows, u = _during(act, times)
            if len(rows) and ACTIONS[act.action].hands:
                place_hands(self.body, skeleton, act, rows, u, self._leaves, self._wide.get(act.target, 0.0))
        return skeleton, pose

    def strikes(self, seconds: float) -> list[tuple[float, str]]:
        """When heels strike the ground: (time, "l" or "r") in order."""
        phase = self._phase * 2
        steps = np.flatnonzero(np.floor(phase[1:]) > np.floor(phase[:-1]))
        found = []
        for row in steps.tolist():
            if self._speed[row] > _MOVES:
                share = (np.floor(phase[row + 1]) - phase[row]) / max(phase[row + 1] - phase[row], 1e-9)
                time = float(self._grid[row] + share / _GRID)
                busy = any(act.start <= time < act.end and act.action in POSTURES for act in self.role.acts)
                if time < seconds and not busy:
                    found.append((time, "lr"[int(np.floor(phase[row + 1])) % 2]))
        return found


def _during(act: Act, times: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Rows within an act and how far it is there, 0 to 1."""
    rows = np.flatnonzero((times >= act.start) & (times < act.end))
    return rows, (times[rows] - act.start) / (act.end - act.start)


def _half_width(kind: str) -> float:
    return max(solid.low_size[0] for solid in KINDS[kind].solids) + 0.015


def _blinks(identity: int, times: Floats) -> Floats:
    period = 2.8 + (identity % 13) / 8
    since = (times + (identity % 31) / 7) % period
    return smoothstep(since / 0.07) * smoothstep((0.2 - since) / 0.1)
