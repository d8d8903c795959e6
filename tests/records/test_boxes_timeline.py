"""Overlaps, conventions, and the three ways to say when."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, RecordError
from onlooker.records import boxes as b
from onlooker.records.timeline import (
    Segment,
    boundaries_to_segments,
    frame_edges,
    intervals_iou,
    labels_to_segments,
    segments_to_boundaries,
    segments_to_labels,
)

box = st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(0, 60)] * 2).map(
    lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
)


def test_known_overlaps() -> None:
    found = b.iou([[0, 0, 2, 2], [0, 0, 0, 0]], [[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [0, 0, 0, 0]])
    assert found.tolist() == [[1, 1 / 7, 0, 0], [0, 0, 0, 0]]
    assert b.cover([[0, 0, 2, 2]], [[1, 0, 9, 9]]).tolist() == [[0.5]]
    assert b.iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert b.area([[0, 0, 2, 3], [2, 2, 0, 0]]).tolist() == [6, 0]


@given(st.lists(box, max_size=4), st.lists(box, max_size=4))
def test_overlap_is_symmetric_and_bounded(left: list[tuple[float, ...]], right: list[tuple[float, ...]]) -> None:
    found = b.iou(left, right)
    assert found.shape == (len(left), len(right))
    assert np.allclose(found, b.iou(right, left).T)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-9).all()


@given(st.lists(box, min_size=1, max_size=4), st.sampled_from(["xyxy", "xywh", "mot", "inclusive", "cxcywh", "unit"]))
def test_every_form_goes_there_and_back(found: list[tuple[float, ...]], form: b.Form) -> None:
    assert np.allclose(b.to_xyxy(b.from_xyxy(found, form, (640, 480)), form, (640, 480)), found, atol=1e-9)


def test_the_same_box_in_every_form() -> None:
    for form, values in {
        "xywh": [0, 0, 10, 20],
        "mot": [1, 1, 10, 20],
        "inclusive": [0, 0, 9, 19],
        "cxcywh": [5, 10, 10, 20],
        "unit": [0, 0, 0.1, 0.4],
    }.items():
        assert np.allclose(b.to_xyxy([values], form, (100, 50)), [[0, 0, 10, 20]])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="size"):
        b.to_xyxy([[0, 0, 1, 1]], "unit")


times = st.lists(st.floats(0.01, 2), min_size=1, max_size=12).map(lambda steps: np.cumsum(steps).tolist())


@given(times, st.data())
def test_labels_survive_as_segments(moments: list[float], data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=len(moments), max_size=len(moments)))
    segments = labels_to_segments(labels, moments)
    if len(moments) > 1:  # a lone frame has no length
        assert segments_to_labels(segments, moments) == labels
    assert all(x.end <= y.start for x, y in itertools.pairwise(segments))


def test_variable_frame_rate_and_the_last_frame() -> None:
    assert frame_edges([0, 1, 4]).tolist() == [0, 1, 4, 7]
    assert frame_edges([]).tolist() == []
    assert labels_to_segments(["a", "b", "b"], [0, 1, 4]) == [Segment(0, 1, "a"), Segment(1, 7, "b")]
    with pytest.raises(RecordError, match="backwards"):
        frame_edges([1, 0])
    with pytest.raises(RecordError, match="2 labels for 3 frames"):
        labels_to_segments(["a", "b"], [0, 1, 2])
    with pytest.raises(RecordError, match="after its end"):
        segments_to_labels([Segment(2, 1, "a")], [0])


def test_boundaries() -> None:
    segments = boundaries_to_segments([5, 2, 2, 99], 0, 6)
    assert [(s.start, s.end) for s in segments] == [(0, 2), (2, 5), (5, 6)]
    assert segments_to_boundaries(segments).tolist() == [0, 2, 5, 6]
    assert boundaries_to_segments([], 3, 3) == []


def test_interval_overlap() -> None:
    assert intervals_iou([[0, 2]], [[1, 3], [2, 3], [0, 2]]).tolist() == [[1 / 3, 0, 1]]
