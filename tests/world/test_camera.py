"""Calibrated cameras: projection and its inverse agree, rigs move as they say, cuts are where the shots say."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.world import World
from onlooker.world.camera import look_at

metres = st.floats(-8, 8)


@settings(max_examples=60, deadline=None)
@given(st.tuples(metres, metres, st.floats(0.3, 6)), st.tuples(metres, metres, st.floats(0, 2)), st.floats(-0.5, 0.5))
def test_projection_and_back(eye: tuple[float, float, float], target: tuple[float, float, float], roll: float) -> None:
    if np.linalg.norm(np.subtract(eye, target)) < 0.5:
        return
    camera = look_at(eye, target, size=(320, 200), fov=55, roll=roll)
    assert np.allclose(camera.R @ camera.R.T, np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(camera.R), 1)
    assert np.allclose(camera.centre, eye, atol=1e-9)
    pixel, depth = camera.project(np.array([target]))
    assert np.allclose(pixel, [[160, 100]], atol=1e-6)
    pixels = np.random.default_rng(0).uniform((0, 0), (320, 200), (20, 2))
    depths = np.linspace(0.5, 30, 20)
    again, depth = camera.project(camera.unproject(pixels, depths))
    assert np.allclose(again, pixels, atol=1e-6)
    assert np.allclose(depth, depths)
    homogeneous = camera.matrix @ np.append(camera.unproject(pixels[3], np.array(4.0)), 1)
    assert np.allclose(homogeneous[:2] / homogeneous[2], pixels[3])


def test_ground_points_project_back() -> None:
    camera = look_at((1, -6, 2.5), (0, 0, 1), size=(320, 200), fov=55)
    pixels = np.array([[20.0, 180.0], [300.0, 150.0], [160.0, 5.0]])
    points = camera.ground(pixels)
    assert np.allclose(points[:2, 2], 0)
    assert np.allclose(camera.project(points[:2])[0], pixels[:2])
    assert np.isnan(points[2]).all()  # above the horizon


def test_joints_lie_where_people_are_seen() -> None:
    """The projected pelvis of somebody whom nothing hides is on that person's mask."""
    world = World(stage="street", people=3, seconds=8, seed=5, size=(320, 180), rate=3, camera="pan")
    checked = 0
    for _, truth in world.frames():
        for person in truth.people:
            x, y = person.joints[0, :2]
            if person.visible > 0.95 and 2 < x < 318 and 2 < y < 178:
                assert truth.instances[int(y), int(x)] == person.extent.instance
                assert np.allclose(truth.camera.project(person.joints_3d)[0], person.joints[:, :2])
                checked += 1
    assert checked > 5


def test_several_cameras_see_one_happening() -> None:
    world = World(stage="shop", people=2, seconds=2, seed=5, size=(160, 90), rate=5)
    other = world.through(view=1)
    first, second = world.frame(4), other.frame(4)
    assert not np.array_equal(first[0], second[0])
    for one, two in zip(first[1].people, second[1].people, strict=True):
        assert np.array_equal(one.joints_3d, two.joints_3d)
        assert not np.allclose(one.joints[:, :2], two.joints[:, :2])


@pytest.mark.parametrize("kind", ["shake", "pan", "orbit", "first_person"])
def test_moving_cameras_move(kind: str) -> None:
    world = World(stage="street", people=2, seconds=4, seed=5, size=(96, 64), rate=5, camera=kind)
    first, last = world.camera_at(0), world.camera_at(len(world) - 1)
    assert not np.allclose(first.R, last.R)
    assert np.isclose(np.linalg.det(last.R), 1)


def test_a_static_camera_stands_still() -> None:
    world = World(stage="street", people=0, seconds=2, seed=5, size=(96, 64), rate=5)
    images = [image.astype(int) for image, _ in world.frames()]
    assert max(np.abs(a - images[0]).mean() for a in images) < 8  # sensor noise only


def test_pictures_change_at_cuts_and_nowhere_else() -> None:
    world = World(stage="film_set", people=2, seconds=12, seed=8, size=(160, 90), rate=8, camera="cuts")
    table = world.script_tables()["shots"].to_pylist()
    cuts = {row["start_frame"] for row in table[1:]}
    assert cuts
    images = [cv2.GaussianBlur(image, (9, 9), 0).astype(int) for image, _ in world.frames()]
    changes = np.array([np.abs(a - b).mean() for a, b in pairwise(images)])
    found = {int(i) + 1 for i in np.argsort(-changes)[: len(cuts)]}
    assert found == cuts
    assert table[0]["transition"] == "start"
    assert table[-1]["end_frame"] == len(world)


def test_places_can_be_visited_again() -> None:
    settings = {"stage": "street", "people": 0, "seconds": 1, "size": (160, 90), "rate": 2}
    one = World(**settings, seed=1, place=9, light="overcast").frame(0)[0].astype(int)
    same = World(**settings, seed=2, place=9, light="overcast").frame(0)[0].astype(int)
    other = World(**settings, seed=1, place=10, light="overcast").frame(0)[0].astype(int)
    assert np.abs(one - same).mean() < np.abs(one - other).mean() / 2


def test_wrong_wishes_are_refused() -> None:
    for wrong in ({"camera": "drone"}, {"view": 9}, {"stage": "moon"}, {"light": "disco"}, {"weather": "hail"}):
        with pytest.raises(ConfigError):
            World(**({"stage": "room", "people": 1, "seconds": 1} | wrong))
    for wrong in ({"people": -1}, {"seconds": 0}, {"size": (8, 8)}, {"script": "solo:fly"}, {"script": "shopping"}):
        with pytest.raises(ConfigError):
            World(**({"stage": "room", "people": 1, "seconds": 1} | wrong))
    with pytest.raises(ConfigError, match="near"):
        World("room", people=0, camera="near")
    with pytest.raises(IndexError):
        World("room", people=0, seconds=1).frame(15)
