"""Motion facts from synthetic tracks: right, few, and the same however they are fed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import RecordError
from onlooker.events import motion
from onlooker.events.motion.speed import robust_slopes
from onlooker.methods.detection import load_detector
from onlooker.methods.tracking import load_tracker
from onlooker.records.snapshot import dump_state, load_state
from onlooker.video import Video

WIDTH, HEIGHT = 640, 360
Way = Callable[[float], tuple[float, float, float] | None]


@dataclass
class Walker:
    """A path gives feet x, feet y and height at a time, None when out of sight."""

    path: Way
    jitter: float = 0.0
    unseen: tuple[float, float] = (-1.0, -1.0)


Frame = tuple[float, np.ndarray, np.ndarray, np.ndarray]


def frames(walkers: dict[int, Walker], times: np.ndarray, seed: int = 0) -> Iterator[Frame]:
    rng = np.random.default_rng(seed)
    for time in times.tolist():
        ids, boxes, seen = [], [], []
        for track, walker in walkers.items():
            noise = rng.uniform(-1, 1, 4)
            place = walker.path(time)
            if place is None or walker.unseen[0] <= time < walker.unseen[1]:
                continue
            x, y, h = place
            box = np.array([x - 0.2 * h, y - h, x + 0.2 * h, y]) + walker.jitter * h * noise
            ids.append(track)
            boxes.append(np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT]))
            seen.append(True)
        yield (
            time,
            np.array(ids, np.int64),
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(seen, bool),
        )


def facts_of(walkers: dict[int, Walker], times: np.ndarray, seed: int = 0) -> list[motion.Fact]:
    state, facts = motion.init_state(WIDTH, HEIGHT), []
    for frame in frames(walkers, times, seed):
        more, state = motion.step(state, *frame)
        facts += more
    return facts + motion.finish(state, float(times[-1]))


def of_kind(facts: list[motion.Fact], *kinds: str) -> list[motion.Fact]:
    return [fact for fact in facts if fact.kind in kinds]


def activities(facts: list[motion.Fact]) -> list[str]:
    return [fact.kind for fact in of_kind(facts, "standing", "walking", "running")]


def regular(fps: float, seconds: float) -> np.ndarray:
    return np.arange(0, seconds, 1 / fps)


def line(x: float, y: float, h: float, vx: float = 0.0, vy: float = 0.0) -> Way:
    """Straight motion; velocities in body heights per second."""
    return lambda t: (x + vx * h * t, y + vy * h * t, h)


@pytest.mark.parametrize("fps", [2, 5, 10, 25, 30, 60])
@pytest.mark.parametrize(("speed", "label"), [(0.0, "standing"), (0.8, "walking"), (2.0, "running")])
def test_straight_motion_has_one_label_at_any_frame_rate(fps: float, speed: float, label: str) -> None:
    walker = Walker(line(60, 300, 100, speed), jitter=0.02)
    facts = facts_of({1: walker}, regular(fps, 2.5 if speed > 1 else 6))
    assert activities(facts) == [label]
    headings = of_kind(facts, "heading")
    assert [fact.direction for fact in headings] == ([] if speed == 0 else ["right"])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.05, 0.4), min_size=40, max_size=70))
def test_irregular_frame_times_do_not_change_what_a_walk_is(steps: list[float]) -> None:
    times = np.cumsum(steps)
    facts = facts_of({1: Walker(line(30, 300, 60, 0.7))}, times[times < 13])
    assert activities(facts) == ["walking"]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fps", [5, 10, 30])
def test_five_percent_of_detector_jitter_is_standing(fps: float, seed: int) -> None:
    facts = facts_of({1: Walker(line(300, 300, 120), jitter=0.05)}, regular(fps, 30), seed)
    assert activities(facts) == ["standing"]
    assert not of_kind(facts, "heading", "enter", "leave")
    assert len(of_kind(facts, "dwell")) == 1


def test_walk_stop_walk_is_three_segments_with_times_within_half_a_second() -> None:
    def path(t: float) -> tuple[float, float, float]:
        return (60 + 80 * (min(t, 4) + max(t - 10, 0)), 300, 100)

    facts = facts_of({1: Walker(path, jitter=0.02)}, regular(25, 13))
    assert activities(facts) == ["walking", "standing", "walking"]
    stand = of_kind(facts, "standing")[0]
    assert stand.start == pytest.approx(4, abs=0.5)
    assert stand.end == pytest.approx(10, abs=0.5)
    assert [f.direction for f in of_kind(facts, "heading")] == ["right", "right"]


def test_segments_of_one_person_follow_each_other_without_overlap() -> None:
    def path(t: float) -> tuple[float, float, float]:
        return (320 + 150 * np.sin(0.5 * t), 300, 100)

    parts = of_kind(facts_of({1: Walker(path, jitter=0.03)}, regular(15, 60)), "standing", "walking", "running")
    assert len(parts) > 3
    assert all(a.end <= b.start for a, b in pairwise(parts))


def test_a_u_turn_has_two_headings() -> None:
    facts = facts_of({1: Walker(lambda t: (100 + 80 * (t if t < 4 else 8 - t), 300, 100))}, regular(20, 8))
    assert activities(facts) == ["walking"]
    assert [f.direction for f in of_kind(facts, "heading")] == ["right", "left"]


@pytest.mark.parametrize(
    ("vx", "vy", "name"),
    [(1, 0, "right"), (1, 1, "down-right"), (0, 1, "down"), (-1, 1, "down-left"),
     (-1, 0, "left"), (-1, -1, "up-left"), (0, -1, "up"), (1, -1, "up-right")],
)  # fmt: skip
def test_eight_directions(vx: float, vy: float, name: str) -> None:
    facts = facts_of({1: Walker(line(320, 200, 40, 0.7 * vx, 0.7 * vy))}, regular(20, 4))
    assert [f.direction for f in of_kind(facts, "heading")] == [name]


@pytest.mark.parametrize(("sign", "name"), [(-1, "nearer"), (1, "farther")])
def test_walking_along_the_line_of_sight_is_walking(sign: int, name: str) -> None:
    # focal = width: height 1.7 m at distance d has 640 * 1.7 / d pixels; 1.4 m/s is 0.82 body heights per second
    def path(t: float) -> tuple[float, float, float]:
        distance = (12.0 if sign < 0 else 5.0) + sign * 1.4 * t
        height = 640 * 1.7 / distance
        return (320.0, 180 + 0.5 * height, height)

    facts = facts_of({1: Walker(path, jitter=0.01)}, regular(25, 5))
    assert activities(facts) == ["walking"]
    assert [f.direction for f in of_kind(facts, "heading")] == [name]


def test_legs_that_vanish_behind_a_table_do_not_move_the_person() -> None:
    state, facts = motion.init_state(WIDTH, HEIGHT), []
    for i in range(200):
        bottom = 200.0 if 4 <= i / 20 < 7 else 300.0
        box = np.array([[280, 150, 340, bottom]], np.float32)
        more, state = motion.step(state, i / 20, np.array([1]), box, np.array([True]))
        facts += more
    facts += motion.finish(state, 10.0)
    assert activities(facts) == ["standing"]


def test_occlusion_gaps_do_not_split_a_walk_and_bridged_boxes_measure_nothing() -> None:
    walker = Walker(line(60, 300, 80, 0.7), unseen=(4.0, 5.5))
    facts = facts_of({1: walker}, regular(10, 9))
    assert activities(facts) == ["walking"]
    assert not of_kind(facts, "enter", "leave")

    state, bridged = motion.init_state(WIDTH, HEIGHT), []
    for time, ids, boxes, seen in frames({1: Walker(line(60, 300, 80, 0.7))}, regular(10, 9)):
        gap = 4.0 <= time < 5.5
        more, state = motion.step(state, time, ids, boxes + (300 if gap else 0), seen & (not gap))
        bridged += more
    bridged += motion.finish(state, 8.9)
    assert activities(bridged) == ["walking"]
    walked = of_kind(bridged, "walking")[0]
    assert walked.score == pytest.approx(1 - 15 / 90, abs=0.02)


def test_somebody_hidden_for_long_is_out_of_sight_inside() -> None:
    facts = facts_of({1: Walker(line(300, 300, 80), unseen=(4.0, 12.0))}, regular(10, 18))
    assert [(f.kind, f.direction) for f in of_kind(facts, "enter", "leave")] == [
        ("leave", "inside"),
        ("enter", "inside"),
    ]


@pytest.mark.parametrize("jitter", [0.0, 0.03])
@pytest.mark.parametrize("fps", [5, 10, 30])
@pytest.mark.parametrize(
    ("x", "y", "vx", "vy", "came", "went"),
    [(-40, 250, 90, 0, "left", "right"), (680, 250, -90, 0, "right", "left"),
     (320, -10, 0, 60, "top", "bottom"), (320, 460, 0, -60, "bottom", "top")],
)  # fmt: skip
def test_where_people_come_in_and_go_out(
    x: float, y: float, vx: float, vy: float, came: str, went: str, fps: float, jitter: float
) -> None:
    def path(t: float) -> tuple[float, float, float] | None:
        px, py = x + vx * (t - 2), y + vy * (t - 2)
        inside = -16 < px < WIDTH + 16 and -0 < py < HEIGHT + 80
        return (px, py, 100.0) if t >= 2 and inside else None

    facts = facts_of({1: Walker(path, jitter)}, regular(fps, 16))
    assert [(f.kind, f.direction) for f in of_kind(facts, "enter", "leave")] == [("enter", came), ("leave", went)]


def test_those_who_are_there_at_the_start_and_at_the_end_neither_enter_nor_leave() -> None:
    assert not of_kind(facts_of({1: Walker(line(20, 300, 100, 0.8))}, regular(10, 5)), "enter", "leave")


def test_a_cut_ends_everything_and_nobody_leaves() -> None:
    state, facts = motion.init_state(WIDTH, HEIGHT), []
    for time, *rest in frames({1: Walker(line(100, 300, 100, 0.8))}, regular(10, 4)):
        more, state = motion.step(state, time, *rest)
        facts += more
    more, state = motion.cut(state, 4.0)
    facts += more
    for time, *rest in frames({2: Walker(line(100, 300, 100))}, regular(10, 4)):
        more, state = motion.step(state, 4 + time, *rest)
        facts += more
    facts += motion.finish(state, 8.0)
    assert activities(facts) == ["walking", "standing"]
    assert not of_kind(facts, "enter", "leave")


def test_a_flicker_of_a_track_says_nothing() -> None:
    assert facts_of({1: Walker(lambda t: (300, 300, 90) if 3 <= t < 3.5 else None)}, regular(20, 12)) == []


def test_two_who_walk_side_by_side_are_together_and_those_who_meet_are_not() -> None:
    pair = {1: Walker(line(60, 300, 90, 0.7), 0.02), 2: Walker(line(120, 305, 92, 0.7), 0.02)}
    facts = facts_of(pair, regular(15, 7))
    together = of_kind(facts, "together")
    assert [f.tracks for f in together] == [(1, 2)]
    assert together[0].end - together[0].start > 5
    assert sorted(f.tracks for f in of_kind(facts, "company")) == [(1,), (2,)]

    passing = {1: Walker(line(60, 300, 90, 0.7)), 2: Walker(line(500, 300, 90, -0.7))}
    assert not of_kind(facts_of(passing, regular(15, 7)), "together", "company")
    walker_and_stander = {1: Walker(line(60, 300, 90, 0.7)), 2: Walker(line(300, 300, 90))}
    assert not of_kind(facts_of(walker_and_stander, regular(15, 7)), "together")
    near_and_far = {1: Walker(line(300, 300, 150)), 2: Walker(line(310, 290, 60))}
    assert not of_kind(facts_of(near_and_far, regular(15, 7)), "together")


def test_a_group_of_four_is_one_stretch_of_company_for_each() -> None:
    group = {i: Walker(line(60 + 45 * i, 300, 100, 0.5), 0.02) for i in range(4)}
    facts = facts_of(group, regular(10, 8))
    assert sorted(f.tracks for f in of_kind(facts, "company")) == [(0,), (1,), (2,), (3,)]


CROWD = {
    1: Walker(line(-20, 300, 90, 0.7), 0.03),
    2: Walker(line(40, 305, 92, 0.7), 0.03),
    3: Walker(line(420, 280, 100), 0.05, unseen=(5.0, 6.2)),
    4: Walker(lambda t: (600 - 60 * t, 320, 100) if t > 3 else None, 0.03),
}


def test_snapshots_at_every_frame_change_nothing() -> None:
    times = regular(10, 14)
    whole = facts_of(CROWD, times)
    state, facts = motion.init_state(WIDTH, HEIGHT), []
    for frame in frames(CROWD, times):
        state = load_state(dump_state(state))
        more, state = motion.step(state, *frame)
        facts += more
    facts += motion.finish(state, float(times[-1]))
    assert facts == whole
    tables = motion.to_tables(facts, "v.mp4", "motion/default@none")
    assert tables["segments"].num_rows + tables["events"].num_rows == len(facts)
    assert len(set(tables["events"]["event_id"].to_pylist())) == tables["events"].num_rows


def test_time_shift_size_and_mirror() -> None:
    """Later, larger or mirrored pictures tell the same story (with left and right swapped)."""
    times = regular(10, 14)
    original = [(f.kind, f.tracks, f.direction, round(f.start, 6)) for f in facts_of(CROWD, times)]
    swap = {"left": "right", "right": "left", "up-left": "up-right", "up-right": "up-left",
            "down-left": "down-right", "down-right": "down-left"}  # fmt: skip
    for scale, shift, mirror in ((2.0, 0.0, False), (1.0, 1024.0, False), (1.0, 0.0, True)):
        state, facts = motion.init_state(scale * WIDTH, scale * HEIGHT), []
        for time, ids, boxes, seen in frames(CROWD, times):
            changed = boxes.astype(np.float64)
            if mirror and len(changed):
                changed = np.stack([WIDTH - changed[:, 2], changed[:, 1], WIDTH - changed[:, 0], changed[:, 3]], 1)
            more, state = motion.step(state, time + shift, ids, (scale * changed).astype(np.float32), seen)
            facts += more
        facts += motion.finish(state, float(times[-1]) + shift)
        got = [
            (f.kind, f.tracks, swap.get(f.direction or "", f.direction) if mirror else f.direction,
             round(f.start - shift, 6))
            for f in facts
        ]  # fmt: skip
        assert got == original


def test_state_stays_bounded() -> None:
    state = motion.init_state(WIDTH, HEIGHT)
    sizes = []
    for minute in range(4):
        for time, ids, boxes, seen in frames({0: CROWD[3], 1: Walker(line(330, 282, 100))}, regular(10, 30)):
            _, state = motion.step(state, 40 * minute + time, ids + 10 * minute, boxes, seen)
        sizes.append(len(dump_state(copy.deepcopy(state))))
    assert max(sizes) < 1.1 * sizes[0]


def test_time_must_not_go_back() -> None:
    state = motion.init_state(WIDTH, HEIGHT)
    empty = (np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    _, state = motion.step(state, 2.0, *empty)
    with pytest.raises(RecordError, match="goes back"):
        motion.step(state, 1.0, *empty)


@pytest.mark.real
@pytest.mark.slow
def test_pedestrians_walk_and_come_and_go_by_the_sides(clips: Path) -> None:
    """A campus path that leads through the picture's right border: whatever the detector misses, most people walk."""
    video = Video(clips / "pedestrians_vtest.mp4")
    detector, tracker = load_detector(), load_tracker()
    width, height = video.info.width, video.info.height
    found, tracks = detector.init_state(width, height), tracker.init_state(width, height)
    state, facts = motion.init_state(width, height), []
    for clip in video.chunks(32):
        detections, found = detector.run(clip.images, clip.times, found)
        for image, time, boxes in zip(clip.images, clip.times.tolist(), detections, strict=True):
            seen, tracks = tracker.step(image, time, boxes, tracks)
            more, state = motion.step(state, time, seen.ids, seen.boxes, seen.observed)
            facts += more
    facts += motion.finish(state, float(clip.times[-1]))
    spent = {kind: sum(f.end - f.start for f in of_kind(facts, kind)) for kind in ("walking", "standing", "running")}
    assert spent["walking"] > 2 * spent["standing"]
    assert spent["running"] < 0.02 * spent["walking"]
    ways = [fact.direction for fact in of_kind(facts, "enter", "leave")]
    assert ways.count("right") > 0.5 * len(ways)
    assert "top" not in ways  # a building; at 51 s two people do come in at the lower border
    assert {"left", "right"} <= {fact.direction for fact in of_kind(facts, "heading")}


def test_robust_slopes_ignore_an_outlier() -> None:
    times = np.arange(10.0)
    values = 2 * times
    values[4] = 1000
    assert robust_slopes(times, values[:, None])[0] == pytest.approx(2.0)
