"""Samplers: what they must hold for any duration and count, and what others' samplers give for the same requests."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.video.sampling import (
    Interval,
    constant_clips,
    dense_windows,
    even_times,
    fit,
    frames_at,
    frames_between,
    random_clips,
    segment_frames,
    spatial_crops,
    strided_frames,
    subsample,
    uniform_clips,
    views,
)

seconds = st.floats(0.05, 500)
counts = st.integers(1, 60)
seeds = st.integers(0, 2**32 - 1)


@given(duration=seconds, clip=seconds, overlap=st.floats(0.05, 1.5), last=st.sampled_from(["drop", "back"]))
def test_uniform_clips(duration: float, clip: float, overlap: float, last: str) -> None:
    stride = clip * overlap
    if duration / stride > 5000:
        return
    clips = uniform_clips(duration, clip, stride=stride, last=last)  # type: ignore[arg-type]
    assert clips[0].start == 0
    starts = np.array([c.start for c in clips])
    assert (np.diff(starts) > 0).all()
    np.testing.assert_allclose([c.end - c.start for c in clips], clip, rtol=1e-9)
    if clip <= duration:
        assert all(c.end <= duration * (1 + 1e-9) for c in clips)
        missing = duration - clips[-1].end
        assert missing < stride * (1 + 1e-6) if last == "drop" else missing <= 1e-6 * duration
    else:
        assert clips == [Interval(0.0, clip)]


@given(duration=seconds, clip=seconds, count=counts, seed=seeds)
def test_random_and_constant_clips(duration: float, clip: float, count: int, seed: int) -> None:
    some = random_clips(duration, clip, count, generator=seed)
    assert some == random_clips(duration, clip, count, generator=np.random.default_rng(seed))
    fixed = constant_clips(duration, clip, count)
    assert len(some) == len(fixed) == count
    for start, end in [*some, *fixed]:
        assert 0 <= start <= max(duration - clip, 0) * (1 + 1e-9)
        assert end - start == pytest.approx(clip)
    assert [c.start for c in fixed] == sorted(c.start for c in fixed)
    if count > 1 and clip <= duration:
        assert fixed[0].start == 0
        assert fixed[-1].end == pytest.approx(duration)


def test_random_clips_reach_everywhere() -> None:
    starts = np.array([c.start for c in random_clips(10.0, 2.0, 4000, generator=3)])
    assert np.histogram(starts, bins=8, range=(0, 8))[0].min() > 400
    assert random_clips(10.0, 2.0, 5, generator=1) != random_clips(10.0, 2.0, 5, generator=2)


@pytest.mark.real
def test_same_clips_as_the_recorded_ones(parity: Path) -> None:
    cases = json.loads((parity / "pytorchvideo" / "functional" / "clip_sampling.json").read_text())
    for case in cases["uniform"]:
        clip, duration = Fraction(case["clip_duration"]), Fraction(case["video_duration"])
        stride = None if case["stride"] is None else float(Fraction(case["stride"]))
        last = "back" if case["backpad_last"] else "drop"
        ours = uniform_clips(float(duration), float(clip), stride=stride, last=last)
        np.testing.assert_allclose(ours, [c[:2] for c in case["clips"]], atol=1e-6)
    for case in cases["constant_clips_per_video"]:
        clip, duration = float(Fraction(case["clip_duration"])), float(Fraction(case["video_duration"]))
        ours = constant_clips(duration, clip, case["clips_per_video"])
        theirs = [c[:2] for c in case["clips"] if c[3] == 0]
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@given(count=counts, window=counts, step=st.integers(1, 8), at=st.sampled_from(["start", "center", "end"]))
def test_dense_windows(count: int, window: int, step: int, at: str) -> None:
    windows = dense_windows(count, window, step=step, at=at)  # type: ignore[arg-type]
    assert windows.shape == (len(range(0, count, step)), window)
    assert windows.min() >= 0
    assert windows.max() < count
    assert (np.diff(windows, axis=1) >= 0).all()
    place = {"start": 0, "center": window // 2, "end": window - 1}[at]
    np.testing.assert_array_equal(windows[:, place], np.arange(0, count, step))
    if step == 1:
        assert set(windows.ravel().tolist()) == set(range(count))


@given(count=st.integers(1, 500), segments=st.integers(1, 80), seed=seeds)
def test_segments(count: int, segments: int, seed: int) -> None:
    middle, drawn = segment_frames(count, segments), segment_frames(count, segments, generator=seed)
    np.testing.assert_array_equal(drawn, segment_frames(count, segments, generator=seed))
    for frames in (middle, drawn):
        assert frames.shape == (segments,)
        assert (np.diff(frames) >= 0).all()
        assert frames.min() >= 0
        assert frames.max() < count
    size = (count - 1) / segments
    low = np.array([round(size * i) for i in range(segments)])
    high = np.array([round(size * (i + 1)) for i in range(segments)])
    assert ((low <= drawn) & (drawn <= high)).all()


def test_segments_draw_both_ends() -> None:
    drawn = np.array([segment_frames(9, 4, generator=seed) for seed in range(300)])
    assert [set(column.tolist()) for column in drawn.T] == [{0, 1, 2}, {2, 3, 4}, {4, 5, 6}, {6, 7, 8}]


@given(count=st.integers(1, 300), frames=counts, stride=st.integers(1, 20), seed=seeds)
def test_strided(count: int, frames: int, stride: int, seed: int) -> None:
    for chosen in (
        strided_frames(count, frames, stride),
        strided_frames(count, frames, stride, generator=seed),
        strided_frames(count, frames, stride, short="loop"),
    ):
        assert chosen.shape == (frames,)
        assert chosen.min() >= 0
        assert chosen.max() < count
    chosen = strided_frames(count, frames, stride, generator=seed)
    assert (np.diff(chosen) >= 0).all()
    if (frames - 1) * stride < count:
        assert (np.diff(chosen) == stride).all()


@given(frames=st.lists(st.integers(0, 100), min_size=1, max_size=30), count=st.integers(1, 100))
def test_fit(frames: list[int], count: int) -> None:
    wanted = np.array(sorted(frames))
    for short in ("repeat", "loop"):
        fitted = fit(wanted, count, short=short)  # type: ignore[arg-type]
        assert fitted.shape == wanted.shape
        assert fitted.max() < count
        there = wanted < count
        np.testing.assert_array_equal(fitted[there], wanted[there])


@given(start=st.floats(0, 1000), length=st.floats(0.01, 100), count=counts, seed=seeds)
def test_even_times(start: float, length: float, count: int, seed: int) -> None:
    interval = Interval(start, start + length)
    middle, drawn = even_times(interval, count), even_times(interval, count, generator=seed)
    np.testing.assert_array_equal(drawn, even_times(interval, count, generator=seed))
    for times in (middle, drawn):
        assert ((times >= interval.start) & (times < interval.end)).all()
        assert (np.diff(times) >= 0).all()
    np.testing.assert_allclose(np.diff(middle), (interval.end - interval.start) / count, rtol=1e-5)
    part = np.floor((drawn - start) / ((interval.end - interval.start) / count) + 1e-9)
    assert (np.abs(part - np.arange(count)) <= 1).all()


@given(count=st.integers(1, 300), wanted=st.integers(1, 100))
def test_subsample(count: int, wanted: int) -> None:
    chosen = subsample(count, wanted)
    assert chosen[0] == 0
    assert wanted == 1 or chosen[-1] == count - 1
    assert (np.diff(chosen) >= 0).all()
    assert wanted != count or chosen.tolist() == list(range(count))


@given(steps=st.lists(st.floats(0.001, 5), min_size=1, max_size=40), data=st.data())
def test_frames_of_any_rate(steps: list[float], data: st.DataObject) -> None:
    times = np.cumsum([0.0, *steps])
    moment = data.draw(st.floats(-1, float(times[-1]) + 3))
    (shown,) = frames_at(times, [moment])
    expected = max((i for i, t in enumerate(times) if t <= moment + 1e-9), default=0)
    assert shown == expected
    end = data.draw(st.floats(0, 100)) + moment
    inside = frames_between(times.tolist(), Interval(moment, end))
    assert list(inside) == [i for i, t in enumerate(times) if moment - 1e-9 < t <= end - 1e-9]
    np.testing.assert_array_equal(frames_at(times, times), np.arange(len(times)))


@given(width=st.integers(8, 4000), height=st.integers(8, 4000), count=st.integers(1, 7))
def test_crops(width: int, height: int, count: int) -> None:
    boxes = [crop.pixels(width, height) for crop in spatial_crops(width, height, count)]
    short = min(width, height)
    for x1, y1, x2, y2 in boxes:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert (x2 - x1, y2 - y1) == (short, short)
    if count == 1:
        assert abs(boxes[0][0] + boxes[0][2] - width) <= 1
        assert abs(boxes[0][1] + boxes[0][3] - height) <= 1
    else:
        assert boxes[0][:2] == (0, 0)
        assert boxes[-1][2:] == (width, height)


def test_views() -> None:
    ten_by_three = views(10.0, 2.0, (640, 360), clips=10, crops=3)
    assert len(ten_by_three) == 30
    assert [v.interval for v in ten_by_three[::3]] == constant_clips(10.0, 2.0, 10)
    assert [v.crop for v in ten_by_three[:3]] == spatial_crops(640, 360, 3)
    assert [v.interval for v in views(10.0, 2.0, (640, 360))] == [Interval(4.0, 6.0)] * 3


def test_wrong_requests() -> None:
    for wrong in (
        lambda: uniform_clips(0.0, 1.0),
        lambda: uniform_clips(5.0, 1.0, stride=0.0),
        lambda: random_clips(float("nan"), 1.0, 1, generator=0),
        lambda: constant_clips(5.0, -1.0, 2),
        lambda: segment_frames(0, 3),
        lambda: strided_frames(10, 4, 0),
        lambda: even_times(Interval(2.0, 2.0), 3),
        lambda: frames_at([], [0.0]),
        lambda: spatial_crops(10, 10, 0),
    ):
        with pytest.raises(ConfigError):
            wrong()
