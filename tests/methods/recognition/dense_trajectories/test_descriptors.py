"""Histograms of orientations: exact small cases and what they must not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.methods.recognition.dense_trajectories import descriptors
from onlooker.methods.recognition.dense_trajectories.descriptors import (
    ENDS,
    HOF,
    HOG,
    QUARTERS,
    cell_sums,
    corners,
    describe,
    drop_small,
    histograms,
)

POINTS = np.array([[20, 20], [33.4, 21.6], [0, 0], [70, 50]], np.float32)


def by_patch(seen: np.ndarray, number: int) -> np.ndarray:
    """A row for each patch of what one kind of descriptor saw: cells, then bins."""
    own = seen[ENDS[number] : ENDS[number + 1]]
    return own.reshape(-1, QUARTERS, own.shape[1]).transpose(2, 1, 0).reshape(own.shape[1], -1)


def all_four(grey: np.ndarray, flow: np.ndarray) -> list[np.ndarray]:
    seen = describe(grey, flow, corners(POINTS, grey.shape[1], grey.shape[0]), 0.4)
    return [by_patch(seen, number) for number in range(4)]


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
    dy = np.zeros_like(dx)
    assert drop_small(dx, dy, 0.4).tolist() == [[1, 0], [1, 0]]
    np.testing.assert_allclose(dx, [[0, 0.41], [0, -2]])
    total = np.array([plane.sum() for plane in histograms(dx, dy)])
    np.testing.assert_allclose(total, [0.41, 0, 0, 0, 2, 0, 0, 0], atol=1e-6)


def test_a_quarter_turn_moves_bins_by_two_and_cells(make: Any) -> None:
    image = make["texture"](32, 32)
    middle = np.zeros((1, 2), np.intp)
    still = np.zeros((32, 32, 2), np.float32)

    def hog(picture: np.ndarray) -> np.ndarray:
        return by_patch(describe(np.ascontiguousarray(picture), still, middle), HOG).reshape(2, 2, 8)

    upright, turned = hog(image), hog(np.rot90(image, -1))  # clockwise: x becomes y
    for column in (0, 1):
        for row in (0, 1):
            np.testing.assert_allclose(turned[1 - row, column], np.roll(upright[column, row], 2), atol=0.02)


@settings(max_examples=20, deadline=None)
@given(st.integers(32, 60), st.integers(32, 60), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_sums_over_cells_are_sums_over_cells(height: int, width: int, pictures: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack = rng.random((pictures, height, width), np.float32)
    sums = cell_sums(stack.reshape(-1).copy(), np.empty(stack.size, np.float32), width).reshape(stack.shape)
    for picture, found in zip(stack, sums, strict=True):
        top, left = rng.integers(height - 15), rng.integers(width - 15)
        np.testing.assert_allclose(found[top, left], picture[top : top + 16, left : left + 16].sum(), rtol=1e-6)


def test_it_is_the_same_in_one_step_and_kind_by_kind(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    grey, flow = make["texture"](60, 80).astype(np.uint8), flow_of()
    together = all_four(grey, flow)
    for most in (0, 2 * grey.size):
        monkeypatch.setattr(descriptors, "AT_ONCE", most)
        for one, other in zip(together, all_four(grey, flow), strict=True):
            assert np.array_equal(one, other)


def test_patches_are_moved_into_the_picture() -> None:
    assert corners(POINTS, 80, 60).tolist() == [[4, 4], [17, 6], [0, 0], [48, 28]]


def test_cells_are_summed_where_they_lie() -> None:
    flow = np.zeros((40, 50, 2), np.float32)
    flow[4:20, 19:35, 0] = 1  # the right upper cell of the patch at (3, 4)
    seen = describe(np.zeros((40, 50), np.uint8), flow, np.array([[3, 4]]))
    cells = by_patch(seen, HOF).reshape(2, 2, 9)
    scale = 4 * 256 + 36 * 0.05
    assert cells[1, 0, 0] == pytest.approx(np.sqrt(256.05 / scale), abs=1e-6)
    assert cells[0, :, 8] == pytest.approx(np.sqrt(256.05 / scale), abs=1e-6)
    assert cells[0, :, :8].max() == pytest.approx(np.sqrt(0.05 / scale), abs=1e-6)
    assert cells[1, 1, 0] == pytest.approx(np.sqrt(0.05 / scale), abs=1e-6)
