"""Who does what, where and when: roles with paths and acts, the things they handle, and extra sounds."""

from __future__ import annotations

from dataclasses import dataclass

from onlooker.world.things import Hinged, Point, Thing


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Be at (x, y) at `time` seconds; `yaw` is where to look while standing there (None: keep the walking direction).

    `z` is the height of what bears the body. With `slide` the way there is made without turning (pushed, lying
    down)."""

    time: float
    x: float
    y: float
    yaw: float | None = None
    z: float = 0.0
    slide: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody's action from `start` to `end` seconds. `hand` is "l" or "r"; the rest depends on the action:
    `target` the name of a thing or hinged leaf, `partner` another role's index, `place` a point in the world."""

    action: str
    start: float
    end: float
    hand: str = "r"
    target: str = ""
    partner: int | None = None
    place: Point | None = None
    speed: float = 1.0

    @property
    def contact(self) -> float:
        """When the hand is at its goal: things change hands then."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class Role:
    """One person in the script: seeds of identity and outfit, kind of body, path (by time) and acts (by start)."""

    identity: int
    outfit: int
    path: tuple[Waypoint, ...]
    acts: tuple[Act, ...] = ()
    kind: str = "adult"


@dataclass(frozen=True, slots=True)
class Noise:
    """A sound that nobody makes: `kind` (alarm, bell, train), where it comes from."""

    kind: str
    start: float
    end: float
    place: Point


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of a longer activity: `level` "step" or "procedure"; `role` None speaks of everybody."""

    label: str
    start: float
    end: float
    role: int | None
    level: str = "step"


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that happens in a scene. `summary` is one sentence on the whole, `backwards` the same for the
    reverse."""

    name: str
    summary: str
    roles: tuple[Role, ...] = ()
    things: tuple[Thing, ...] = ()
    leaves: tuple[Hinged, ...] = ()
    noises: tuple[Noise, ...] = ()
    steps: tuple[Step, ...] = ()
    backwards: str = ""
