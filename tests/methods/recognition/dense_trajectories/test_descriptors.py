"""Histograms of orientations: exact small cases and what they must not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onlooker.methods.recognition.dense_trajectories.descriptors import (
    corners,
    describe,
    frame_histograms,
    gradients,
    histograms,
)

POINTS = np.array([[20, 20], [33.4, 21.6], [0, 0], [70, 50]], np.float32)


def by_patch(found: np.ndarray) -> np.ndarray:
    """A row for each patch: cells, then bins."""
    return found.transpose(2, 1, 0).reshape(found.shape[2], -1)


def all_four(grey: np.ndarray, flow: np.ndarray) -> list[np.ndarray]:
    top_left = corners(POINTS, grey.shape[1], grey.shape[0])
    return [by_patch(describe(sums, top_left)) for sums in frame_histograms(grey, flow, 0.4)]


def flow_of(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (60, 80, 2)).astype(np.float32)


def test_every_vector_has_unit_length(make: Any) -> None:
    for found in all_four(make["texture"](60, 80).astype(np.uint8), flow_of()):
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_a_flat_picture_and_no_flow() -> None:
    hog, hof, mbh_x, mbh_y = all_four(np.full((60, 80), 90, np.uint8), np.zeros((60, 80, 2), np.float32))
    for found in (hog, mbh_x, mbh_y):
        np.testing.assert_allclose(found, 1 / np.sqrt(32), atol=1e-6)
    bins = hof.reshape(-1, 4, 9)
    share = (256 + 0.05) / (4 * (256 + 9 * 0.05))
    np.testing.assert_allclose(bins[..., 8], np.sqrt(share), atol=1e-6)
    assert bins[..., :8].max() < 0.01


def test_a_constant_motion_changes_hof_but_not_mbh(make: Any) -> None:
    grey = make["texture"](60, 80).astype(np.uint8)
    before, after = all_four(grey, flow_of()), all_four(grey, flow_of() + np.float32([3, -1]))
    np.testing.assert_allclose(before[2], after[2], atol=1e-4)
    np.testing.assert_allclose(before[3], after[3], atol=1e-4)
    assert np.abs(before[1] - after[1]).max() > 0.1
    assert np.array_equal(before[0], after[0])


def test_a_vector_is_shared_between_the_two_nearest_bins() -> None:
    angle = np.radians(45 * 2.25)
    dx = np.full((32, 32), 4 * np.cos(angle), np.float32)
    dy = np.full((32, 32), 4 * np.sin(angle), np.float32)
    total = np.array([plane.mean() for plane in histograms(dx, dy)])
    np.testing.assert_allclose(total, [0, 0, 3, 1, 0, 0, 0, 0], atol=0.03)  # OpenCV's arctangent: 0.3 degrees


def test_small_vectors_count_in_the_last_bin() -> None:
    dx = np.array([[0.4, 0.41], [0.0, -2.0]], np.float32)
    total = np.array([plane.sum() for plane in histograms(dx, np.zeros_like(dx), 0.4)])
    np.testing.assert_allclose(total, [0.41, 0, 0, 0, 2, 0, 0, 0, 2], atol=1e-6)


def test_a_quarter_turn_moves_bins_by_two_and_cells(make: Any) -> None:
    image = make["texture"](32, 32)
    middle = np.zeros((1, 2), np.intp)

    def hog(picture: np.ndarray) -> np.ndarray:
        return by_patch(describe(histograms(*gradients(np.ascontiguousarray(picture))), middle)).reshape(2, 2, 8)

    upright, turned = hog(image), hog(np.rot90(image, -1))  # clockwise: x becomes y
    for column in (0, 1):
        for row in (0, 1):
            np.testing.assert_allclose(turned[1 - row, column], np.roll(upright[column, row], 2), atol=0.02)


def test_patches_are_moved_into_the_picture() -> None:
    assert corners(POINTS, 80, 60).tolist() == [[4, 4], [17, 6], [0, 0], [48, 28]]


def test_cells_are_summed_where_they_lie() -> None:
    dx = np.zeros((40, 50), np.float32)
    dx[4:20, 19:35] = 1  # the right upper cell of the patch at (3, 4)
    cells = by_patch(describe(histograms(dx, np.zeros_like(dx)), np.array([[3, 4]]))).reshape(2, 2, 8)
    assert cells[1, 0, 0] == pytest.approx(np.sqrt(256.05 / (256 + 32 * 0.05)), abs=1e-6)
    assert cells[0].max() < 0.02
    assert cells[1, 1].max() < 0.02
