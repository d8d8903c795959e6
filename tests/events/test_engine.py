"""Zones and lines: the numbered tests of the event engine's specification (9 and 10 are in test_ownership.py)."""

from __future__ import annotations

import gc
import json
import sys
import time as clock
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import RecordError, StorageError
from onlooker.events import Detection, Event, EventEngine, Merge, Packet, Rules, Swap, events_table, parse_rules

WIDTH, HEIGHT = 640, 480
DIAGONAL = 800.0

LINE = parse_rules({"lines": [{"name": "line", "start": [0.5, 0.8], "end": [0.5, 0.2]}]})  # left of upwards is left
ZONE = {"name": "zone", "polygon": [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]}
INSIDE, OUTSIDE = (320.0, 240.0), (80.0, 240.0)

Place = Callable[[float], tuple[float, float] | None]


def person(track: int | None, x: float, y: float, *, score: float = 1.0, person_id: str | None = None) -> Detection:
    """Someone whose feet are at x, y."""
    return Detection(track, "person", score, (x - 20, y - 100, x + 20, y), person_id=person_id)


def film(places: dict[int, Place], times: Iterable[float]) -> list[Packet]:
    packets = []
    for seq, time in enumerate(times):
        seen = [(track, place(time)) for track, place in places.items()]
        people = tuple(person(track, *xy) for track, xy in seen if xy is not None)
        packets.append(Packet("camera", seq, float(time), WIDTH, HEIGHT, people))
    return packets


def run(rules: Rules, packets: Iterable[Packet]) -> list[Event]:
    engine = EventEngine(rules)
    events = [event for packet in packets for event in engine.step(packet)]
    return events + engine.finish()


def kinds(events: list[Event]) -> list[str]:
    """What happened, each once, in order."""
    return [event.type for event in events if event.version == 1]


def walk(start: float, speed: float, y: float = 240.0) -> Place:
    return lambda t: (start + speed * t, y)


def regular(fps: float, seconds: float) -> list[float]:
    return [i / fps for i in range(int(seconds * fps) + 1)]


# --- 1 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [5, 10, 30])
def test_1_a_straight_walk_is_one_crossing_at_the_right_time(fps: float) -> None:
    events = run(LINE, film({1: walk(100, 100)}, regular(fps, 5)))
    assert [(e.type, e.direction) for e in events] == [("line_cross", "out")]
    assert events[0].start == pytest.approx(2.2, abs=0.5 / fps)
    assert events[0].confirm > events[0].start
    assert (events[0].x, events[0].y) == (pytest.approx(320), pytest.approx(240))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.02, 0.3), min_size=40, max_size=80))
def test_1_also_at_irregular_frame_times(steps: list[float]) -> None:
    times = np.cumsum(steps).tolist()
    span = times[-1] - times[0]
    events = run(LINE, film({1: lambda t: (120 + 400 * (t - times[0]) / span, 240)}, times))
    assert kinds(events) == ["line_cross"]
    assert events[0].start == pytest.approx(times[0] + span / 2, abs=0.15)


# --- 2 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_2_a_minute_of_jitter_on_the_line_is_at_most_one_crossing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = regular(30, 60)
    noise = rng.uniform(-3, 3, len(times))
    packets = film({1: lambda t: (320 + noise[round(30 * t)], 240)}, times)
    assert len(run(LINE, packets)) <= 1
    sides = np.sign(noise)
    assert (np.diff(sides) != 0).sum() > 500  # what counting changes of sign would say


# --- 3 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("observations", "away"), [(2, 1), (3, 1), (3, 2)])
def test_3_a_flicker_to_the_far_side_is_nothing(observations: int, away: int) -> None:
    rules = parse_rules({"lines": [LINE.lines[0].model_dump() | {"observations": observations}]})
    times = regular(10, 6)
    packets = film({1: lambda t: (420 if 3 <= t < 3 + away / 10 else 220, 240)}, times)
    assert run(rules, packets) == []


# --- 4 ----------------------------------------------------------------------------------------------------------------


def test_4_around_the_end_of_the_line_is_no_crossing() -> None:
    assert run(LINE, film({1: walk(100, 100, y=450)}, regular(10, 5))) == []
    assert kinds(run(LINE, film({1: walk(100, 100, y=380)}, regular(10, 5)))) == ["line_cross"]


