"""Writing scripts: each person's moves one after the other, as an actor learns where to be and what to do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from onlooker.world.body import Body, make_body
from onlooker.world.script import Act, Role, Waypoint
from onlooker.world.things import KINDS, Point, Thing


class Blocking:
    """One role while it is written. `now` is the time up to which its moves are laid down."""

    def __init__(
        self, index: int, identity: int, outfit: int, place: tuple[float, float], yaw: float = 0.0, kind: str = "adult"
    ) -> None:
        self.index = index
        self.body: Body = make_body(identity, kind)
        self.now = 0.0
        self.yaw = yaw
        self._outfit = outfit
        self._path = [Waypoint(0.0, *place, yaw)]
        self._acts: list[Act] = []

    @property
    def place(self) -> tuple[float, float]:
        """Where the person stands at `now`."""
        return self._path[-1].x, self._path[-1].y

    def role(self) -> Role:
        """What was written."""
        acts = tuple(sorted(self._acts, key=lambda act: act.start))
        return Role(self.body.identity, self._outfit, tuple(self._path), acts, self.body.kind)

    def walk_to(self, x: float, y: float, yaw: float | None = None, speed: float = 1.0, run: bool = False) -> Blocking:
        """Go there at one's own pace times `speed`, then face `yaw`."""
        distance = math.dist(self.place, (x, y))
        pace = 2.9 * speed if run else self.body.gait.pace * speed
        if distance > 0.02:
            heading = math.atan2(y - self.place[1], x - self.place[0])
            self.now += distance / pace + 0.15
            self.yaw = heading
            self._path.append(Waypoint(self.now, x, y))
        return self.turn(yaw) if yaw is not None else self

    def turn(self, yaw: float) -> Blocking:
        """Face another way."""
        self.yaw = yaw
        self.now += 0.55
        self._path.append(replace(self._path[-1], time=self.now, yaw=yaw, slide=False))
        return self

    def face(self, other: Blocking) -> Blocking:
        """Turn towards another person as they are placed now."""
        return self.turn(math.atan2(other.place[1] - self.place[1], other.place[0] - self.place[0]))

    def wait(self, seconds: float) -> Blocking:
        """Do nothing for a while."""
        self.now += max(seconds, 0.0)
        self._path.append(replace(self._path[-1], time=self.now, yaw=self.yaw, slide=False))
        return self

    def until(self, time: float) -> Blocking:
        """Wait for a moment."""
        return self.wait(time - self.now)

    def do(
        self,
        action: str,
        seconds: float,
        *,
        hand: str = "r",
        target: str = "",
        partner: Blocking | None = None,
        place: Point | None = None,
        speed: float = 1.0,
        meanwhile: bool = False,
    ) -> Blocking:
        """An act from now on; with `meanwhile` the next move begins at the same time (another part of the body)."""
        who = None if partner is None else partner.index
        self._acts.append(Act(action, self.now, self.now + seconds, hand, target, who, place, speed))
        return self if meanwhile else self.wait(seconds)

    def shift(self, action: str, seconds: float, x: float, y: float, z: float = 0.0, hand: str = "r") -> Blocking:
        """An act that carries the body to another place without a turn: lying down on a bed, being pushed."""
        self._acts.append(Act(action, self.now, self.now + seconds, hand))
        self.now += seconds
        self._path.append(Waypoint(self.now, x, y, self.yaw, z, True))
        return self

    def lay(self, height: float) -> Blocking:
        """Let the body lie on something that high from the start."""
        self._path = [replace(point, z=height, slide=True) for point in self._path]
        return self

    def fetch(self, thing: Thing, place: Point, hand: str = "r", seconds: float = 1.5) -> Blocking:
        """Pick a thing up from where it rests (its bottom at `place`)."""
        return self.do("pick_up", seconds, hand=hand, target=thing.name, place=grip(thing, place))

    def holding(self, thing: Thing, goal: Point, hand: str = "r") -> Blocking:
        """Have a thing in hand from before the beginning."""
        self._acts.append(Act("pick_up", -3.0, -2.0, hand, thing.name, None, goal))
        return self

    def leave(self, thing: Thing, place: Point, hand: str = "r", seconds: float = 1.5) -> Blocking:
        """Put a held thing down so that its bottom is at `place`."""
        return self.do("put_down", seconds, hand=hand, target=thing.name, place=grip(thing, place))


def grip(thing: Thing, place: Point) -> Point:
    """Where the hand is when a thing's bottom is at `place`."""
    return place[0], place[1], place[2] + KINDS[thing.kind].grip


def meet(first: Blocking, second: Blocking, x: float, y: float, yaw: float, gap: float = 0.9) -> float:
    """Bring two people face to face around (x, y) along `yaw`; returns when both are there."""
    dx, dy = math.cos(yaw) * gap / 2, math.sin(yaw) * gap / 2
    first.walk_to(x - dx, y - dy, yaw)
    second.walk_to(x + dx, y + dy, yaw + math.pi)
    ready = max(first.now, second.now)
    first.until(ready)
    second.until(ready)
    return ready


def hand_over(
    giver: Blocking, taker: Blocking, thing: Thing, hands: tuple[str, str] = ("r", "r"), seconds: float = 1.8
) -> None:
    """Pass a thing on; both stand face to face and start at the same time."""
    ready = max(giver.now, taker.now)
    giver.until(ready)
    taker.until(ready)
    (x1, y1), (x2, y2) = giver.place, taker.place
    height = 0.62 * min(giver.body.height, taker.body.height)
    middle = ((x1 + x2) / 2, (y1 + y2) / 2, height)
    giver.do("hand_over", seconds, hand=hands[0], target=thing.name, partner=taker, place=middle)
    taker.do("receive", seconds, hand=hands[1], target=thing.name, partner=giver, place=middle)


def pick(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    """One of the names."""
    return names[int(rng.integers(len(names)))]
