"""One person's state: recent boxes, what they do, where they go, where they stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from onlooker.events.motion import activity as activities
from onlooker.events.motion.config import TICK, MotionConfig
from onlooker.events.motion.facts import Fact
from onlooker.events.motion.presence import border_of, start_stay, stay_on
from onlooker.events.motion.speed import Velocity, direction, measure

State = dict[str, Any]
Size = tuple[float, float]
MOST_SAMPLES = 64


def start_person(time: float, begin: float, box: list[float], config: MotionConfig) -> State:
    """Somebody first seen at `time`, in a video (or shot) that began at `begin`."""
    return {
        "first": time,
        "seen": time,
        "first_box": box,
        "last_box": box,
        "known_before": time - begin < config.settle - TICK,
        "entered": False,
        "samples": [],
        "motion": None,
        "activity": activities.start_run(time),
        "heading": activities.start_run(time),
        "stay": start_stay(time, *_feet(box)),
        "company": None,
    }


def advance(
    person: State, track: int, time: float, box: list[float], seen: bool, size: Size, config: MotionConfig
) -> list[Fact]:
    """One frame in which the person has a box; a box that only bridges a gap (`seen` false) measures nothing."""
    for name in ("activity", "heading"):
        activities.count(person[name], seen)
    if not seen:
        return []
    facts = _after_gap(person, track, time, box, config)
    person.update(seen=time, last_box=box)
    samples = person["samples"]
    if samples and time - samples[-1][0] < config.sample_period - TICK:
        return facts
    samples.append([time, *box])
    while len(samples) > MOST_SAMPLES or (len(samples) > 4 and time - samples[0][0] > config.depth_window + TICK):
        samples.pop(0)
    velocity = measure(np.array(samples), size, config)
    if velocity is not None:
        facts += _moved(person, track, time, box, velocity, size, config)
    return facts


def is_lost(person: State, time: float, size: Size, config: MotionConfig) -> bool:
    """Whether a person unseen for a while is taken as gone; out of the picture sooner than behind something in it."""
    away = time - person["seen"]
    if away < min(config.lost_border, config.lost_inside):
        return False
    inside = border_of(person["last_box"], _last_velocity(person), size, config, leaving=True) == "inside"
    return bool(away >= (config.lost_inside if inside else config.lost_border))


def close(
    person: State, track: int, time: float, size: Size, config: MotionConfig, *, gone: bool, at_end: bool = False
) -> list[Fact]:
    """End what this person is doing; `gone` when they are no longer there, `at_end` when the video ends as well."""
    if not person["entered"] and person["seen"] - person["first"] < config.shortest - TICK:
        return []
    facts = _end_runs(person, track, person["seen"], config)
    facts += _end_stay(person, track, config)
    if person["seen"] - person["first"] < config.proven - TICK:
        return facts
    facts += _entered(person, track, time, _last_velocity(person), size, config)
    border = border_of(person["last_box"], _last_velocity(person), size, config, leaving=True)
    if gone and not (at_end and border == "inside"):
        x, y = _feet(person["last_box"])
        facts.append(Fact("leave", person["seen"], person["seen"], time, (track,), border, x, y))
    return facts


def _moved(
    person: State, track: int, time: float, box: list[float], velocity: Velocity, size: Size, config: MotionConfig
) -> list[Fact]:
    x, y = _feet(box)
    height = velocity.height
    person["motion"] = {"at": time, "x": x, "y": y, "height": height, "vx": velocity.vx, "vy": velocity.vy}
    facts = []
    if person["seen"] - person["first"] >= config.proven - TICK:
        facts += _entered(person, track, time, velocity, size, config)
    run = person["activity"]
    label = activities.activity(velocity.speed, run["label"], config)
    facts += _segment(run, label, velocity.time, time, track, config)
    where = None if label == "standing" else direction(velocity, person["heading"]["label"])
    facts += _leg(person, where, velocity.time, time, track, config)
    if not stay_on(person["stay"], time, x, y, height, config):
        facts += _end_stay(person, track, config)
        person["stay"] = start_stay(time, x, y)
    return facts


def _segment(run: State, label: str, at: float, time: float, track: int, config: MotionConfig) -> list[Fact]:
    done = activities.update(run, label, at, config)
    return _say_activity(done, time, track, config)


def _say_activity(
    done: tuple[str, float, float, float] | None, time: float, track: int, config: MotionConfig
) -> list[Fact]:
    if done is None or done[3] < config.seen_share:
        return []
    return [Fact(done[0], done[1], done[2], time, (track,), score=done[3])]


def _leg(person: State, where: str | None, at: float, time: float, track: int, config: MotionConfig) -> list[Fact]:
    """One stretch of the way in one direction. Standing (None) ends it, once it has lasted."""
    run = person["heading"]
    done = activities.update(run, where or "still", at, config)
    return _say_heading(done, time, track, config)


def _say_heading(
    done: tuple[str, float, float, float] | None, time: float, track: int, config: MotionConfig
) -> list[Fact]:
    if done is None or done[0] == "still" or done[3] < config.seen_share:
        return []
    if done[2] - done[1] < config.shortest_leg - TICK:
        return []
    return [Fact("heading", done[1], done[2], time, (track,), done[0], score=done[3])]


def _entered(
    person: State, track: int, time: float, velocity: Velocity | None, size: Size, config: MotionConfig
) -> list[Fact]:
    """Say once that this person came in, when the first second has shown from where."""
    if person["entered"]:
        return []
    person["entered"] = True
    if person["known_before"]:
        return []
    border = border_of(person["first_box"], velocity, size, config, leaving=False)
    x, y = _feet(person["first_box"])
    return [Fact("enter", person["first"], person["first"], time, (track,), border, x, y)]


def _after_gap(person: State, track: int, time: float, box: list[float], config: MotionConfig) -> list[Fact]:
    """A short gap empties the window, a long one ends the activities as well."""
    away = time - person["seen"]
    samples = person["samples"]
    if len(samples) > 1 and away > max(config.window, 3 * (samples[-1][0] - samples[-2][0])):
        samples.clear()
        person["motion"] = None
    if away <= config.gap + TICK:
        return []
    facts = _end_runs(person, track, person["seen"], config)
    person["activity"] = activities.start_run(time)
    person["heading"] = activities.start_run(time)
    return facts


def _end_runs(person: State, track: int, time: float, config: MotionConfig) -> list[Fact]:
    doing = _say_activity(activities.finish(person["activity"], time, config), time, track, config)
    return doing + _say_heading(activities.finish(person["heading"], time, config), time, track, config)


def _end_stay(person: State, track: int, config: MotionConfig) -> list[Fact]:
    stay = person["stay"]
    if stay["last"] - stay["start"] < config.dwell_time - TICK:
        return []
    confirm = stay["start"] + config.dwell_time
    return [Fact("dwell", stay["start"], stay["last"], confirm, (track,), None, stay["x"], stay["y"])]


def _last_velocity(person: State) -> Velocity | None:
    motion = person["motion"]
    if motion is None:
        return None
    return Velocity(motion["at"], motion["vx"], motion["vy"], 0.0, motion["height"])


def _feet(box: list[float]) -> tuple[float, float]:
    return 0.5 * (box[0] + box[2]), box[3]