def test_4_touch_and_return_is_nothing() -> None:
    def path(t: float) -> tuple[float, float]:
        return (220 + 100 * min(t, 2 - t), 240) if t < 2 else (220, 240)

    assert run(LINE, film({1: path}, regular(20, 4))) == []
    assert run(LINE, film({1: lambda t: (path(t)[0] + 4, 240)}, regular(20, 4))) == []  # 4 px beyond, in the dead band


def test_4_a_u_turn_is_out_and_in() -> None:
    events = run(LINE, film({1: lambda t: (220 + 100 * min(t, 4 - t), 240)}, regular(20, 4)))
    assert [e.direction for e in events] == ["out", "in"]
    assert [e.start for e in events] == [pytest.approx(1.0), pytest.approx(3.0)]


def test_4_through_the_line_back_around_and_around_again_is_one_crossing() -> None:
    def path(t: float) -> tuple[float, float]:
        corners = [(260, 240), (380, 240), (380, 460), (260, 460), (260, 240), (260, 460), (380, 460), (380, 240)]
        i = min(int(t), len(corners) - 2)
        a, b = np.array(corners[i]), np.array(corners[i + 1])
        return tuple(a + (b - a) * min(t - i, 1.0))  # type: ignore[return-value]

    assert [e.direction for e in run(LINE, film({1: path}, regular(20, 8)))] == ["out"]


def test_a_queue_on_the_line_and_options_that_limit_counting() -> None:
    def path(t: float) -> tuple[float, float]:
        return 320 + 60 * np.sin(2 * np.pi * t / 4), 240

    def count(**options: object) -> int:
        rules = parse_rules({"lines": [LINE.lines[0].model_dump() | options]})
        return len(run(rules, film({1: path}, regular(20, 16))))

    assert count() == 7  # on the line every 2 s, but not settled before the first nor after the last time
    assert count(once_per_track=True) == 1
    assert count(cooldown_s=3.0) == 4


# --- 5 ----------------------------------------------------------------------------------------------------------------


def test_5_negative_ids_are_refused_and_unconfirmed_things_make_no_events() -> None:
    engine = EventEngine(LINE)
    with pytest.raises(RecordError, match="track id -1 is negative: give None"):
        engine.step(Packet("camera", 0, 0.0, WIDTH, HEIGHT, (person(-1, 10, 100),)))
    with pytest.raises(RecordError, match="occurs twice"):
        engine.step(Packet("camera", 0, 0.0, WIDTH, HEIGHT, (person(1, 10, 100), person(1, 90, 100))))
    with pytest.raises(RecordError, match="not finite"):
        engine.step(Packet("camera", 0, 0.0, WIDTH, HEIGHT, (person(1, float("nan"), 100),)))

    rules = parse_rules({"zones": [ZONE], "lines": [LINE.lines[0].model_dump()]})
    packets = [
        replace(p, detections=(person(None, 100 + 20 * i, 240), person(None, 540 - 20 * i, 240)))
        for i, p in enumerate(film({}, regular(10, 2)))
    ]
    assert run(rules, packets) == []


# --- 6 ----------------------------------------------------------------------------------------------------------------


def visit(hidden: float, *, until: float = 12.0, **zone: object) -> list[Event]:
    """Walks in at 2 s, vanishes at 5 s for a while, stays."""
    rules = parse_rules({"zones": [ZONE | zone]})

    def path(t: float) -> tuple[float, float] | None:
        return None if 5 <= t < 5 + hidden else (OUTSIDE if t < 2 else INSIDE)

    return run(rules, film({1: path}, regular(10, until)))


def test_6_a_short_occlusion_is_no_exit_and_a_long_one_is_exit_lost() -> None:
    assert kinds(visit(1.5)) == ["zone_enter"]
    events = visit(2.5)
    assert kinds(events) == ["zone_enter", "zone_exit", "zone_appear"]
    gone = next(e for e in events if e.type == "zone_exit")
    assert (gone.reason, gone.confidence, gone.start) == ("lost", 0.5, pytest.approx(4.9))


def test_6_dwell_counts_only_observed_time() -> None:
    whole = next(e for e in visit(0.0, dwell_s=5.0) if e.type == "dwell")
    assert whole.start == pytest.approx(2.0)
    assert whole.confirm == pytest.approx(7.0)
    paused = next(e for e in visit(0.8, dwell_s=5.0) if e.type == "dwell")
    assert paused.confirm == pytest.approx(7.9)  # the missing frames and the step back into view do not count
    again = next(e for e in visit(1.5, dwell_s=5.0) if e.type == "dwell")
    assert again.confirm == pytest.approx(6.5 + 5.0)  # beyond the tolerance the timer starts over
    patient = next(e for e in visit(1.5, dwell_s=5.0, dwell_tolerance_s=1.8) if e.type == "dwell")
    assert patient.confirm == pytest.approx(8.6)


