"""Standing, walking and running as angles over the gait phase (0 and 1: the left heel strikes)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from onlooker.world.body import Body
from onlooker.world.geometry import Floats, bump, smoothstep
from onlooker.world.pose import CHANNEL, CHANNELS, JOINT, pose_skeleton

RUN_FROM = 2.2  # m/s; above it the gait has a flight phase


def stride_length(body: Body, speed: Floats) -> Floats:
    """Metres per gait cycle (two steps), growing with speed as in people (about the square root)."""
    relative = np.sqrt(np.clip(speed / body.gait.pace, 0.2, 6.0))
    return np.asarray(_own_stride(body) * relative * np.where(speed > RUN_FROM, 1.25, 1.0), np.float64)


@lru_cache(maxsize=1024)
def _own_stride(body: Body) -> float:
    """The stride at one's own pace with which the foot that bears the weight stays where it is.

    Halfway through its stance a foot moves back under the body by so many metres per cycle.
    """
    phase = np.arange(64) / 64
    still = np.zeros(64)
    pose = walk(body, phase, np.full(64, body.gait.pace))
    joints = pose_skeleton(body, pose, np.zeros((64, 2)), still, still).joints
    back = []
    for side, shift in (("l", 0.0), ("r", 0.5 + body.gait.skew)):
        ankle = joints[:, JOINT[f"{side}_ankle"], 0]
        moved = (np.roll(ankle, -1) - np.roll(ankle, 1)) * 32
        cycle = (phase + shift) % 1
        back.append(-float(np.median(moved[(cycle > 0.15) & (cycle < 0.40)])))
    return sum(back) / 2


def locomotion(body: Body, phase: Floats, speed: Floats, time: Floats) -> Floats:
    """Pose (time, channel) for a gait phase in cycles and a speed in m/s: stand, walk and run blend smoothly."""
    moving = smoothstep(speed / (0.45 * body.gait.pace))[:, None]
    running = smoothstep((speed - 1.9) / 0.8)[:, None]
    gait = (1 - running) * walk(body, phase, speed) + running * run(body, phase, speed)
    return (1 - moving) * stand(body, time) + moving * gait


def stand(body: Body, time: Floats) -> Floats:
    """Quiet standing: breathing and a slow shift of weight, at a rhythm of one's own."""
    pose = np.zeros((len(time), len(CHANNELS)))
    own = (body.identity % 97) / 97
    sway = np.sin(2 * np.pi * (0.11 + 0.05 * own) * time + 6 * own)
    breath = np.sin(2 * np.pi * (0.24 + 0.06 * own) * time)
    side = 1.0 if body.identity % 2 else -1.0
    _set(pose, roll=0.018 * sway * side, lean=-0.02 * sway * side, bend=0.02 + 0.008 * breath, look=0.10 * sway)
    for prefix, sign in (("l", 1.0), ("r", -1.0)):
        relaxed = 0.05 if sign == side else 0.0
        _set_side(
            pose, prefix, flex=0.03 + 0.02 * breath, abduct=body.gait.carry + 0.04, elbow=0.18 + 0.3 * body.gait.elbow
        )
        _set_side(pose, prefix, hip=relaxed, knee=2 * relaxed, ankle=-relaxed, spread=0.06, rotate=body.gait.toe_out)
    return pose


def walk(body: Body, phase: Floats, speed: Floats) -> Floats:
    """One person's walk: normative joint curves with that person's amplitudes, offsets and asymmetries."""
    gait = body.gait
    pose = np.zeros((len(phase), len(CHANNELS)))
    vigour = np.clip(np.sqrt(np.maximum(speed, 0) / gait.pace), 0.4, 1.3)
    for prefix, sign, shift in (("l", 1.0, 0.0), ("r", -1.0, 0.5 + gait.skew)):
        cycle = phase + shift
        swing = bump(cycle - 0.72, 3.2)
        load = bump(cycle - 0.13, 4.0)
        push = bump(cycle - 0.61, 8.0)
        _set_side(
            pose,
            prefix,
            hip=vigour * (gait.hip * np.cos(2 * np.pi * (cycle - 0.93)) + gait.hip_offset),
            knee=0.06 + vigour * (gait.knee * swing + gait.load * load),
            ankle=vigour * (gait.ankle * push + 0.10 * bump(cycle - 0.06, 12) - 0.10 * bump(cycle - 0.42, 3)),
            spread=0.035 + 0.5 * gait.sway * sign * np.sin(2 * np.pi * (phase - 0.1)),
            rotate=gait.toe_out,
        )
        arm = gait.arm_left if sign > 0 else gait.arm_right
        opposite = -np.cos(2 * np.pi * (cycle - 0.96))
        _set_side(
            pose,
            prefix,
            flex=vigour * arm * opposite + 0.04,
            abduct=gait.carry,
            elbow=gait.elbow + gait.elbow_swing * vigour * (0.5 + 0.5 * opposite),
        )
    step = np.cos(4 * np.pi * (phase - 0.05))
    turn = np.cos(2 * np.pi * (phase - 0.96))
    _set(pose, pitch=0.5 * gait.lean, bend=0.5 * gait.lean + gait.bounce * step, nod=-gait.lean - gait.head * step)
    _set(pose, roll=gait.sway * np.sin(2 * np.pi * (phase - 0.1)), twist=gait.twist * turn, look=-gait.twist * turn)
    _set(pose, lean=-0.9 * gait.sway * np.sin(2 * np.pi * (phase - 0.1)))
    return pose


def run(body: Body, phase: Floats, speed: Floats) -> Floats:
    """Running: larger swing, bent arms, forward lean and a flight phase twice per cycle."""
    gait = body.gait
    pose = np.zeros((len(phase), len(CHANNELS)))
    vigour = np.clip(np.sqrt(np.maximum(speed, 0) / 3.0), 0.6, 1.4)
    for prefix, sign, shift in (("l", 1.0, 0.0), ("r", -1.0, 0.5 + gait.skew)):
        cycle = phase + shift
        _set_side(
            pose,
            prefix,
            hip=vigour * (1.55 * gait.hip * np.cos(2 * np.pi * (cycle - 0.90)) + 0.28),
            knee=0.28 + vigour * (1.55 * gait.knee * bump(cycle - 0.66, 2.0) + 0.30 * bump(cycle - 0.14, 4.0)),
            ankle=vigour * (0.55 * bump(cycle - 0.40, 5.0) - 0.15),
            spread=0.02,
            rotate=0.5 * gait.toe_out,
        )
        arm = gait.arm_left if sign > 0 else gait.arm_right
        opposite = -np.cos(2 * np.pi * (cycle - 0.93))
        _set_side(
            pose, prefix, flex=vigour * (0.45 + 0.6 * arm) * opposite - 0.12, abduct=0.16, elbow=1.45 + 0.2 * opposite
        )
    turn = np.cos(2 * np.pi * (phase - 0.93))
    _set(pose, pitch=0.10 + gait.lean, bend=0.08, nod=-0.12, twist=0.16 * turn, look=-0.16 * turn)
    _set(pose, lift=0.05 * vigour * body.leg * (1 + np.cos(4 * np.pi * (phase - 0.47))))
    return pose


def _set(pose: Floats, **values: Floats | float) -> None:
    for name, value in values.items():
        pose[:, CHANNEL[name]] = value


def _set_side(pose: Floats, side: str, **values: Floats | float) -> None:
    _set(pose, **{f"{side}_{name}": value for name, value in values.items()})
