"""Who does what, where and when: roles with paths, acts, objects and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Be at (x, y) at `time` seconds; `yaw` is where to look while standing there (None: keep the walking direction)."""

    time: float
    x: float
    y: float
    yaw: float | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody's action from `start` to `end` seconds. `hand` is "l" or "r"; the rest depends on the action:
    `target` an object's or spot's name, `partner` another role's index, `speed` about 1."""

    action: str
    start: float
    end: float
    hand: str = "r"
    target: str = ""
    partner: int | None = None
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Role:
    """One person in the script: seeds of identity and outfit, kind of body, path (by time) and acts."""

    identity: int
    outfit: int
    path: tuple[Waypoint, ...]
    acts: tuple[Act, ...] = ()
    kind: str = "adult"


@dataclass(frozen=True, slots=True)
class Script:
    """All roles of a scene."""

    name: str
    seconds: float
    roles: tuple[Role, ...] = field(default=())