def test_a_visit_is_opened_and_closed_and_dwells_once() -> None:
    rules = parse_rules({"zones": [ZONE | {"dwell_s": 1.0}]})
    events = run(rules, film({1: lambda t: INSIDE if 1 <= t < 5 else OUTSIDE}, regular(10, 8)))
    assert [(e.type, e.state, e.version) for e in events] == [
        ("zone_enter", "opened", 1),
        ("dwell", "opened", 1),
        ("zone_enter", "closed", 2),
        ("dwell", "closed", 2),
        ("zone_exit", "closed", 1),
    ]
    enter, exited = events[2], events[4]
    assert (enter.start, enter.end, exited.start) == (1.0, 5.0, 5.0)
    assert enter.confirm == pytest.approx(5.5)
    assert events_table(events, "v", "events/default@none").num_rows == 5


def test_first_seen_inside_is_an_appearance_unless_told_otherwise() -> None:
    packets = film({1: lambda t: INSIDE}, regular(10, 2))
    events = run(parse_rules({"zones": [ZONE]}), packets)
    assert (events[0].type, events[0].confidence) == ("zone_appear", 0.8)
    assert kinds(run(parse_rules({"zones": [ZONE | {"appear_as_enter": True}]}), packets)) == ["zone_enter"]


@pytest.mark.parametrize("seed", range(4))
def test_jitter_on_a_zone_edge_keeps_the_state(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-3.5, 3.5, 2000)

    def path(t: float) -> tuple[float, float]:
        return OUTSIDE if t < 1 else (160 + noise[round(30 * t)], 240)

    assert run(parse_rules({"zones": [ZONE]}), film({1: path}, regular(30, 60))) == []


def test_low_scores_class_filters_and_holes_and_overlap() -> None:
    packets = film({1: lambda t: OUTSIDE if t < 1 else INSIDE}, regular(10, 4))
    assert kinds(run(parse_rules({"zones": [ZONE | {"classes": ["car"]}]}), packets)) == []
    hole = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
    assert kinds(run(parse_rules({"zones": [ZONE | {"holes": [hole]}]}), packets)) == []
    faint = [replace(p, detections=tuple(replace(d, score=0.3) for d in p.detections)) for p in packets]
    assert kinds(run(parse_rules({"zones": [ZONE | {"score_min": 0.5}]}), faint)) == []
    assert kinds(run(parse_rules({"zones": [ZONE | {"overlap": 0.9}]}), packets)) == ["zone_enter"]
    # feet inside, but most of the box above the zone's upper edge
    high = film({1: lambda t: (80, 130) if t < 1 else (320, 130)}, regular(10, 4))
    assert kinds(run(parse_rules({"zones": [ZONE]}), high)) == ["zone_enter"]
    assert kinds(run(parse_rules({"zones": [ZONE | {"overlap": 0.5}]}), high)) == []


# --- 7 ----------------------------------------------------------------------------------------------------------------

STORY: dict[int, Place] = {
    1: walk(100, 60),
    2: lambda t: (540 - 70 * t, 260) if t < 5 else None,
    3: lambda t: INSIDE if 2 < t < 6 else OUTSIDE,
}
BOTH = parse_rules({"zones": [ZONE | {"dwell_s": 2.0}], "lines": [LINE.lines[0].model_dump()]})


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 0.19), min_size=101, max_size=101))
def test_7_packets_shuffled_within_the_buffer_give_identical_events(delays: list[float]) -> None:
    packets = film(STORY, regular(10, 10))
    order = sorted(range(len(packets)), key=lambda i: packets[i].pts + delays[i])
    assert run(BOTH, [packets[i] for i in order]) == run(BOTH, packets)


