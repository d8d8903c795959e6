"""What is remembered about one thing that people may take."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from onlooker.events.event import Role
from onlooker.events.hands import Contact

MOST_PLACES = 64
Track = list[list[float]]  # rows of time, x, y


@dataclass(slots=True)
class Exchange:
    """A handover that is not yet certain. `hidden`: the thing was out of sight when it changed hands."""

    giver: int
    receiver: int
    start: float
    end: float
    hidden: bool


@dataclass(slots=True)
class Item:
    """State is free, held or hidden (in the holder's clothes or bag). Lengths are in picture diagonals.

    `rest` is where it lay before somebody touched it, None until it has been seen at rest. `released` says since when
    nobody holds it, until it has come to rest.
    """

    label: str
    state: str = "free"
    holder: int | None = None
    owner: int | None = None  # who held it last
    owner_role: Role | None = None
    contacts: dict[int, Contact] = field(default_factory=dict)
    places: Track = field(default_factory=list)  # of the thing, over the settling time
    path: Track = field(default_factory=list)  # of the holder's feet
    size: float = 0.0
    rest: tuple[float, float] | None = None
    rest_supported: bool = False
    released: float | None = None
    dropped: bool = False
    put_at: float | None = None
    seen: float = 0.0
    blind: tuple[float, float] | None = None  # the last time it was out of sight
    met: list[int] = field(default_factory=list)  # whose hands met the holder's meanwhile
    covered: bool = False  # last seen within the holder's torso or bag
    exchange: Exchange | None = None
    moving: float | None = None
    carry: str | None = None
    co_carry: str | None = None
    conceal: str | None = None
    far: float | None = None
    abandon: str | None = None

    def hold(self, person: int, role: Role) -> None:
        """This person has it now."""
        self.state, self.holder, self.owner, self.owner_role = "held", person, person, role
        self.released, self.put_at, self.far, self.exchange, self.dropped = None, None, None, None, False
        self.path, self.moving = [], None

    def let_go(self, time: float) -> None:
        """Nobody has it since `time`."""
        self.state, self.holder, self.exchange = "free", None, None
        self.released, self.dropped = time, False
        self.places = [place for place in self.places if place[0] >= time]

    def on(self, person: int | None) -> bool:
        """Whether this person's contact is certain."""
        contact = None if person is None else self.contacts.get(person)
        return contact is not None and contact.on

    def touching(self) -> list[int]:
        """Whose contact is certain, the earliest first."""
        people = [person for person, contact in self.contacts.items() if contact.on]
        return sorted(people, key=lambda person: (self.contacts[person].first, person))

    def margin(self, person: int) -> float:
        """How much better this person's touch is than anybody else's: 1 - second / best."""
        own = self.contacts[person].score
        others = max((c.score for other, c in self.contacts.items() if other != person), default=0.0)
        return max(0.0, 1 - others / own) if own > 0 else 0.0


def slope(track: Track, span: float) -> float | None:
    """Speed by least squares over a track of at least `span` seconds, None when it is shorter."""
    if len(track) < 2 or track[-1][0] - track[0][0] < span - 1e-9:
        return None
    count = len(track)
    mean_t, mean_x, mean_y = (math.fsum(row[i] for row in track) / count for i in range(3))
    spread = math.fsum((row[0] - mean_t) ** 2 for row in track)
    vx = math.fsum((row[0] - mean_t) * (row[1] - mean_x) for row in track) / spread
    vy = math.fsum((row[0] - mean_t) * (row[2] - mean_y) for row in track) / spread
    return math.hypot(vx, vy)


def extend(track: Track, time: float, x: float, y: float, span: float) -> None:
    """Append a place and drop those before `span`."""
    track.append([time, x, y])
    while len(track) > MOST_PLACES or track[0][0] < time - span - 1e-9:
        track.pop(0)


def middle(track: Track) -> tuple[float, float]:
    """The mean place."""
    return math.fsum(row[1] for row in track) / len(track), math.fsum(row[2] for row in track) / len(track)


def item_to_json(item: Item) -> dict[str, Any]:
    """Plain values; the contacts as pairs, because JSON's keys are strings."""
    values = asdict(item)
    values["contacts"] = [[person, contact] for person, contact in values["contacts"].items()]
    return values


def item_from_json(values: dict[str, Any]) -> Item:
    """The inverse of `item_to_json`."""
    rest = dict(values)
    rest["contacts"] = {person: Contact(**contact) for person, contact in values["contacts"]}
    rest["exchange"] = None if values["exchange"] is None else Exchange(**values["exchange"])
    rest["owner_role"] = None if values["owner_role"] is None else Role(**values["owner_role"])
    rest["places"] = [list(row) for row in values["places"]]
    rest["path"] = [list(row) for row in values["path"]]
    rest["met"] = list(values["met"])
    for name in ("rest", "blind"):
        rest[name] = None if values[name] is None else tuple(values[name])
    return Item(**rest)
