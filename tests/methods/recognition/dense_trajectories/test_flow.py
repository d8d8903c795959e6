"""Flow on the tracker's own pyramid, held against OpenCV's function where the two must agree, and known motions."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.methods.recognition.dense_trajectories.farneback import Room, expand, flows
from onlooker.methods.recognition.dense_trajectories.pyramid import grey_levels, levels


def test_on_one_level_it_is_opencvs_flow_and_a_median_filter(make: Any) -> None:
    large = make["texture"](200, 220)
    first, second = make["slide"](large, 0, 0, 60, 80), make["slide"](large, 1.3, -0.7, 60, 80)
    sizes = levels(80, 60, 1)
    stock = cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 1, 10, 2, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN)
    theirs = np.dstack([cv2.medianBlur(np.ascontiguousarray(stock[..., axis]), 5) for axis in (0, 1)])
    ours = flows(expand(first, sizes), expand(second, sizes))[0]
    assert np.linalg.norm(ours - theirs, axis=-1).max() < 2e-5
    assert np.linalg.norm(theirs, axis=-1).mean() > 0.5


def test_what_was_computed_before_leaves_nothing_behind(make: Any) -> None:
    large = make["texture"](300, 320)
    frames = [expand(make["slide"](large, 2 * t, -t, 64, 80), levels(80, 64)) for t in range(3)]
    room = Room()
    for before, after in ((0, 1), (1, 2), (0, 2)):
        for ours, alone in zip(
            flows(frames[before], frames[after], room), flows(frames[before], frames[after]), strict=True
        ):
            assert np.array_equal(ours, alone)


@pytest.mark.parametrize(("dx", "dy"), [(3.0, -2.0), (-6.5, 4.0), (0.4, 0.2)])
def test_a_translation_is_found_on_every_level(make: Any, dx: float, dy: float) -> None:
    large = make["texture"](300, 320)
    first, second = make["slide"](large, 0, 0, 96, 128), make["slide"](large, dx, dy, 96, 128)
    sizes = levels(128, 96)
    for level, flow in zip(sizes, flows(expand(first, sizes), expand(second, sizes)), strict=True):
        assert flow.shape == (level.height, level.width, 2)
        middle = flow[level.height // 4 : -level.height // 4, level.width // 4 : -level.width // 4]
        np.testing.assert_allclose(np.median(middle, axis=(0, 1)) * level.scale, [dx, dy], atol=0.25)


def test_equal_frames_have_no_flow_away_from_the_borders(make: Any) -> None:
    """At the right and lower border there is no second frame to look at; OpenCV's flow is not zero there either."""
    image = make["texture"](80, 100).astype(np.uint8)
    sizes = levels(100, 80, 1)
    flow = flows(expand(image, sizes), expand(image, sizes))[0]
    assert np.abs(flow[20:-20, 20:-20]).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(st.integers(33, 500), st.integers(33, 500), st.integers(1, 8))
def test_levels_shrink_and_stay_as_large_as_a_patch(width: int, height: int, most: int) -> None:
    found = levels(width, height, most)
    assert 1 <= len(found) <= most
    assert found[0].size == (width, height)
    assert all(min(level.size) >= 32 for level in found)
    assert len(found) == most or min(width, height) / found[-1].scale / 2**0.5 < 32.001
    assert [level.size for level in found] == sorted((level.size for level in found), reverse=True)
    assert [image.shape[::-1] for image in grey_levels(np.zeros((height, width), np.uint8), found)] == [
        level.size for level in found
    ]