def test_7_late_and_doubled_packets_are_counted_and_change_nothing() -> None:
    packets = film(STORY, regular(10, 10))
    straight = run(BOTH, packets)
    disturbed = [*packets[:40], packets[20], packets[39], *packets[40:60], packets[10], *packets[60:]]
    engine = EventEngine(BOTH)
    events = [event for packet in disturbed for event in engine.step(packet)]
    counters = engine.counters("camera")
    assert events + engine.finish() == straight
    assert counters == {"late": 0, "duplicate": 3, "gap": 0, "restart": 0}

    held_back = [*packets[:30], *packets[31:40], packets[30], *packets[40:]]
    engine = EventEngine(BOTH)
    for packet in held_back:
        engine.step(packet)
    assert engine.counters("camera")["late"] == 1


def test_7_a_backwards_jump_of_an_hour_flushes_once() -> None:
    packets = film({3: STORY[3]}, regular(10, 5))
    later = [replace(p, pts=p.pts + 3600) for p in packets]
    again = [replace(p, seq=p.seq + len(packets)) for p in packets]
    engine = EventEngine(BOTH)
    events = [event for packet in [*later, *again] for event in engine.step(packet)] + engine.finish()
    closed = [e for e in events if e.reason == "discontinuity"]
    assert sorted(e.type for e in closed) == ["dwell", "zone_enter"]
    assert all(e.end is not None and e.end >= e.start and e.epoch == 0 for e in closed)
    assert {e.epoch for e in events} == {0, 1}
    assert len({e.event_id for e in events}) == 4


def test_7_a_gap_pauses_timers_and_cancels_what_is_not_certain() -> None:
    rules = parse_rules({"zones": [ZONE | {"dwell_s": 3.0, "enter_s": 1.0}]})
    times = [*regular(10, 1.5), *[31.5 + t for t in regular(10, 5)]]
    events = run(rules, film({1: lambda t: OUTSIDE if t < 1 else INSIDE}, times))
    assert [(e.type, round(e.start, 3)) for e in events if e.version == 1] == [("zone_enter", 31.5), ("dwell", 31.5)]
    assert next(e for e in events if e.type == "dwell").confirm == pytest.approx(34.5)


def test_a_crossing_that_fell_into_a_gap_is_not_invented() -> None:
    times = [*regular(10, 2), *[12 + t for t in regular(10, 2)]]
    assert run(LINE, film({1: lambda t: (220 if t < 5 else 420, 240)}, times)) == []


# --- 8 ----------------------------------------------------------------------------------------------------------------


def test_8_an_id_switch_during_dwell_is_one_visit_with_a_soft_link_and_two_without() -> None:
    places: dict[int, Place] = {
        1: lambda t: (OUTSIDE if t < 1 else INSIDE) if t < 4 else None,
        2: lambda t: INSIDE if t >= 4 else None,
    }
    packets = film(places, regular(10, 10))
    events = run(parse_rules({"zones": [ZONE | {"dwell_s": 5.0}]}), packets)
    assert kinds(events) == ["zone_enter", "dwell"]
    assert events[1].confidence == pytest.approx(0.8)

    rules = parse_rules({"zones": [ZONE | {"dwell_s": 5.0}], "tracks": {"soft_link": False}})
    events = run(rules, packets)
    assert kinds(events) == ["zone_enter", "zone_appear", "zone_exit", "dwell"]
    assert [e.confidence for e in events if e.type in ("zone_appear", "zone_exit") and e.version == 1] == [0.8, 0.5]


def test_8_no_soft_link_between_different_classes_places_or_times() -> None:
    def link(x: float, begin: float) -> bool:
        places: dict[int, Place] = {
            1: lambda t: INSIDE if t < 4 else None,
            2: lambda t: (x, 240) if t >= begin else None,
        }
        return kinds(run(parse_rules({"zones": [ZONE]}), film(places, regular(10, 10)))) == ["zone_appear"]

    assert link(325, 4.5)
    assert not link(400, 4.5)
    assert not link(325, 5.5)


def test_merges_move_the_state_and_repeat_nothing() -> None:
    packets = film({1: lambda t: INSIDE if t < 4 else None, 2: lambda t: INSIDE if t >= 5.5 else None}, regular(10, 10))
    packets[56] = replace(packets[56], merges=(Merge(1, 2),))
    assert kinds(run(parse_rules({"zones": [ZONE]}), packets)) == ["zone_appear"]
    late = film({1: lambda t: INSIDE if t < 4 else None, 2: lambda t: INSIDE if t >= 5.2 else None}, regular(10, 10))
    late[57] = replace(late[57], merges=(Merge(1, 2),))
    events = run(parse_rules({"zones": [ZONE]}), late)
    assert [(e.state, e.reason) for e in events if e.state == "retracted"] == [("retracted", "merge")]
    assert len([e for e in events if e.type == "zone_exit"]) == 0


