"""The camera's motion: found, undone, and not mistaken for that of people."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from onlooker.methods.recognition.dense_trajectories.camera import (
    Keypoints,
    homography,
    keypoints,
    match,
    moved_corners,
    outside,
    warp,
)

TRUE = np.array([[1.01, 0.004, 3.0], [-0.003, 0.99, 2.0], [2e-5, -1e-5, 1.0]])


def project(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    found = np.column_stack((points, np.ones(len(points)))) @ matrix.T
    return (found[:, :2] / found[:, 2:]).astype(np.float32)


def test_a_homography_survives_a_third_of_wrong_matches() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 300, (150, 2)).astype(np.float32)
    there = project(TRUE, points)
    there[:50] += rng.uniform(5, 20, (50, 2)).astype(np.float32)
    found = homography(points, there)
    assert found is not None
    np.testing.assert_allclose(project(found, points), project(TRUE, points), atol=0.05)
    assert np.array_equal(found, homography(points, there))


def test_few_matches_or_few_that_agree_give_none() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 300, (60, 2)).astype(np.float32)
    assert homography(points[:50], points[:50]) is None
    assert homography(points[:51], points[:51]) is not None
    assert homography(points, rng.uniform(0, 300, (60, 2)).astype(np.float32)) is None


def test_the_identity_changes_nothing_and_the_margin_is_the_other_frame() -> None:
    rng = np.random.default_rng(0)
    previous, current = rng.integers(0, 255, (2, 40, 50), dtype=np.uint8)
    warped = warp(current, previous, np.eye(3))
    inner = np.zeros((40, 50), bool)
    inner[5:34, 5:44] = True
    assert np.array_equal(warped[inner], current[inner])
    assert np.array_equal(warped[~inner], previous[~inner])


@pytest.mark.parametrize("matcher", ["orb", "akaze", "sift"])
def test_keypoints_find_a_shift(make: Any, matcher: Any) -> None:
    large = make["texture"](400, 420)
    first, second = make["slide"](large, 0, 0, 160, 200), make["slide"](large, 7, -4, 160, 200)
    everywhere = np.full(first.shape, 255, np.uint8)
    here, there = match(keypoints(first, everywhere, matcher), keypoints(second, everywhere, matcher))
    assert len(here) > 20
    assert np.abs(here - there).max() < 25
    np.testing.assert_allclose(np.median(there - here, axis=0), [7, -4], atol=0.5)


def test_no_keypoints_no_matches() -> None:
    flat, everywhere = np.full((60, 60), 9, np.uint8), np.full((60, 60), 255, np.uint8)
    none = keypoints(flat, everywhere, "orb")
    assert len(none.points) == 0
    assert [len(part) for part in match(none, none)] == [0, 0]
    assert len(keypoints(flat, everywhere, "corners").points) == 0
    assert [len(part) for part in moved_corners(flat, np.zeros((60, 60, 2), np.float32), everywhere)] == [0, 0]
    far = Keypoints(np.array([[50, 5]], np.float32), np.zeros((1, 32), np.uint8))
    near = Keypoints(np.array([[5, 5]], np.float32), np.zeros((1, 32), np.uint8))
    assert [len(part) for part in match(far, near)] == [0, 0]


def test_boxes_hide_people_from_both_kinds_of_points(make: Any) -> None:
    image = make["texture"](120, 160).astype(np.uint8)
    mask = outside(np.array([[-5, -5, 80.5, 300]], np.float32), 160, 120)
    assert mask[:, :81].max() == 0
    assert mask[:, 81:].min() == 255
    assert keypoints(image, mask, "orb").points[:, 0].min() > 80
    flow = np.ones((120, 160, 2), np.float32)
    here, there = moved_corners(image, flow, mask)
    assert here[:, 0].min() > 80
    np.testing.assert_allclose(there - here, 1)


def test_masking_the_people_saves_the_homography_when_they_fill_the_picture(make: Any) -> None:
    frames = make["patch_over"](make["moving"](2, 2, 0, height=120, width=160), -3, 0, size=116)
    first, second = (np.ascontiguousarray(frame[..., 0]) for frame in frames)
    flow = cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 10, 3, 7, 1.5, 0)
    found = {}
    for name, boxes in (("masked", [[17, 0, 140, 120]]), ("unmasked", np.zeros((0, 4)))):
        mask = outside(np.array(boxes, np.float32), 160, 120)
        matrix = homography(*moved_corners(first, flow, mask))
        assert matrix is not None
        found[name] = project(matrix, np.array([[10, 10]], np.float32))[0] - 10
    np.testing.assert_allclose(found["masked"], [2, 0], atol=0.3)
    assert np.abs(found["unmasked"] - [2, 0]).max() > 1
