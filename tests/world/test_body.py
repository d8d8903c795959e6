"""Bodies, gait and motions: lengths stay, walks repeat, feet stay on the ground, reversed pairs are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.world.actions import ACTIONS, REVERSED_PAIRS
from onlooker.world.body import make_body
from onlooker.world.clothing import make_outfit
from onlooker.world.gait import RUN_FROM, locomotion, stride_length, walk
from onlooker.world.geometry import rot_x, rot_y, rot_z, smoothstep, two_bone
from onlooker.world.motions import Style
from onlooker.world.pose import BONES, CHANNEL, CHANNELS, JOINT, pose_skeleton
from onlooker.world.postures import POSTURES

seeds = st.integers(0, 2**31 - 1)


def _skeleton(identity: int, pose: np.ndarray, kind: str = "adult"):
    body, count = make_body(identity, kind), len(pose)
    return body, pose_skeleton(body, pose, np.zeros((count, 2)), np.zeros(count), np.zeros(count))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_identity_makes_the_body_and_not_the_clothes(identity: int) -> None:
    body = make_body(identity)
    assert body == make_body(identity)
    assert 1.3 < body.height < 2.05
    assert abs(body.head + body.neck + body.trunk + body.leg - body.height) < 1e-9
    assert make_outfit(body, 1) == make_outfit(make_body(identity), 1)
    assert make_outfit(body, 1) != make_outfit(body, 2)


@settings(max_examples=15, deadline=None)
@given(seeds, st.floats(0.6, 1.8))
def test_walking_repeats_with_the_cycle(identity: int, speed: float) -> None:
    body = make_body(identity)
    phase = np.linspace(0, 1, 13)
    speeds = np.full(13, speed)
    assert np.allclose(walk(body, phase, speeds), walk(body, phase + 1, speeds), atol=1e-9)
    assert not np.allclose(walk(body, phase, speeds), walk(body, phase + 0.5, speeds), atol=0.05)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_bones_keep_their_length_while_walking(identity: int) -> None:
    phase = np.linspace(0, 2, 40)
    body = make_body(identity)
    pose = locomotion(body, phase, np.full(40, body.gait.pace), phase)
    _, skeleton = _skeleton(identity, pose)
    for first, second in BONES:
        length = np.linalg.norm(skeleton.joints[:, JOINT[first]] - skeleton.joints[:, JOINT[second]], axis=1)
        assert np.ptp(length) < 1e-9, (first, second)


def _stance_speed(identity: int) -> float:
    """Speed of the left ankle over the ground while it carries the weight, as a share of the walking speed."""
    body = make_body(identity)
    speed = body.gait.pace
    rate, count = 100.0, 200
    travelled = speed * np.arange(count) / rate
    phase = travelled / stride_length(body, np.full(count, speed))
    pose = locomotion(body, phase, np.full(count, speed), np.arange(count) / rate)
    place = np.stack([travelled, np.zeros(count)], -1)
    joints = pose_skeleton(body, pose, place, np.zeros(count), np.zeros(count)).joints
    middle = (phase % 1 > 0.15) & (phase % 1 < 0.40)
    velocity = np.gradient(joints[:, JOINT["l_ankle"], 0], 1 / rate)
    return float(np.abs(np.median(velocity[middle])) / speed)


def test_the_stance_foot_hardly_slides() -> None:
    slides = np.array([_stance_speed(identity) for identity in [*range(200), 628, 830, 1386]])
    assert np.median(slides) < 0.02
    assert slides.max() < 0.1


def test_people_take_as_many_steps_as_people_do() -> None:
    bodies = [make_body(identity) for identity in range(300)]
    steps = [2 * body.gait.pace / stride_length(body, np.array([body.gait.pace]))[0] for body in bodies]
    assert 1.7 < np.median(steps) < 2.1  # per second
    assert np.mean((np.array(steps) > 1.3) & (np.array(steps) < 3.0)) > 0.97


def test_people_walk_in_their_own_way() -> None:
    phase = np.linspace(0, 1, 25)
    walks = [walk(make_body(identity), phase, np.full(25, 1.2)) for identity in range(12)]
    apart = [np.abs(a - b).mean() for i, a in enumerate(walks) for b in walks[:i]]
    assert min(apart) > 0.005


@pytest.mark.parametrize("name", sorted(POSTURES))
@pytest.mark.parametrize("kind", ["adult", "child", "baby"])
def test_bodies_rest_on_the_floor(name: str, kind: str) -> None:
    u = np.linspace(0, 0.999, 15)
    pose = np.zeros((15, len(CHANNELS)))
    values, weight = POSTURES[name](u, 3.0, Style())
    for channel, value in values.items():
        pose[:, CHANNEL[channel]] = weight * value
    _, skeleton = _skeleton(4, pose, kind)
    lowest = skeleton.joints[:, :, 2].min(1)
    assert (lowest >= 0).all()
    assert (lowest < 0.09 * skeleton_height(kind)).all()
    assert np.isfinite(skeleton.joints).all()


def skeleton_height(kind: str) -> float:
    return make_body(4, kind).height


def test_postures_change_how_high_the_head_is() -> None:
    heights = {}
    for name in ("sit", "lie", "lie_prone"):
        pose = np.zeros((1, len(CHANNELS)))
        for channel, value in POSTURES[name](np.array([0.5]), 1.0, Style())[0].items():
            pose[:, CHANNEL[channel]] = value
        body, skeleton = _skeleton(4, pose)
        heights[name] = skeleton.joints[0, JOINT["head"], 2] / body.height
    assert 0.6 < heights["sit"] < 0.85
    assert heights["lie"] < 0.2
    assert heights["lie_prone"] < 0.25


@pytest.mark.parametrize(("first", "second"), REVERSED_PAIRS)
def test_reversed_pairs_are_exact(first: str, second: str) -> None:
    """Dyadic times, so that 1 - u has no rounding: the poses agree to the last bit."""
    u = np.arange(17) / 16
    ahead, weight = ACTIONS[first].motion(u, 2.0, Style())
    back, other = ACTIONS[second].motion(1 - u, 2.0, Style())
    assert ACTIONS[first].reversed == second
    assert ACTIONS[second].reversed == first
    assert ahead.keys() == back.keys()
    assert all(np.array_equal(ahead[name], back[name]) for name in ahead)
    assert np.array_equal(weight, other)


def test_every_reversal_goes_both_ways() -> None:
    for name, action in ACTIONS.items():
        if action.reversed:
            assert ACTIONS[action.reversed].reversed == name


def test_running_leaves_the_ground() -> None:
    body = make_body(3)
    phase = np.linspace(0, 1, 60)
    pose = locomotion(body, phase, np.full(60, RUN_FROM + 1), phase)
    _, skeleton = _skeleton(3, pose)
    feet = skeleton.joints[:, [JOINT["l_heel"], JOINT["l_toe"], JOINT["r_heel"], JOINT["r_toe"]], 2].min(1)
    assert feet.max() > feet.min() + 0.04


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1.2, 1.2), min_size=3, max_size=3))
def test_arms_reach_what_is_in_reach(target: list[float]) -> None:
    goal = np.array([target])
    distance = float(np.linalg.norm(goal))
    middle, end = two_bone(np.zeros((1, 3)), goal, 0.3, 0.25, np.array([[0, 0, -1.0]]))
    assert abs(np.linalg.norm(middle) - 0.3) < 1e-6 or distance < 1e-6
    assert abs(np.linalg.norm(end - middle) - 0.25) < 1e-6 or distance < 1e-6
    if 0.06 < distance < 0.54:
        assert np.allclose(end, goal, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(-6, 6))
def test_rotations_are_rotations(angle: float) -> None:
    for make in (rot_x, rot_y, rot_z):
        matrix = make(np.array(angle))
        assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        assert np.isclose(np.linalg.det(matrix), 1)


def test_smoothstep_is_symmetric() -> None:
    u = np.linspace(-1, 2, 31)
    assert np.allclose(smoothstep(u) + smoothstep(1 - u), 1)