def test_a_swap_message_retracts_and_says_again_of_the_other() -> None:
    # from 1 s to 4 s the walker (truly 2) and the one who stands (truly 1) carry each other's id
    walker, stander = walk(220, 60), lambda t: (100.0, 240.0)
    packets = film(
        {1: lambda t: walker(t) if 1 <= t < 4 else stander(t), 2: lambda t: stander(t) if 1 <= t < 4 else walker(t)},
        regular(10, 5),
    )
    packets = [replace(p, swaps=(Swap(1, 2, since=1.0),)) if p.pts == 4.0 else p for p in packets if p.pts >= 1]
    events = run(LINE, packets)
    assert [(e.type, e.state, e.participants[0].track_id) for e in events] == [
        ("line_cross", "closed", 1),
        ("line_cross", "retracted", 1),
        ("line_cross", "closed", 2),
    ]
    assert events[1].event_id == events[0].event_id
    assert events[1].version == 2


def test_appearance_identity_is_stronger_than_the_track_id() -> None:
    rules = parse_rules({"zones": [ZONE | {"dwell_s": 4.0}]})
    packets = []
    for i in range(80):
        ids = (1, 2) if i < 40 else (2, 1)  # the tracker swaps them
        people = (person(ids[0], *INSIDE, person_id="ann"), person(ids[1], *OUTSIDE, person_id="bob"))
        packets.append(Packet("camera", i, i / 10, WIDTH, HEIGHT, people))
    events = run(rules, packets)
    assert [(e.type, e.participants[0].person_id) for e in events if e.version == 1] == [
        ("zone_appear", "ann"),
        ("dwell", "ann"),
    ]


def test_an_id_that_is_used_again_is_a_new_track() -> None:
    rules = parse_rules({"lines": [LINE.lines[0].model_dump() | {"once_per_track": True}]})

    def twice(pause: float) -> list[Event]:
        def path(t: float) -> tuple[float, float] | None:
            return walk(220, 60)(t) if t < 4 else (walk(220, 60)(t - pause) if t >= pause else None)

        return run(
            rules, film({1: path}, [t for t in regular(10, pause + 4) if t < 4 or t >= pause - 0.9 or t % 1 == 0])
        )

    assert len(twice(20)) == 1
    assert len(twice(40)) == 2
    packets = film({1: walk(220, 60)}, regular(10, 4))
    cars = [
        replace(p, seq=p.seq + 100, pts=p.pts + 4.5, detections=tuple(replace(d, label="car") for d in p.detections))
        for p in packets
    ]
    assert len(run(rules, [*packets, *cars])) == 2


# --- 11 ---------------------------------------------------------------------------------------------------------------


def crowd(count: int, frames: int, fps: float = 30.0) -> list[Packet]:
    rng = np.random.default_rng(0)
    base, phase = rng.uniform(0.2, 0.8, (count, 2)), rng.uniform(0, 6, count)
    packets = []
    for i in range(frames):
        t = i / fps
        xs, ys = (base[:, 0] + 0.2 * np.sin(t + phase)) * 1920, (base[:, 1] + 0.2 * np.cos(t + phase)) * 1080
        people = tuple(person(n, float(x), float(y)) for n, (x, y) in enumerate(zip(xs, ys, strict=True)))
        packets.append(Packet("camera", i, t, 1920, 1080, people))
    return packets


