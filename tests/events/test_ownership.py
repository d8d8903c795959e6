"""Things in hands: tests 9 and 10 of the event engine's specification, on stick figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from onlooker.events import Detection, Event, EventEngine, Packet, Rules, parse_rules
from onlooker.events.hands import Contact, hand_radius, hands_meet, hands_of, touch
from onlooker.events.rules import ObjectRules

WIDTH, HEIGHT, FPS = 1280, 720, 15
TALL = 300.0
Point = tuple[float, float]
RULES = parse_rules({"objects": {"things": ["box"]}})


def figure(track: int, x: float, hand: Point, feet: float = 600.0) -> Detection:
    """A person whose right wrist puts the hand at `hand`; the left one hangs down."""
    shoulder, hip = feet - 0.8 * TALL, feet - 0.5 * TALL
    points = [(0.0, 0.0, 0.0)] * 17
    points[5], points[6] = (x - 40, shoulder, 1.0), (x + 40, shoulder, 1.0)
    points[11], points[12] = (x - 25, hip, 1.0), (x + 25, hip, 1.0)
    points[7], points[9] = (x - 45, shoulder + 60, 1.0), (x - 45, shoulder + 120, 1.0)
    elbow = (x + 0.3 * (hand[0] - x), shoulder + 0.3 * (hand[1] - shoulder))
    # hand = wrist + 0.3 (wrist - elbow)
    wrist = ((hand[0] + 0.3 * elbow[0]) / 1.3, (hand[1] + 0.3 * elbow[1]) / 1.3)
    points[8], points[10] = (*elbow, 1.0), (*wrist, 1.0)
    return Detection(track, "person", 1.0, (x - 60, feet - TALL, x + 60, feet), keypoints=tuple(points))


def box(track: int, centre: Point, size: float = 40.0) -> Detection:
    x, y = centre
    return Detection(track, "box", 1.0, (x - size / 2, y - size / 2, x + size / 2, y + size / 2))


Scene = Callable[[float], tuple[Detection, ...]]


def film(scene: Scene, seconds: float, noise: float = 0.0, seed: int = 0) -> list[Packet]:
    rng = np.random.default_rng(seed)

    def shaken(d: Detection) -> Detection:
        shift = rng.normal(0, noise, 2)
        x1, y1, x2, y2 = d.box
        moved = (x1 + shift[0], y1 + shift[1], x2 + shift[0], y2 + shift[1])
        keypoints = None if d.keypoints is None else tuple(
            (x + dx, y + dy, v) for (x, y, v), (dx, dy) in zip(d.keypoints, rng.normal(0, noise, (17, 2)), strict=True)
        )  # fmt: skip
        return replace(d, box=moved, keypoints=keypoints)

    return [
        Packet("camera", i, i / FPS, WIDTH, HEIGHT, tuple(map(shaken, scene(i / FPS))))
        for i in range(int(seconds * FPS))
    ]


def run(packets: list[Packet], rules: Rules = RULES) -> list[Event]:
    engine = EventEngine(rules)
    return [event for packet in packets for event in engine.step(packet)] + engine.finish()


def told(events: list[Event]) -> list[tuple[object, ...]]:
    return [(e.type, *((p.role, p.track_id) for p in e.participants)) for e in events if e.version == 1]


def between(t: float, start: float, end: float, a: Point, b: Point) -> Point:
    """From a to b between two times."""
    share = float(np.clip((t - start) / (end - start), 0, 1))
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


HOME1, HOME2, MIDDLE = (500.0, 480.0), (780.0, 480.0), (640.0, 440.0)


def handover(t: float, *, hidden: bool = False, new_id: bool = False) -> tuple[Detection, ...]:
    """1 carries the box to the middle, 2 reaches out, both hold it a moment, 2 takes it home."""
    hand1 = between(t, 1, 2, HOME1, MIDDLE) if t < 3 else between(t, 3, 3.6, MIDDLE, HOME1)
    hand2 = between(t, 1.5, 2.5, HOME2, MIDDLE) if t < 3 else between(t, 3, 4, MIDDLE, HOME2)
    place = hand1 if t < 2.75 else hand2
    people = (figure(1, 440, hand1), figure(2, 840, hand2))
    if hidden and 2.55 <= t < 3.15:
        return people
    return (*people, box(11 if new_id and t > 3 else 10, place))


def near_miss(t: float) -> tuple[Detection, ...]:
    """2 reaches out but stays four hand radii away, and nothing is given."""
    radius = hand_radius(figure(1, 440, HOME1))
    hand1 = between(t, 1, 2, HOME1, MIDDLE) if t < 3 else between(t, 3, 4, MIDDLE, HOME1)
    apart = (MIDDLE[0] + 20 + 4 * radius, MIDDLE[1])
    hand2 = between(t, 1.5, 2.5, HOME2, apart) if t < 3 else between(t, 3, 4, apart, HOME2)
    return figure(1, 440, hand1), figure(2, 840, hand2), box(10, hand1)


def giver_keeps(t: float) -> tuple[Detection, ...]:
    """Both have a hand on it for a second, then 1 takes it home again."""
    hand1 = between(t, 1, 2, HOME1, MIDDLE) if t < 3.5 else between(t, 3.5, 4.5, MIDDLE, HOME1)
    hand2 = between(t, 1.5, 2.5, HOME2, MIDDLE) if t < 3 else between(t, 3, 4, MIDDLE, HOME2)
    return figure(1, 440, hand1), figure(2, 840, hand2), box(10, hand1)


def co_carry(t: float) -> tuple[Detection, ...]:
    """Both hold it for five seconds, then 2 alone."""
    hand1 = between(t, 1, 2, HOME1, MIDDLE) if t < 7 else between(t, 7, 7.5, MIDDLE, HOME1)
    hand2 = between(t, 1, 2, HOME2, MIDDLE) if t < 8 else between(t, 8, 9, MIDDLE, HOME2)
    return figure(1, 440, hand1), figure(2, 840, hand2), box(10, hand1 if t < 2 else hand2)


# --- 9 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_9_a_handover_has_the_right_roles(noise: float, seed: int) -> None:
    events = run(film(handover, 6, noise, seed))
    assert told(events) == [("handover", ("giver", 1), ("receiver", 2))]
    event = events[-1]
    assert event.start == pytest.approx(2.5, abs=0.25)  # the receiver's first touch
    assert event.end == pytest.approx(3.2, abs=0.25)  # the giver's release
    assert event.thing is not None
    assert event.thing.track_id == 10
    assert event.confidence >= 0.8


@pytest.mark.parametrize("new_id", [False, True])
def test_9_a_handover_out_of_sight_counts_less(new_id: bool) -> None:
    events = run(film(lambda t: handover(t, hidden=True, new_id=new_id), 6))
    assert told(events) == [("handover", ("giver", 1), ("receiver", 2))]
    assert 0.4 < events[0].confidence <= 0.7


@pytest.mark.parametrize("seed", range(3))
def test_9_a_near_miss_and_a_giver_who_keeps_it_are_no_handover(seed: int) -> None:
    assert told(run(film(near_miss, 6, 1.0, seed))) == []
    assert told(run(film(giver_keeps, 6, 1.0, seed))) == []


def test_9_to_carry_together_is_co_carry_only() -> None:
    events = run(film(co_carry, 11))
    assert told(events) == [("co_carry", ("subject", 1), ("subject", 2))]
    assert [e.state for e in events] == ["opened", "closed"]
    assert (events[1].start, events[1].end) == (pytest.approx(2.0, abs=0.3), pytest.approx(7.1, abs=0.3))


def test_9_a_thing_that_vanishes_between_strangers_is_not_handed_over() -> None:
    def far(t: float) -> tuple[Detection, ...]:
        people = (figure(1, 240, (300, 480)), figure(2, 1040, (980, 480)))
        return people if 2 <= t < 3 else (*people, box(10, (300, 480) if t < 2 else (980, 480)))

    assert told(run(film(far, 6))) == []


# --- 10 ---------------------------------------------------------------------------------------------------------------

SHELF = {"name": "shelf", "polygon": [[0.4, 0.5], [0.6, 0.5], [0.6, 0.75], [0.4, 0.75]], "classes": []}
SHOP = parse_rules({"zones": [SHELF], "objects": {"things": ["box"], "support": ["shelf"]}})
LIES: Point = (640.0, 480.0)


def shopping(t: float) -> tuple[Detection, ...]:
    """1 takes the box (2 s), puts it back (5 s), 2 takes it (8 s)."""
    hand1, hand2, place = HOME1, HOME2, LIES
    if t < 6:
        hand1 = between(t, 1, 2, HOME1, LIES) if t < 2.5 else between(t, 2.5, 3.2, LIES, (480, 400))
        hand1 = hand1 if t < 4 else between(t, 4, 5, (480, 400), LIES)
        hand1 = hand1 if t < 5.2 else between(t, 5.2, 5.6, LIES, HOME1)
        place = LIES if t < 2.5 or t > 5 else hand1
    else:
        hand2 = between(t, 7, 8, HOME2, LIES) if t < 8.5 else between(t, 8.5, 9.5, LIES, HOME2)
        place = LIES if t < 8.5 else hand2
    return figure(1, 440, hand1), figure(2, 840, hand2), box(10, place)


@pytest.mark.parametrize("rules", [RULES, SHOP], ids=["anywhere", "shelf"])
def test_10_take_put_back_take_by_another(rules: Rules) -> None:
    events = run(film(shopping, 11), rules)
    assert told(events) == [("take", ("subject", 1)), ("put", ("subject", 1)), ("take", ("subject", 2))]
    take, put, again = events
    assert take.start == pytest.approx(1.9, abs=0.3)
    assert put.start == pytest.approx(5.3, abs=0.3)
    assert put.padded == (pytest.approx(put.start - 1), pytest.approx(put.start + 1))
    assert again.start == pytest.approx(7.9, abs=0.3)
    assert all(event.confirm > event.start for event in events)


@pytest.mark.parametrize("scene", [handover, near_miss, giver_keeps, co_carry, shopping])
def test_10_snapshots_at_every_packet_change_nothing(scene: Scene) -> None:
    packets = film(scene, 11, 0.5)
    whole = run(packets, SHOP)
    engine, events = EventEngine(SHOP), []
    for packet in packets:
        saved = json.dumps(engine.snapshot(), allow_nan=False)
        engine = EventEngine.restore(SHOP, json.loads(saved))
        assert json.dumps(engine.snapshot()) == saved
        events += engine.step(packet)
    assert events + engine.finish() == whole


def test_a_hand_that_rests_on_a_thing_takes_nothing() -> None:
    events = run(film(lambda t: (figure(1, 440, between(t, 1, 2, HOME1, LIES)), box(10, LIES)), 6, 0.5))
    assert told(events) == []


def test_put_then_take_by_another_at_once_is_an_indirect_handover_too() -> None:
    def scene(t: float) -> tuple[Detection, ...]:
        hand1 = between(t, 1, 2, HOME1, LIES) if t < 2.5 else between(t, 2.5, 3, LIES, HOME1)
        hand2 = between(t, 3.4, 3.8, HOME2, LIES) if t < 4.2 else between(t, 4.2, 5, LIES, HOME2)
        return figure(1, 440, hand1), figure(2, 840, hand2), box(10, hand1 if t < 2 else LIES if t < 4.2 else hand2)

    assert told(run(film(scene, 8))) == [
        ("put", ("subject", 1)),
        ("take", ("subject", 2)),
        ("indirect_handover", ("giver", 1), ("receiver", 2)),
    ]


def test_carry_begins_and_ends_with_walking() -> None:
    def scene(t: float) -> tuple[Detection, ...]:
        x = 300 + 120 * float(np.clip(t - 2, 0, 4))
        return figure(1, x, (x + 60, 480)), box(10, (x + 60, 480))

    events = run(film(scene, 9, 0.5))
    assert told(events) == [("carry", ("subject", 1))]
    assert (events[1].start, events[1].end) == (pytest.approx(2.2, abs=0.3), pytest.approx(6.2, abs=0.4))


def test_drop_then_abandon_when_the_owner_has_gone() -> None:
    rules = parse_rules({"objects": {"things": ["box"], "abandon_s": 5.0}})

    def scene(t: float) -> tuple[Detection, ...]:
        x = 300 if t < 3 else 300 + 150 * (t - 3)
        fall = between(t, 2, 3.5, (360, 480), (420, 620))
        hand = (x + 60, 480) if t < 2 else (x + 60, 380)
        person = (figure(1, x, hand),) if x < 1280 else ()
        return (*person, box(10, (360, 480) if t < 2 else fall))

    events = run(film(scene, 18), rules)
    assert told(events) == [("drop", ("subject", 1)), ("put", ("subject", 1)), ("abandon", ("owner", 1))]
    assert events[-1].state == "closed"  # by the end of the stream
    assert events[-1].reason == "end"
    gone = next(e for e in events if e.type == "abandon")
    assert gone.confirm - gone.start == pytest.approx(5.0, abs=0.1)


def test_what_vanishes_into_the_coat_is_concealed_until_its_bearer_leaves() -> None:
    rules = parse_rules({"objects": {"things": ["box"]}, "tracks": {"forget_s": 3.0}})

    def scene(t: float) -> tuple[Detection, ...]:
        hand = between(t, 1, 2, (500, 480), (440, 420))
        person = (figure(1, 440, hand),) if t < 9 else ()
        return (*person, box(10, hand)) if t < 2.5 else person

    events = run(film(scene, 13), rules)
    assert told(events) == [("conceal", ("subject", 1))]
    assert events[0].start == pytest.approx(2.5, abs=0.1)
    assert (events[1].state, events[1].reason) == ("closed", "left")
    assert events[1].end == pytest.approx(9.0, abs=0.1)


# --- hands ------------------------------------------------------------------------------------------------------------


def test_the_hand_lies_beyond_the_wrist() -> None:
    person = figure(1, 440, (500.0, 480.0))
    hand = min(hands_of(person), key=lambda h: abs(h.x - 500))
    assert (hand.x, hand.y) == (pytest.approx(500), pytest.approx(480))
    assert hand.radius == pytest.approx(0.15 * 80)
    points = list(person.keypoints or ())
    points[5] = points[6] = (0.0, 0.0, 0.0)
    bare = replace(person, keypoints=tuple(points))
    assert hand_radius(bare) == pytest.approx(0.1 * TALL)
    assert hands_of(replace(person, keypoints=None)) == []


def test_touch_falls_with_the_gap_in_hand_radii() -> None:
    person = figure(1, 440, (500.0, 480.0))
    radius = hand_radius(person)
    assert touch(hands_of(person), box(2, (500, 480))) == pytest.approx(1.0)
    assert touch(hands_of(person), box(2, (520 + radius, 480))) == pytest.approx(np.exp(-1))
    assert touch([], box(2, (500, 480))) is None
    other = figure(2, 840, (500 + 1.9 * radius, 480))
    assert hands_meet(hands_of(person), hands_of(other))
    assert not hands_meet(hands_of(person), hands_of(figure(2, 840, (500 + 2.1 * radius, 480))))


def test_contact_has_hysteresis_in_score_and_time() -> None:
    rules = ObjectRules(things=["box"])
    contact = Contact()
    scores = [0.7, 0.1, 0.7, 0.7, 0.7, 0.4, 0.2, 0.4, 0.2, 0.2, 0.2, 0.2]
    states = []
    for i, score in enumerate(scores):
        contact.update(score, i / 10, 0.1, rules)
        states.append(contact.on)
    assert states == [False, False, False, False, True, True, True, True, True, True, True, False]
    assert contact.first == 0.2
    assert contact.released == 0.8
