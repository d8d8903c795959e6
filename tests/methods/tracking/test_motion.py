"""The batched filter against the textbook matrices, and the camera's motion."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.methods.tracking.kalman import camera, motion


def _textbook(mean, cov, elapsed, q, r, z):
    """Two-state filter with explicit matrices."""
    transition = np.array([[1, elapsed], [0, 1]])
    process = q * np.array([[elapsed**3 / 3, elapsed**2 / 2], [elapsed**2 / 2, elapsed]])
    mean, cov = transition @ mean, transition @ cov @ transition.T + process
    gain = cov @ [1, 0] / (cov[0, 0] + r)
    return mean + gain * (z - mean[0]), cov - np.outer(gain, cov[0])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 2.0))
def test_batched_filter_is_the_textbook_filter(seed, elapsed):
    rng = np.random.default_rng(seed)
    measured = np.concatenate([rng.uniform(0, 500, (3, 2)), rng.uniform(20, 200, (3, 2))], 1)
    mean, cov = motion.start(measured)
    for _ in range(3):
        later = measured + rng.normal(0, 5, measured.shape)
        moved, spread = motion.predict(mean, cov, elapsed, np.ones((3, 4)))
        variance = motion.noise(moved, np.array([1.0, 0.5, 0.2]))
        after, shrunk = motion.update(moved, spread, later, variance)
        for track in range(3):
            for axis in range(4):
                p00, p01, p11 = cov[track, axis]
                q = (motion.ACCELERATION[axis] * max(mean[track, 3, 0], 1)) ** 2
                want = _textbook(
                    mean[track, axis],
                    np.array([[p00, p01], [p01, p11]]),
                    elapsed,
                    q,
                    variance[track, axis],
                    later[track, axis],
                )
                np.testing.assert_allclose(after[track, axis], want[0], rtol=1e-8, atol=1e-8)
                np.testing.assert_allclose(shrunk[track, axis], want[1][[0, 0, 1], [0, 1, 1]], rtol=1e-6, atol=1e-8)
        mean, cov = after, shrunk


def test_prediction_depends_on_seconds_not_on_steps():
    mean, cov = motion.start(np.array([[100.0, 100, 30, 80]]))
    mean[:, 0, 1] = 50
    once = motion.predict(mean, cov, 1.0, np.ones((1, 4)))
    many = mean, cov
    for _ in range(20):
        many = motion.predict(*many, 0.05, np.ones((1, 4)))
    np.testing.assert_allclose(once[0], many[0])
    np.testing.assert_allclose(once[1], many[1], rtol=1e-9)


def test_corners_and_centre_are_inverse():
    boxes = np.array([[1.0, 2, 31, 62], [0, 0, 10, 10]])
    np.testing.assert_allclose(motion.to_corners(motion.to_centre(boxes)), boxes)


def _texture(seed=0):
    noise = np.random.default_rng(seed).integers(0, 255, (30, 40), np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (240, 180), interpolation=cv2.INTER_CUBIC), (5, 5), 0)


def test_camera_motion_is_found_and_stillness_is_exactly_identity():
    before = _texture()
    turn = cv2.getRotationMatrix2D((120, 90), 2.0, 1.03)
    turn[:, 2] += [4.0, -3.0]
    after = cv2.warpAffine(before, turn, (240, 180), borderMode=cv2.BORDER_REFLECT)
    found = camera.estimate(before, after, np.zeros((0, 4)))
    np.testing.assert_allclose(found[:, :2], turn[:, :2], atol=0.01)
    corners = np.array([[30.0, 30, 1], [200, 140, 1]]).T
    np.testing.assert_allclose(found @ corners, turn @ corners, atol=0.6)
    assert camera.estimate(before, before, np.zeros((0, 4))) is camera.IDENTITY
    assert camera.estimate(np.full_like(before, 9), np.full_like(before, 9), np.zeros((0, 4))) is camera.IDENTITY


def test_warp_moves_boxes_as_the_camera_does():
    mean, _ = motion.start(np.array([[100.0, 50, 20, 40]]))
    mean[0, :2, 1] = [10, 0]
    affine = np.array([[0.0, -2, 5], [2, 0, 7]])
    moved = motion.warp(mean, affine)
    np.testing.assert_allclose(moved[0, :2, 0], [-95, 207])
    np.testing.assert_allclose(moved[0, :2, 1], [0, 20])
    np.testing.assert_allclose(moved[0, 2:, 0], [40, 80])
