"""Standing, walking, running and where to: labels that change only when the new one has lasted."""

from __future__ import annotations

from typing import Any

from onlooker.events.motion.config import TICK, MotionConfig

State = dict[str, Any]


def start_run(time: float) -> State:
    """No label yet; what comes first holds from `time`."""
    return {"label": None, "start": time, "candidate": None, "since": time, "rows": 0, "seen": 0}


def count(run: State, observed: bool) -> None:
    """One more frame, for the score of the running segment."""
    run["rows"] += 1
    run["seen"] += observed


def update(run: State, label: str, time: float, config: MotionConfig) -> tuple[str, float, float, float] | None:
    """Feed the label measured at `time`; returns the segment (label, start, end, score) that this completes, if any."""
    if label == run["label"]:
        run["candidate"] = None
        return None
    if label != run["candidate"]:
        run["candidate"], run["since"] = label, time
        return None
    if time - run["since"] < config.hold - TICK:
        return None
    done = finish(run, run["since"], config) if run["label"] is not None else None
    if done is not None:
        run.update(start=run["since"], rows=0, seen=0)
    run.update(label=label, candidate=None)  # a segment too short to stand alone is absorbed: its start is kept
    return done


def finish(run: State, time: float, config: MotionConfig) -> tuple[str, float, float, float] | None:
    """The running segment up to `time`, None when it is too short to be said."""
    label = run["label"] or run["candidate"]
    if label is None or time - run["start"] < config.shortest - TICK:
        return None
    return label, run["start"], time, run["seen"] / max(run["rows"], 1)


def activity(speed: float, current: str | None, config: MotionConfig) -> str:
    """The label of a speed in body heights per second, with hysteresis around the current label."""
    walk = config.walk_off if current in ("walking", "running") else config.walk_on
    run = config.run_off if current == "running" else config.run_on
    return "running" if speed >= run else "walking" if speed >= walk else "standing"
