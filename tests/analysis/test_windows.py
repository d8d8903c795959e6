"""Sliding windows: which frames, which time, whatever the chunks."""

from __future__ import annotations

import copy
import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.analysis import windows
from onlooker.analysis.windows import Grid, Moment, Window
from onlooker.records.snapshot import dump_state, load_state

NOBODY = np.zeros(0, np.int64), np.zeros((0, 4), np.float32)


def walk(times: list[float], end: float, grid: Grid, cuts: tuple[int, ...] = ()) -> list[Window]:
    """All windows of frames at these times."""
    state, found = windows.start(), []
    ends = [*times[1:], end]
    for index, (time, until) in enumerate(zip(times, ends, strict=True)):
        found += windows.step(state, grid, Moment(index, *NOBODY), time, until, cut=index in cuts)
        state = load_state(dump_state(state))  # as after a kill
    return found + windows.finish(state, grid)


def frames_of(window: Window) -> list[int]:
    return [moment.index for moment in window.moments]


def test_windows_look_at_the_middles_of_equal_parts_as_prediction_does() -> None:
    grid = Grid.of(frames=4, seconds=4.0, step=2.0)
    first, second, third = walk([k / 10 for k in range(80)], 8.0, grid)
    assert frames_of(first) == [5, 15, 25, 35]
    assert frames_of(second) == [25, 35, 45, 55]
    assert [(w.start, w.end) for w in (first, second, third)] == [(0.0, 3.0), (3.0, 5.0), (5.0, 8.0)]


def test_a_rest_is_told_by_a_window_shifted_back() -> None:
    *_, last = walk([k / 10 for k in range(75)], 7.5, Grid.of(frames=4, seconds=4.0, step=4.0))
    assert (last.start, last.end) == (4.0, 7.5)
    assert frames_of(last) == [35, 45, 55, 65]


def test_a_video_shorter_than_a_window_is_one_window_and_one_frame_too() -> None:
    grid = Grid.of(frames=4, seconds=4.0)
    (only,) = walk([k / 10 for k in range(20)], 2.0, grid)
    assert (only.start, only.end, frames_of(only)) == (0.0, 2.0, [5, 15])
    (single,) = walk([0.0], 0.1, grid)
    assert (single.start, single.end, frames_of(single)) == (0.0, 0.1, [0])


def test_no_window_looks_across_a_cut() -> None:
    found = walk([k / 10 for k in range(100)], 10.0, Grid.of(frames=4, seconds=2.0), cuts=(33,))
    assert all(max(frames_of(w)) < 33 or min(frames_of(w)) >= 33 for w in found)
    assert 3.3 in [w.end for w in found]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.floats(0.01, 0.7), min_size=1, max_size=60),
    frames=st.integers(1, 9),
    seconds=st.floats(0.2, 6.0),
    step=st.floats(0.1, 9.0),
    cut=st.integers(0, 60),
)
def test_cells_tile_the_time_and_hold_moments_of_their_window(
    steps: list[float], frames: int, seconds: float, step: float, cut: int
) -> None:
    edges = np.concatenate([[0.0], np.cumsum(steps)]).tolist()
    found = walk(edges[:-1], edges[-1], Grid.of(frames, seconds, step), cuts=(cut,))
    assert found[0].start == 0.0
    for before, after in itertools.pairwise(found):
        assert abs(before.end - after.start) <= seconds / frames  # at a cut less than a moment may be left
    assert edges[-1] - found[-1].end <= seconds / frames
    for window in found:
        assert 1 <= len(window.moments) <= frames
        assert 0 <= window.first < window.last <= len(window.moments)
        assert frames_of(window) == sorted(frames_of(window))


def test_who_is_in_a_window_and_when() -> None:
    one = np.array([[0, 0, 10, 20]], np.float32)
    both = np.array([[0, 0, 10, 20], [0, 0, 40, 40]], np.float32)
    moments = (
        Moment(0, np.array([7]), one), Moment(1, np.array([7, 9]), both), Moment(2, *NOBODY), Moment(3, *NOBODY)
    )  # fmt: skip
    window = Window(moments, 1, 4, 0.0, 1.0)
    assert windows.tracks_in(window, 5) == ([9, 7], 2)
    assert windows.tracks_in(window, 1) == ([9], 2)
    assert list(windows.boxes_of(window, 7)) == [0, 1]
    assert windows.nearest([0, 1], np.arange(4)) == [0, 1, 1, 1]


def test_the_state_holds_no_more_than_a_window() -> None:
    grid, state = Grid.of(4, 1.0), windows.start()
    for index in range(500):
        windows.step(state, grid, Moment(index, *NOBODY), index / 10, (index + 1) / 10)
        assert len(copy.deepcopy(state)["held"]) <= 4
