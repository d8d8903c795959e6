"""What hands do: arms placed by inverse kinematics after the rest of the body, and how far to stoop for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onlooker.world.actions import ACTIONS
from onlooker.world.body import Body
from onlooker.world.geometry import Floats, smoothstep, two_bone, unit
from onlooker.world.motions import envelope, make_style
from onlooker.world.pose import CHANNEL, FRAME, JOINT, Skeleton
from onlooker.world.script import Act
from onlooker.world.things import Hinged

_DOWN = np.array([0.0, 0.0, -1.0])


def openness(u: Floats, action: str) -> Floats:
    """How far a leaf is open while it is opened or closed (`close` is `open` with time reversed)."""
    return smoothstep(((u if action == "open" else 1 - u) - 0.32) / 0.36)


def weight(hands: str, u: Floats) -> Floats:
    """How much the goal rules the hand over the act: all of it in the middle."""
    if hands == "reach":
        return smoothstep(u / 0.44) * smoothstep((1 - u) / 0.44)
    return envelope(u, 0.3 if hands in ("handle", "push", "mouth") else 0.2)


def place_hands(
    body: Body, skeleton: Skeleton, act: Act, rows: np.ndarray, u: Floats, leaves: Mapping[str, Hinged], wide: float
) -> None:
    """Move the arms of the given rows of a skeleton to the goals of an act; `wide` > 0 is the half-width held by
    two hands."""
    hands = ACTIONS[act.action].hands
    share = weight(hands, u)
    for side, goal in _goals(body, skeleton, act, rows, u, leaves, wide).items():
        bend_arm(body, skeleton, side, rows, goal, share)


def bend_arm(body: Body, skeleton: Skeleton, side: str, rows: np.ndarray, goal: Floats, share: Floats) -> None:
    """Bring one hand to a goal (row, 3), by a share (row,)."""
    joints = skeleton.joints
    sign = 1.0 if side == "l" else -1.0
    shoulder, elbow, wrist, hand = (JOINT[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand"))
    start = joints[rows, shoulder]
    there = joints[rows, hand] + (goal - joints[rows, hand]) * share[:, None]
    palm = unit(there - start) * body.hand * 0.75
    chest = skeleton.frames[rows, FRAME["chest"]]
    pole = _DOWN + 0.55 * sign * chest[:, :, 1] - 0.35 * chest[:, :, 0]
    middle, end = two_bone(start, there - palm, body.upper_arm, body.forearm, pole)
    blend = smoothstep(share * 4)[:, None]
    joints[rows, elbow] += (middle - joints[rows, elbow]) * blend
    joints[rows, wrist] += (end - joints[rows, wrist]) * blend
    joints[rows, hand] += (end + palm - joints[rows, hand]) * blend


def _goals(
    body: Body, skeleton: Skeleton, act: Act, rows: np.ndarray, u: Floats, leaves: Mapping[str, Hinged], wide: float
) -> dict[str, Floats]:
    joints, chest = skeleton.joints[rows], skeleton.frames[rows, FRAME["chest"]]
    head, heading = skeleton.frames[rows, FRAME["head"]], skeleton.frames[rows, FRAME["yaw"]]
    face = joints[:, JOINT["head"]]
    match ACTIONS[act.action].hands:
        case "reach" if act.place is not None:
            goal = np.broadcast_to(np.array(act.place), (len(rows), 3))
            if wide:
                return {side: goal + sign * wide * heading[:, :, 1] for side, sign in (("l", 1.0), ("r", -1.0))}
            return {act.hand: goal}
        case "push" if act.place is not None:
            goal = np.array(act.place)
            return {side: goal + sign * 0.11 * heading[:, :, 1] for side, sign in (("l", 1.0), ("r", -1.0))}
        case "handle" if act.target in leaves:
            return {act.hand: leaves[act.target].handle(openness(u, act.action))}
        case "mouth":
            return {act.hand: face + (head @ np.array([0.62, 0.0, -0.30])) * body.head}
        case "ear":
            sign = 1.0 if act.hand == "l" else -1.0
            return {act.hand: face + (head @ np.array([0.08, 0.42 * sign, -0.08])) * body.head}
        case "point" if act.place is not None:
            start = joints[:, JOINT[f"{act.hand}_shoulder"]]
            return {
                act.hand: start + unit(np.array(act.place) - start) * (body.upper_arm + body.forearm + 0.7 * body.hand)
            }
        case "clap":
            return _clap(body, joints, chest, act, u)
    return {}


def clap_phase(act: Act, identity: int, u: Floats) -> Floats:
    """Phase in cycles of a clap; the hands meet at whole numbers."""
    style = make_style(identity, act.hand, act.action, round(act.start * 1000))
    return 2.4 * act.speed * style.jerk * (act.end - act.start) * u


def _clap(body: Body, joints: Floats, chest: Floats, act: Act, u: Floats) -> dict[str, Floats]:
    gap = 0.02 + 0.13 * (0.5 - 0.5 * np.cos(2 * np.pi * clap_phase(act, body.identity, u)))
    middle = joints[:, JOINT["chest"]] + (chest @ np.array([0.30, 0.0, -0.02]))
    return {side: middle + sign * gap[:, None] * chest[:, :, 1] for side, sign in (("l", 1.0), ("r", -1.0))}


def stoop(pose: Floats, rows: np.ndarray, amount: Floats) -> None:
    """Bend hips and back, then the knees, by an amount (row,) in 0 to 1.6; a sitting body bends its back only."""
    bow = np.minimum(amount, 1.0)
    seated = np.clip((pose[rows, CHANNEL["l_knee"]] - 0.5) / 0.5, 0, 1)
    sink = np.maximum(amount - 0.35, 0) * 1.15 * (1 - seated)
    pose[rows, CHANNEL["pitch"]] += 0.72 * bow
    pose[rows, CHANNEL["bend"]] += 0.38 * bow
    pose[rows, CHANNEL["nod"]] -= 0.25 * bow
    pose[rows, CHANNEL["plant"]] = np.maximum(pose[rows, CHANNEL["plant"]], np.minimum(amount * 4, 1))
    for side in "lr":
        pose[rows, CHANNEL[f"{side}_hip"]] += 0.72 * bow + sink
        pose[rows, CHANNEL[f"{side}_knee"]] += 1.75 * sink + 0.06 * bow
        pose[rows, CHANNEL[f"{side}_ankle"]] -= 0.75 * sink
