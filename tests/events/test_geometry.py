"""Distances, areas and meetings in the plane against slow, plain computations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.events.geometry import (
    common_area,
    edges_of,
    meeting,
    oriented,
    ring_area,
    ring_fault,
    signed_distance,
    signed_distances,
)

RING = [(0.1, 0.2), (0.9, 0.1), (0.7, 0.5), (0.9, 0.9), (0.2, 0.8)]
HOLE = [(0.3, 0.4), (0.5, 0.35), (0.4, 0.6)]
numbers = st.floats(-0.2, 1.2, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(numbers, numbers)
def test_distance_is_that_to_the_nearest_point_of_the_outline(x: float, y: float) -> None:
    starts, ends = edges_of([RING, HOLE])
    steps = np.linspace(0, 1, 2001)[:, None, None]
    outline = (starts + steps * (ends - starts)).reshape(-1, 2)
    nearest = np.hypot(outline[:, 0] - x, outline[:, 1] - y).min()
    assert abs(signed_distance(np.array([[x, y]]), starts, ends)[0]) == pytest.approx(nearest, abs=1e-3)


def test_inside_means_in_the_ring_and_not_in_the_hole_whatever_the_winding() -> None:
    points = np.array([[0.25, 0.7], [0.4, 0.45], [0.05, 0.5], [0.85, 0.5]])
    for ring, hole in ((RING, HOLE), (RING[::-1], HOLE), (RING, HOLE[::-1])):
        signs = np.sign(signed_distance(points, *edges_of([ring, hole])))
        assert signs.tolist() == [1, -1, -1, -1]


def test_several_polygons_at_once_are_each_alone() -> None:
    points = np.random.default_rng(0).uniform(-0.2, 1.2, (50, 2))
    first, second = edges_of([RING, HOLE]), edges_of([HOLE])
    starts, ends = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
    both = signed_distances(points[:, 0], points[:, 1], starts, ends, np.array([0, len(first[0])]))
    np.testing.assert_allclose(both, [signed_distance(points, *first), signed_distance(points, *second)])


@settings(max_examples=50, deadline=None)
@given(numbers, numbers, st.floats(0.05, 0.8), st.floats(0.05, 0.8))
def test_common_area_is_the_share_of_points_in_both(x: float, y: float, w: float, h: float) -> None:
    rings = oriented([RING, HOLE])
    grid = (np.arange(200) + 0.5) / 200
    points = np.stack(np.meshgrid(x + w * grid, y + h * grid), -1).reshape(-1, 2)
    share = (signed_distance(points, *edges_of(rings)) > 0).mean()
    area = common_area(np.array([[x, y, x + w, y + h]]), *edges_of(rings))[0]
    assert area == pytest.approx(share * w * h, abs=0.01 * (w + h))


def test_a_box_around_everything_shares_the_whole_area() -> None:
    rings = oriented([RING[::-1], HOLE])
    assert ring_area(rings[0]) > 0 > ring_area(rings[1])
    whole = common_area(np.array([[-1.0, -1.0, 2.0, 2.0]]), *edges_of(rings))[0]
    assert whole == pytest.approx(ring_area(rings[0]) + ring_area(rings[1]))


def test_meeting_of_a_step_and_a_line() -> None:
    def meet(px: float, py: float, qx: float, qy: float) -> tuple[bool, float, float]:
        step = np.array(qx - px), np.array(qy - py)
        # the line goes up the picture from (5, 10) to (5, 0): its left is at smaller x
        hits, share, turn = meeting(step, (np.array(5 - px), np.array(10 - py)), (np.array(0.0), np.array(-10.0)))
        return bool(hits), float(share), float(turn)

    hits, share, turn = meet(0, 5, 10, 5)
    assert (hits, share) == (True, 0.5)
    assert turn < 0 < meet(10, 5, 0, 5)[2]
    assert not meet(0, 11, 10, 11)[0]
    assert not meet(0, 5, 4, 5)[0]
    assert not meet(3, 0, 3, 10)[0]


def test_simple_rings_have_no_fault() -> None:
    assert ring_fault(RING) is None
    assert ring_fault([(0, 0), (1, 0), (1, 1), (0.5, 1), (0, 1)]) is None  # a corner on a straight side
