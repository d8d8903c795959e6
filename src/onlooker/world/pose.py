"""From joint angles to joint positions: the channels of a pose, the joint tree and forward kinematics over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.body import Body
from onlooker.world.geometry import Floats, rot_x, rot_y, rot_z

_ARM = ("flex", "abduct", "turn", "elbow", "wrist")
_LEG = ("hip", "spread", "rotate", "knee", "ankle")
CHANNELS: tuple[str, ...] = (
    *("pitch", "roll", "spin", "plant", "lift", "bend", "lean", "twist", "nod", "look", "tilt"),
    *(f"l_{name}" for name in _ARM),
    *(f"r_{name}" for name in _ARM),
    *(f"l_{name}" for name in _LEG),
    *(f"r_{name}" for name in _LEG),
    *("mouth", "smile", "blink", "brow"),
)
CHANNEL = {name: index for index, name in enumerate(CHANNELS)}

JOINTS: tuple[str, ...] = (
    *("pelvis", "waist", "chest", "neck", "head", "head_top"),
    *("l_shoulder", "l_elbow", "l_wrist", "l_hand", "r_shoulder", "r_elbow", "r_wrist", "r_hand"),
    *("l_hip", "l_knee", "l_ankle", "l_heel", "l_toe", "r_hip", "r_knee", "r_ankle", "r_heel", "r_toe"),
    *("nose", "l_eye", "r_eye", "l_ear", "r_ear"),
)
JOINT = {name: index for index, name in enumerate(JOINTS)}
# the COCO keypoint order, as indices into JOINTS
COCO_JOINTS: tuple[int, ...] = tuple(
    JOINT[name]
    for name in (
        *("nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow"),
        *("l_wrist", "r_wrist", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle"),
    )
)
BONES: tuple[tuple[str, str], ...] = (
    *(("pelvis", "waist"), ("waist", "chest"), ("chest", "neck"), ("neck", "head"), ("head", "head_top")),
    *(("chest", "l_shoulder"), ("l_shoulder", "l_elbow"), ("l_elbow", "l_wrist"), ("l_wrist", "l_hand")),
    *(("chest", "r_shoulder"), ("r_shoulder", "r_elbow"), ("r_elbow", "r_wrist"), ("r_wrist", "r_hand")),
    *(("pelvis", "l_hip"), ("l_hip", "l_knee"), ("l_knee", "l_ankle"), ("l_ankle", "l_heel"), ("l_ankle", "l_toe")),
    *(("pelvis", "r_hip"), ("r_hip", "r_knee"), ("r_knee", "r_ankle"), ("r_ankle", "r_heel"), ("r_ankle", "r_toe")),
)
FRAMES = ("pelvis", "chest", "head", "l_thigh", "l_shank", "l_foot", "r_thigh", "r_shank", "r_foot", "yaw")
FRAME = {name: index for index, name in enumerate(FRAMES)}


@dataclass(slots=True)
class Skeleton:
    """Joints (time, joint, 3) in metres and the orientation of the rigid parts (time, frame, 3, 3), columns
    forward, left, up."""

    joints: Floats
    frames: Floats


def channel(pose: Floats, name: str) -> Floats:
    """One column of a pose array (time, channel)."""
    return pose[:, CHANNEL[name]]


def pose_skeleton(body: Body, pose: Floats, place: Floats, yaw: Floats, floor: Floats) -> Skeleton:
    """Stand a pose on the floor; channels are radians, `lift` metres, `spin` turns about the body's length,
    `plant` 0 to 1.

    `pose` (time, channel) radians and metres, `place` (time, 2), `yaw` (time,), `floor` (time,) height of what
    bears the body. The body is lowered until its lowest point touches the floor, then lifted by the channel `lift`:
    standing, crouching, sitting and lying need no heights of their own, and a walk rises and falls as legs make it.
    """
    frames = _orientations(pose, yaw)
    joints = _positions(body, pose, frames)
    # planted feet stay where they are while the hips move back over them, as in sitting down
    feet = joints[:, [JOINT["l_ankle"], JOINT["r_ankle"]], :2].mean(1)
    joints[:, :, :2] -= (channel(pose, "plant")[:, None] * feet)[:, None]
    lowest = (joints[:, :, 2] - _clearance(body)).min(1)
    joints[:, :, 2] += (floor + channel(pose, "lift") - lowest)[:, None]
    joints[:, :, :2] += place[:, None, :]
    return Skeleton(joints, frames)


def _orientations(pose: Floats, yaw: Floats) -> Floats:
    def at(name: str) -> Floats:
        return channel(pose, name)

    out = np.empty((len(pose), len(FRAMES), 3, 3))
    heading = rot_z(yaw)
    pelvis = heading @ rot_y(at("pitch")) @ rot_z(at("spin")) @ rot_x(at("roll"))
    chest = pelvis @ rot_z(at("twist")) @ rot_y(at("bend")) @ rot_x(at("lean"))
    out[:, FRAME["yaw"]] = heading
    out[:, FRAME["pelvis"]] = pelvis
    out[:, FRAME["chest"]] = chest
    out[:, FRAME["head"]] = chest @ rot_z(at("look")) @ rot_y(at("nod")) @ rot_x(at("tilt"))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        thigh = (
            pelvis @ rot_x(sign * at(f"{side}_spread")) @ rot_y(-at(f"{side}_hip")) @ rot_z(sign * at(f"{side}_rotate"))
        )
        shank = thigh @ rot_y(at(f"{side}_knee"))
        out[:, FRAME[f"{side}_thigh"]] = thigh
        out[:, FRAME[f"{side}_shank"]] = shank
        out[:, FRAME[f"{side}_foot"]] = shank @ rot_y(at(f"{side}_ankle"))
    return out


def _positions(body: Body, pose: Floats, frames: Floats) -> Floats:
    joints = np.zeros((len(pose), len(JOINTS), 3))

    def put(name: str, origin: Floats, orientation: Floats, offset: tuple[float, float, float]) -> Floats:
        joints[:, JOINT[name]] = origin + orientation @ np.asarray(offset)
        return joints[:, JOINT[name]]

    pelvis, chest, head = frames[:, 0], frames[:, 1], frames[:, 2]
    origin = np.zeros((len(pose), 3))
    waist = put("waist", origin, pelvis, (0, 0, 0.28 * body.trunk))
    thorax = put("chest", waist, chest, (0, 0, 0.52 * body.trunk))
    neck = put("neck", thorax, chest, (0, 0, 0.20 * body.trunk))
    middle = put("head", neck, head, (0.12 * body.head, 0, body.neck + 0.48 * body.head))
    put("head_top", middle, head, (0, 0, 0.52 * body.head))
    _put_face(body, joints, middle, head)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        shoulder = put(f"{side}_shoulder", thorax, chest, (0, sign * 0.5 * body.shoulders, 0.10 * body.trunk))
        _put_arm(body, joints, side, sign, shoulder, pose, chest)
        hip = put(f"{side}_hip", origin, pelvis, (0, sign * 0.5 * body.hips, -0.01))
        knee = put(f"{side}_knee", hip, frames[:, FRAME[f"{side}_thigh"]], (0, 0, -body.thigh))
        ankle = put(f"{side}_ankle", knee, frames[:, FRAME[f"{side}_shank"]], (0, 0, -body.shank))
        foot = frames[:, FRAME[f"{side}_foot"]]
        put(f"{side}_heel", ankle, foot, (-0.22 * body.foot, 0, -0.7 * body.ankle))
        put(f"{side}_toe", ankle, foot, (0.70 * body.foot, 0, -0.75 * body.ankle))
    return joints


def _put_arm(body: Body, joints: Floats, side: str, sign: float, shoulder: Floats, pose: Floats, chest: Floats) -> None:
    def at(name: str) -> Floats:
        return channel(pose, f"{side}_{name}")

    upper = chest @ rot_x(sign * at("abduct")) @ rot_y(-at("flex")) @ rot_z(-sign * at("turn"))
    lower = upper @ rot_y(-at("elbow"))
    hand = lower @ rot_y(-at("wrist"))
    elbow = shoulder - upper[:, :, 2] * body.upper_arm
    wrist = elbow - lower[:, :, 2] * body.forearm
    joints[:, JOINT[f"{side}_elbow"]] = elbow
    joints[:, JOINT[f"{side}_wrist"]] = wrist
    joints[:, JOINT[f"{side}_hand"]] = wrist - hand[:, :, 2] * body.hand * 0.75


def _put_face(body: Body, joints: Floats, middle: Floats, head: Floats) -> None:
    size = body.head
    spots = {
        "nose": (0.47, 0.0, -0.06),
        "l_eye": (0.38, 0.15 * body.face[0], 0.06),
        "r_eye": (0.38, -0.15 * body.face[0], 0.06),
        "l_ear": (-0.02, 0.33, 0.0),
        "r_ear": (-0.02, -0.33, 0.0),
    }
    for name, spot in spots.items():
        joints[:, JOINT[name]] = middle + head @ (np.asarray(spot) * size)


def _clearance(body: Body) -> Floats:
    """How far the surface of the body lies below each joint, so that knees and backs rest on the floor, not in it."""
    share = dict.fromkeys(JOINTS, 0.02)
    share |= {"pelvis": 0.075, "waist": 0.065, "chest": 0.07, "neck": 0.03, "head": 0.055, "head_top": 0.0}
    share |= {"nose": 0.0, "l_eye": 0.0, "r_eye": 0.0, "l_ear": 0.0, "r_ear": 0.0}
    for side in ("l", "r"):
        share |= {f"{side}_shoulder": 0.03, f"{side}_hip": 0.06, f"{side}_knee": 0.032, f"{side}_ankle": 0.02}
        share |= {f"{side}_heel": 0.012, f"{side}_toe": 0.010, f"{side}_hand": 0.012}
    return np.array([share[name] * body.height for name in JOINTS])