def fifty_rules() -> Rules:
    zones, lines = [], []
    for i in range(25):
        x, y = 0.1 + 0.15 * (i % 5), 0.1 + 0.15 * (i // 5)
        polygon = [[x, y], [x + 0.12, y], [x + 0.12, y + 0.12], [x, y + 0.12]]
        zones.append({"name": f"z{i}", "polygon": polygon, "dwell_s": 1.0})
        lines.append({"name": f"l{i}", "start": [x, y], "end": [x + 0.1, y + 0.1]})
    return parse_rules({"zones": zones, "lines": lines})


def test_11_two_hundred_tracks_and_fifty_rules_take_milliseconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine, packets, spent, said = EventEngine(fifty_rules()), crowd(200, 60), [], 0
    for packet in packets:
        begin = clock.process_time()
        said += len(engine.step(packet))
        spent.append(clock.process_time() - begin)
    median = 1000 * float(np.median(spent))
    with capsys.disabled():
        figure = f"{median:.2f} ms of processor time a frame (median of {len(spent)})"
        sys.stdout.write(f"\n200 tracks x 50 rules: {figure}, {said} events\n")
    assert said > 100
    assert median < 25  # the aim is 5 ms on an idle core; the bound leaves room for a busy one


@pytest.mark.slow
def test_11_memory_is_flat_over_an_hour_of_passers_by() -> None:
    rules = parse_rules({"zones": [ZONE | {"dwell_s": 2.0}], "lines": [LINE.lines[0].model_dump()]})
    engine, sizes, snapshots = EventEngine(rules), [], []
    tracemalloc.start()
    for i in range(3 * 3600):
        t = i / 3
        first = int(t // 2)
        people = tuple(person(n, 60 * (t - 2 * n), 150 + 20 * (n % 10)) for n in range(max(first - 4, 0), first + 1))
        engine.step(Packet("camera", i, t, WIDTH, HEIGHT, people))
        if i % 1800 == 1799:
            snapshots.append(len(json.dumps(engine.snapshot())))
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(sizes[1:]) < 1.1 * sizes[0]
    assert max(snapshots[1:]) < 1.1 * snapshots[0]


# --- 12 ---------------------------------------------------------------------------------------------------------------


def story(events: list[Event]) -> list[tuple[object, ...]]:
    return [(e.type, e.state, e.direction, e.participants, round(e.start, 9), e.confidence, e.reason) for e in events]


def test_12_scale_time_and_mirror() -> None:
    packets = film(STORY, regular(10, 10))
    original = run(BOTH, packets)
    assert len(original) > 5

    def scaled(d: Detection) -> Detection:
        x1, y1, x2, y2 = d.box
        return replace(d, box=(2 * x1, 2 * y1, 2 * x2, 2 * y2))

    double = [
        replace(p, width=2 * WIDTH, height=2 * HEIGHT, detections=tuple(map(scaled, p.detections))) for p in packets
    ]
    assert story(run(BOTH, double)) == story(original)

    shifted = [replace(p, pts=p.pts + 4096) for p in packets]
    moved = [replace(e, start=e.start - 4096) for e in run(BOTH, shifted)]
    assert story(moved) == story(original)

    def mirrored(d: Detection) -> Detection:
        x1, y1, x2, y2 = d.box
        return replace(d, box=(WIDTH - x2, y1, WIDTH - x1, y2))

    mirror = [replace(p, detections=tuple(map(mirrored, p.detections))) for p in packets]
    swap = {"in": "out", "out": "in", None: None}
    told = [replace(e, direction=swap[e.direction]) for e in run(BOTH, mirror)]  # the rules are their own mirror image
    assert story(told) == story(original)


def test_snapshots_at_every_packet_change_nothing() -> None:
    packets = film(STORY, regular(10, 10))
    packets[30] = replace(packets[30], merges=(Merge(2, 9),), swaps=(Swap(1, 3, 2.0),))
    whole = run(BOTH, packets)
    engine, events = EventEngine(BOTH), []
    for packet in packets:
        saved = json.dumps(engine.snapshot(), allow_nan=False)
        engine = EventEngine.restore(BOTH, json.loads(saved))
        assert json.dumps(engine.snapshot()) == saved
        events += engine.step(packet)
    events += engine.finish()
    assert events == whole
    with pytest.raises(StorageError, match="other rules"):
        EventEngine.restore(LINE, json.loads(saved))
    with pytest.raises(StorageError, match="version"):
        EventEngine.restore(LINE, {"version": 99})


def test_streams_do_not_touch_each_other() -> None:
    packets = film(STORY, regular(10, 10))
    other = [replace(p, stream="door", pts=p.pts + 77) for p in packets]
    engine = EventEngine(BOTH)
    mixed = [event for pair in zip(packets, other, strict=True) for packet in pair for event in engine.step(packet)]
    assert engine.counts("door") == engine.counts("camera")
    mixed += engine.finish("camera") + engine.finish("door")
    assert [e for e in mixed if e.stream == "camera"] == run(BOTH, packets)


def test_versions_only_grow_and_nothing_ends_before_it_starts() -> None:
    events = run(BOTH, film(STORY, regular(10, 10)))
    versions: dict[str, int] = {}
    for event in events:
        assert event.version == versions.get(event.event_id, 0) + 1
        versions[event.event_id] = event.version
        assert event.end is None or event.end >= event.start
        assert event.confirm >= event.start
