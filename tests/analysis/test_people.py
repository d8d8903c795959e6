"""Summaries of people from tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.analysis.people import collect_people, count_inside, most_at_once, runs_of
from onlooker.records import SCHEMAS


def tracks(rows):
    """Rows of (track, frame, time, box) or (..., score, observed)."""
    full = [
        {
            "video": "v",
            "track_id": row[0],
            "frame": row[1],
            "time": row[2],
            **dict(zip(("x1", "y1", "x2", "y2"), row[3], strict=True)),
            "label": "person",
            "score": row[4] if len(row) > 4 else None,
            "observed": row[5] if len(row) > 5 else None,
            "source": "test",
        }
        for row in rows
    ]
    return pa.Table.from_pylist(full, schema=SCHEMAS["tracks"])


def segments(rows):
    full = [
        {"video": "v", "track_id": t, "start": a, "end": b, "label": label, "source": "test"} for t, a, b, label in rows
    ]
    return pa.Table.from_pylist(full, schema=SCHEMAS["segments"])


BOX = (10.0, 20.0, 30.0, 80.0)


def test_people_come_in_order_of_appearance_with_their_rows_in_order_of_time():
    table = tracks([(1, 9, 0.9, BOX), (5, 3, 0.3, BOX), (1, 8, 0.8, BOX), (5, 2, 0.2, BOX)])
    people = collect_people(table, segments([]))
    assert [p.track_id for p in people] == [5, 1]
    assert people[0].frames.tolist() == [2, 3]
    assert people[1].times.tolist() == [0.8, 0.9]


def test_a_long_gap_ends_a_visit_and_a_short_one_does_not():
    times = [0.0, 0.1, 1.5, 1.6, 4.0, 4.1]
    (person,) = collect_people(tracks([(1, round(10 * t), t, BOX) for t in times]), segments([]))
    assert [(round(a, 6), round(b, 6)) for a, b in person.visits] == [(0.0, 1.7), (4.0, 4.2)]
    assert person.seconds == pytest.approx(1.9)


def test_one_frame_is_a_visit():
    (person,) = collect_people(tracks([(1, 0, 0.5, BOX)]), segments([]))
    assert person.visits == [(0.5, 0.5)]
    assert person.feet.tolist() == [[20.0, 80.0]]


def test_activities_belong_to_their_person_and_unassigned_segments_to_nobody():
    doing = segments([(1, 2.0, 3.0, "walking"), (None, 0.0, 9.0, "black"), (1, 0.0, 2.0, "standing")])
    (person,) = collect_people(tracks([(1, 0, 0.0, BOX)]), doing)
    assert person.activities == [(0.0, 2.0, "standing"), (2.0, 3.0, "walking")]


def test_the_best_view_is_large_sure_and_seen():
    small, large = (0, 0, 10, 20), (0, 0, 40, 80)
    rows = [(1, 0, 0.0, small, 0.9, True), (1, 1, 0.1, large, 0.9, False), (1, 2, 0.2, large, 0.8, True)]
    (person,) = collect_people(tracks(rows), segments([]))
    assert person.best_frame() == 2


def test_no_tables_no_people():
    assert collect_people(tracks([]), segments([])) == []
    assert most_at_once([]) == 0
    assert count_inside([], np.array([0.0, 1.0])).tolist() == [0, 0]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=8))
def test_counting_agrees_with_counting_one_by_one(stays):
    rows = [(k, f, f / 10, BOX) for k, (first, count) in enumerate(stays) for f in range(first, first + count)]
    people = collect_people(tracks(rows), segments([]))
    times = np.arange(0, 75) / 10 + 0.05
    expected = [sum(first / 10 <= t < p.visits[0][1] for p in people for first in [p.frames[0]]) for t in times]
    assert count_inside(people, times).tolist() == expected
    assert most_at_once(people) >= max(expected)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_runs_rebuild_what_they_describe(values):
    array = np.array(values, np.int64)
    assert [v for value, first, last in runs_of(array) for v in [value] * (last - first)] == values
