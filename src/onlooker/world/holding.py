"""Who holds which thing when, read off the acts: the timeline of objects and the events of picking, putting and
passing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onlooker.errors import ConfigError
from onlooker.world.script import Act, Script
from onlooker.world.things import KINDS, Hold, Point


@dataclass(frozen=True, slots=True)
class HandEvent:
    """A thing is picked up, put down or passed on at `time`: `kind` is pick, put or hand_over; `other` receives."""

    kind: str
    time: float
    thing: str
    role: int
    other: int | None
    place: Point


def holds(script: Script) -> dict[str, list[Hold]]:
    """The holds of every thing in order of time. Errors: ConfigError when a script takes what nobody can take."""
    out: dict[str, list[Hold]] = {thing.name: [] for thing in script.things}
    for event in hand_events(script):
        found = out[event.thing]
        held = bool(found) and found[-1].end == float("inf")
        if (event.kind == "pick") == held:
            state = "held already" if held else "held by nobody"
            raise ConfigError(f"script {script.name!r}: {event.thing} is {state} at {event.time:.2f} s ({event.kind}).")
        if held:
            last = found[-1]
            after = _below(script, event) if event.kind == "put" else None
            found[-1] = Hold(last.start, event.time, last.role, last.hand, after)
        if event.kind != "put":
            role = event.role if event.other is None else event.other
            found.append(Hold(event.time, float("inf"), role, _hand(script, role, event), None))
    return out


def hand_events(script: Script) -> list[HandEvent]:
    """Every pick, put and hand-over in order of time."""
    kinds = {"pick_up": "pick", "put_down": "put", "hand_over": "hand_over"}
    known = {thing.name for thing in script.things}
    events = [
        HandEvent(kinds[act.action], act.contact, act.target, index, act.partner, act.place or (0.0, 0.0, 0.0))
        for index, role in enumerate(script.roles)
        for act in role.acts
        if act.action in kinds and act.target in known
    ]
    return sorted(events, key=lambda event: (event.time, event.thing))


def _below(script: Script, event: HandEvent) -> Point:
    kind = next(thing.kind for thing in script.things if thing.name == event.thing)
    x, y, z = event.place
    return x, y, z - KINDS[kind].grip


def _hand(script: Script, role: int, event: HandEvent) -> str:
    acts: Sequence[Act] = script.roles[role].acts
    names = ("pick_up", "receive")
    return next(
        (a.hand for a in acts if a.action in names and a.target == event.thing and a.contact == event.time), "r"
    )
