"""Motion facts that need no training: who walks, runs or stands, comes, goes, stays, and who is together.

Online and exact: the facts do not depend on how the frames are cut into chunks, and the state is plain data that can be
saved after any frame. Speeds are in body heights per second, times in seconds of media time; nothing counts frames.

>>> import numpy as np
>>> state, facts = init_state(640, 360), []
>>> for i in range(60):
...     box = np.array([[40 + 8 * i, 100, 80 + 8 * i, 200]], np.float32)
...     more, state = step(state, i / 10, np.array([7]), box, np.array([True]))
...     facts += more
>>> facts += finish(state, 6.0)
>>> [(fact.kind, fact.direction) for fact in facts]
[('walking', None), ('heading', 'right')]
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import RecordError
from onlooker.events.motion.config import TICK, MotionConfig
from onlooker.events.motion.facts import Fact, to_tables
from onlooker.events.motion.person import advance, close, is_lost, start_person
from onlooker.events.motion.together import finish_pairs, open_since, update_pairs

__all__ = ["Fact", "MotionConfig", "cut", "finish", "init_state", "step", "to_tables"]

State = dict[str, Any]


def init_state(width: float, height: float, config: MotionConfig | None = None) -> State:
    """The state before the first frame of a picture of this size (displayed pixels)."""
    return {
        "size": (float(width), float(height)),
        "config": asdict(config or MotionConfig()),
        "begin": None,
        "now": None,
        "measured": None,
        "people": {},
        "pairs": {},
    }


def step(
    state: State,
    time: float,
    ids: NDArray[np.int64],
    boxes: NDArray[np.float32],
    observed: NDArray[np.bool_],
) -> tuple[list[Fact], State]:
    """The tracks of one frame: `ids` (n,), `boxes` (n, 4) xyxy, `observed` (n,), also when n is 0.

    Returns the facts that ended or became certain, and the state to go on with (the old one must not be used again).
    Errors: RecordError when the time goes backwards.
    """
    if state["now"] is not None and time < state["now"]:
        raise RecordError(
            f"time goes back from {state['now']:g} s to {time:g} s: give the frames in order, or use cut()."
        )
    state["now"] = time
    config = MotionConfig(**state["config"])
    if state["begin"] is None:
        state["begin"] = time
    facts: list[Fact] = []
    for track, box, seen in zip(ids.tolist(), boxes.tolist(), observed.tolist(), strict=True):
        person = state["people"].get(track)
        if person is None:
            if not seen:
                continue
            person = state["people"][track] = start_person(time, state["begin"], box, config)
        facts += advance(person, track, time, box, seen, state["size"], config)
    facts += _company(state, time, config)
    for track, person in list(state["people"].items()):
        if is_lost(person, time, state["size"], config):
            facts += close(person, track, time, state["size"], config, gone=True)
            facts += _end_company(person, track)
            del state["people"][track]
    return facts, state


def cut(state: State, time: float) -> tuple[list[Fact], State]:
    """A new shot begins at `time`: everything ends, nobody has left, and whom the new shot shows has not come in."""
    facts = finish(state, time)
    state.update(begin=None, now=None, measured=None, people={}, pairs={})
    return facts, state


def finish(state: State, time: float) -> list[Fact]:
    """What still holds at the end of the video."""
    config = MotionConfig(**state["config"])
    facts = _keep_company(state, finish_pairs(state["pairs"], time, config))
    for track, person in state["people"].items():
        gone = time - person["seen"] >= 0.5
        facts += close(person, track, time, state["size"], config, gone=gone, at_end=True)
        facts += _end_company(person, track)
    return facts


def _company(state: State, time: float, config: MotionConfig) -> list[Fact]:
    if state["measured"] is not None and time - state["measured"] < config.sample_period - TICK:
        return []
    state["measured"] = time
    moving = {
        track: person["motion"]
        for track, person in state["people"].items()
        if person["motion"] is not None and time - person["motion"]["at"] <= 0.5 * config.window + TICK
    }
    facts = _keep_company(state, update_pairs(state["pairs"], moving, time, config))
    for track, person in state["people"].items():
        held = person["company"]
        if held is not None and open_since(state["pairs"], track) > held[1]:
            facts += _end_company(person, track)
    return facts


def _keep_company(state: State, facts: list[Fact]) -> list[Fact]:
    """Join what each person's pairs say into one stretch per person; a stretch that is over is said."""
    said: list[Fact] = []
    for fact in facts:
        for track in fact.tracks:
            person = state["people"].get(track)
            if person is None:
                continue
            held = person["company"]
            if held is not None and fact.start > held[1]:
                said += _end_company(person, track)
                held = None
            person["company"] = (
                [fact.start, fact.end, fact.score]
                if held is None
                else [min(held[0], fact.start), max(held[1], fact.end), max(held[2], fact.score)]
            )
    return [*facts, *said]


def _end_company(person: State, track: int) -> list[Fact]:
    held, person["company"] = person["company"], None
    return [] if held is None else [Fact("company", held[0], held[1], held[1], (track,), score=held[2])]
