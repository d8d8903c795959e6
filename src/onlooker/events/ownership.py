"""Who takes, carries, puts, drops, hands over, conceals or abandons what.

Each thing is free, held by a person, or hidden in that person's clothes. Contacts of hands (hands.py) and the thing's
own motion move it from one to the next. One thing has at most two holders and a hand any number of things, so the best
assignment of hands is each thing's two best touches.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from onlooker.events.event import EventLog, Role, Thing
from onlooker.events.hands import Contact, hands_meet, torso, touch
from onlooker.events.item import Exchange, Item, extend, item_from_json, item_to_json, middle, slope
from onlooker.events.packet import Detection
from onlooker.events.rules import ObjectRules, Rules
from onlooker.events.scene import Scene, centre_in, look
from onlooker.events.tracks import Seen, Tracks
from onlooker.events.zones import Zones

HIDDEN = 0.7  # confidence of an exchange that was out of sight
BLIND_S = 0.2  # shorter gaps in a thing's track are not worth a doubt


class Ownership:
    """State of all things of one stream."""

    def __init__(self, rules: ObjectRules, all_rules: Rules) -> None:
        self.rules = rules
        names = [zone.name for zone in all_rules.zones]
        self._support = None if rules.support is None else [names.index(name) for name in rules.support]
        self.items: dict[int, Item] = {}
        self.concealed: dict[str, int] = {}  # open events -> the person who has the thing

    def update(self, seen: Seen, tracks: Tracks, zones: Zones, log: EventLog, epoch: int) -> None:
        """One packet: events go to the log."""
        scene = look(self.rules, seen, tracks, zones, log, epoch)
        if seen.gap:
            for item in self.items.values():
                self._void(item)
        for slot, (thing, _) in scene.things.items():
            if slot not in self.items:
                self.items[slot] = self._adopt(slot, thing, scene) or Item(thing.label)
        for slot in sorted(self.items):
            item = self.items[slot]
            if slot in scene.things:
                self._observe(slot, item, scene)
            elif item.state == "held":
                self._out_of_sight(item, scene)
        for slot in seen.lost.tolist():
            self._lost(slot, scene)

    def forget(self, slot: int) -> None:
        """The track is no longer known."""
        self.items.pop(slot, None)
        for item in self.items.values():
            item.contacts.pop(slot, None)
            item.owner = None if item.owner == slot else item.owner

    def replace(self, old: int, new: int) -> None:
        """The track in slot `old` is the one in slot `new`."""
        if old in self.items:
            self.items[new] = self.items.pop(old) if new not in self.items else self.items[new]
            self.items.pop(old, None)
        for item in self.items.values():
            if old in item.contacts and new not in item.contacts:
                item.contacts[new] = item.contacts[old]
            item.contacts.pop(old, None)
            item.holder = new if item.holder == old else item.holder
            item.owner = new if item.owner == old else item.owner

    def rename(self, ids: dict[str, str]) -> None:
        """Open events that have a new id after a swap."""
        for item in self.items.values():
            for name in ("carry", "co_carry", "conceal", "abandon"):
                held = getattr(item, name)
                setattr(item, name, ids.get(held, held))
        self.concealed = {ids.get(identity, identity): person for identity, person in self.concealed.items()}

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        items = [[slot, item_to_json(item)] for slot, item in self.items.items()]
        return {"items": items, "concealed": dict(self.concealed)}

    def load(self, values: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self.items = {slot: item_from_json(item) for slot, item in values["items"]}
        self.concealed = dict(values["concealed"])

    def _adopt(self, slot: int, thing: Detection, scene: Scene) -> Item | None:
        """A new track of a thing may be one that has vanished in hands which now touch this one."""
        for old in sorted(self.items):
            item = self.items[old]
            away = scene.time - item.seen
            if item.state != "held" or item.label != thing.label or old in scene.things or away > self.rules.handover_s:
                continue
            for person in (item.holder, *item.met):
                if person is not None and (touch(scene.hands.get(person, []), thing) or 0.0) >= self.rules.contact_on:
                    return self.items.pop(old)
        return None

    def _observe(self, slot: int, item: Item, scene: Scene) -> None:
        thing, dt = scene.things[slot]
        away = scene.time - item.seen
        if item.seen and away > BLIND_S and dt == 0.0:
            item.blind = (item.seen, scene.time)
        else:
            item.met = item.met if item.blind and scene.time - item.blind[1] <= self.rules.handover_s else []
        item.seen = scene.time
        x1, y1, x2, y2 = (float(value) / scene.diagonal for value in thing.box)
        item.size = math.sqrt(max((x2 - x1) * (y2 - y1), 1e-12))
        extend(item.places, scene.time, 0.5 * (x1 + x2), 0.5 * (y1 + y2), self.rules.settle_s)
        self._touch(item, thing, dt, scene)
        if item.state == "hidden":
            self._reveal(item, scene)
        if item.state == "held":
            self._held(slot, item, scene)
        if item.state == "free":
            self._free(slot, item, scene)

    def _touch(self, item: Item, thing: Detection, dt: float, scene: Scene) -> None:
        for person, hands in scene.hands.items():
            score = touch(hands, thing)
            if score is None:
                continue
            if person not in item.contacts and score < self.rules.contact_on:
                continue
            item.contacts.setdefault(person, Contact()).update(score, scene.time, dt, self.rules)
        for person, contact in list(item.contacts.items()):
            if not contact.on and contact.held is None and person != item.holder:
                del item.contacts[person]
        best = sorted(item.contacts, key=lambda person: (-item.contacts[person].score, person))
        for person in best[2:]:
            if person != item.holder:
                del item.contacts[person]
        if item.holder is not None and item.holder in scene.people:
            covers = (torso(scene.people[item.holder]), *(bag.box for bag in scene.bags))
            item.covered = any(centre_in(thing.box, box) for box in covers)

    # --- free -------------------------------------------------------------------------------------------------------

    def _free(self, slot: int, item: Item, scene: Scene) -> None:
        touching = item.touching()
        if touching:
            self._picked(slot, item, touching[0], scene)
            return
        speed = slope(item.places, 0.8 * self.rules.settle_s)
        still = speed is not None and speed < self.rules.still_sizes_per_s * item.size
        x, y = item.places[-1][1:]
        supported = self._supported(x, y + 0.5 * item.size, scene)
        if item.released is not None:
            self._released(slot, item, still, supported, scene)
        if still and item.released is None and not any(c.held is not None for c in item.contacts.values()):
            item.rest, item.rest_supported = middle(item.places), supported
        self._left_behind(slot, item, supported, scene)

    def _picked(self, slot: int, item: Item, person: int, scene: Scene) -> None:
        contact, role = item.contacts[person], scene.tracks.role("subject", person)
        if item.released is not None:
            if person != item.owner and item.owner_role is not None and not item.dropped:
                self._offer(item, person, item.released, scene)
                self._confirm_exchange(slot, item, scene)
                return
            item.hold(person, role)
        elif item.rest is None:  # it came into view in somebody's hands
            item.hold(person, role)
        elif self._displaced(item, scene):
            margin = item.margin(person)
            self._say("take", slot, item, (role,), contact.first, margin, scene, (person,))
            soon = item.put_at is not None and contact.first - item.put_at <= self.rules.handover_s
            if soon and item.put_at is not None and item.owner != person and item.owner_role is not None:
                roles = (_as("giver", item.owner_role), _as("receiver", role))
                self._say("indirect_handover", slot, item, roles, item.put_at, margin, scene, (person,))
            self._close(item, "abandon", scene.time, scene)
            item.hold(person, role)

    def _displaced(self, item: Item, scene: Scene) -> bool:
        if item.rest is None:
            return False
        x, y = item.places[-1][1:]
        if item.rest_supported and self._support is not None and not self._supported(x, y + 0.5 * item.size, scene):
            return True
        moved = math.hypot(x - item.rest[0], y - item.rest[1])
        return moved > max(self.rules.moved_sizes * item.size, self.rules.moved_diagonal)

    def _released(self, slot: int, item: Item, still: bool, supported: bool, scene: Scene) -> None:
        if item.released is None or item.owner_role is None:
            return
        role, since = item.owner_role, item.released
        if still and supported:
            pad = self.rules.padding_s
            self._say("put", slot, item, (role,), since, 1.0, scene, (), padded=(since - pad, since + pad))
            item.put_at = since
        elif scene.time - since >= self.rules.settle_s and not item.dropped:
            self._say("drop", slot, item, (role,), since, 1.0, scene, ())
            item.dropped = True
        if still:
            item.released = None

    def _left_behind(self, slot: int, item: Item, supported: bool, scene: Scene) -> None:
        """A thing whose last holder is far away, for long."""
        if item.owner_role is None or (supported and self._support is not None):
            item.far = None
            return
        person = None if item.owner is None else scene.people.get(item.owner)
        if person is None:
            near = False
        else:
            height = person.box[3] - person.box[1]
            x, y = (value * scene.diagonal for value in item.places[-1][1:])
            feet = 0.5 * (person.box[0] + person.box[2]), person.box[3]
            near = math.hypot(feet[0] - x, feet[1] - y) <= self.rules.abandon_heights * height
        if near:
            item.far = None
        elif item.far is None:
            item.far = scene.time
        elif item.abandon is None and scene.time - item.far >= self.rules.abandon_s - 1e-9:
            role = (_as("owner", item.owner_role),)
            item.abandon = self._say("abandon", slot, item, role, item.far, 1.0, scene, (), open=True)

    # --- held -------------------------------------------------------------------------------------------------------

    def _held(self, slot: int, item: Item, scene: Scene) -> None:
        holder = item.holder
        assert holder is not None
        others = [person for person in item.touching() if person != holder]
        if item.on(holder):
            item.exchange = None
            self._share(slot, item, others, scene)
            self._carry(slot, item, scene)
            return
        contact = item.contacts.get(holder)
        ended = contact.released if contact is not None else scene.time
        self._close(item, "carry", ended, scene)
        if item.co_carry is not None and others:
            self._close(item, "co_carry", ended, scene)
            item.hold(others[0], scene.tracks.role("subject", others[0]))
        elif others:
            if item.exchange is None:
                self._offer(item, others[0], ended, scene)
            self._confirm_exchange(slot, item, scene)
        else:
            self._close(item, "co_carry", ended, scene)
            item.let_go(ended)

    def _offer(self, item: Item, receiver: int, ended: float, scene: Scene) -> None:
        """A handover may be going on, if the receiver's touch began soon enough."""
        first = item.contacts[receiver].first
        if item.exchange is not None and item.exchange.receiver == receiver:
            return
        early, late = min(first, ended) - 1e-9, max(first, ended) + 1e-9
        hidden = item.blind is not None and item.blind[0] <= late and item.blind[1] >= early
        giver = -1 if item.owner is None else item.owner
        item.exchange = Exchange(giver, receiver, first, ended, hidden)

    def _confirm_exchange(self, slot: int, item: Item, scene: Scene) -> None:
        exchange = item.exchange
        assert exchange is not None
        if not item.on(exchange.receiver):
            item.exchange = None
            return
        if scene.time - max(exchange.start, exchange.end) < self.rules.hold_s - 1e-9:
            return
        soon = exchange.start - exchange.end <= self.rules.handover_s
        met = not exchange.hidden or exchange.receiver in item.met
        role = scene.tracks.role("subject", exchange.receiver)
        if soon and met and item.owner_role is not None:
            roles = (_as("giver", item.owner_role), _as("receiver", role))
            factor = item.margin(exchange.receiver) * (HIDDEN if exchange.hidden else 1.0)
            people = (exchange.giver, exchange.receiver)
            start, end = min(exchange.start, exchange.end), max(exchange.start, exchange.end)
            identity = self._say("handover", slot, item, roles, start, factor, scene, people, open=True)
            scene.log.close(identity, end, scene.time)
        item.hold(exchange.receiver, role)

    def _share(self, slot: int, item: Item, others: list[int], scene: Scene) -> None:
        """Two people who hold a thing for long carry it together."""
        assert item.holder is not None
        if not others:
            self._close(item, "co_carry", scene.time, scene)
            return
        start = max(item.contacts[item.holder].first, item.contacts[others[0]].first)
        if item.co_carry is None and scene.time - start > self.rules.joint_s:
            pair = (item.holder, others[0])
            roles = tuple(scene.tracks.role("subject", person) for person in pair)
            item.co_carry = self._say("co_carry", slot, item, roles, start, 1.0, scene, pair, open=True)

    def _carry(self, slot: int, item: Item, scene: Scene) -> None:
        """The holder walks with it."""
        assert item.holder is not None
        person = scene.people.get(item.holder)
        if person is None:
            return
        height = (person.box[3] - person.box[1]) / scene.diagonal
        feet = 0.5 * (person.box[0] + person.box[2]) / scene.diagonal, person.box[3] / scene.diagonal
        extend(item.path, scene.time, *feet, self.rules.settle_s)
        speed = slope(item.path, 0.8 * self.rules.settle_s)
        if speed is None:
            return
        if speed <= self.rules.carry_heights_per_s * height:
            self._close(item, "carry", scene.time, scene)
            item.moving = None
            return
        item.moving = scene.time if item.moving is None else item.moving
        if item.carry is None and scene.time - item.moving >= self.rules.carry_s - 1e-9:
            role = (scene.tracks.role("subject", item.holder),)
            item.carry = self._say("carry", slot, item, role, item.moving, 1.0, scene, (item.holder,), open=True)

    # --- out of sight -----------------------------------------------------------------------------------------------

    def _out_of_sight(self, item: Item, scene: Scene) -> None:
        """Nothing is concluded; only whose hands meet the holder's is noted."""
        if item.holder is None:
            return
        own = scene.hands.get(item.holder, [])
        for person, hands in scene.hands.items():
            if person != item.holder and person not in item.met and hands_meet(own, hands):
                item.met.append(person)

    def _reveal(self, item: Item, scene: Scene) -> None:
        """A hidden thing is seen again; its holder has it until the contacts say otherwise."""
        if item.conceal is not None:
            self.concealed.pop(item.conceal, None)
        self._close(item, "conceal", scene.time, scene)
        item.state = "held"

    def _lost(self, slot: int, scene: Scene) -> None:
        """A track was given up: a thing may be concealed, a person no longer holds anything that is still seen."""
        item = self.items.get(slot)
        if item is not None and item.state == "held" and item.covered and item.owner_role is not None:
            self._close(item, "carry", item.seen, scene)
            role = (item.owner_role,)
            item.state = "hidden"
            item.conceal = self._say("conceal", slot, item, role, item.seen, 1.0, scene, (), open=True)
            if item.holder is not None:
                self.concealed[item.conceal] = item.holder
        for identity, person in list(self.concealed.items()):
            if person == slot:
                scene.log.close(identity, float(scene.tracks.columns["seen"][slot]), scene.time, "left")
                del self.concealed[identity]
        for held in self.items.values():
            held.contacts.pop(slot, None)
            if held.holder == slot and held.state == "held":
                self._close(held, "carry", float(scene.tracks.columns["seen"][slot]), scene)
                self._close(held, "co_carry", float(scene.tracks.columns["seen"][slot]), scene)
                held.let_go(float(scene.tracks.columns["seen"][slot]))

    def _void(self, item: Item) -> None:
        """A gap in time: what was not yet certain is cancelled."""
        item.exchange, item.moving, item.places, item.path = None, None, [], []
        for person, contact in list(item.contacts.items()):
            contact.off = None
            if not contact.on:
                del item.contacts[person]

    # --- small things -----------------------------------------------------------------------------------------------

    def _supported(self, x: float, y: float, scene: Scene) -> bool:
        """Whether a place (in diagonals) lies on something on which things may be put."""
        return self._support is None or any(scene.zones.covers(zone, x, y) for zone in self._support)

    def _say(
        self, kind: str, slot: int, item: Item, roles: tuple[Role, ...], start: float, factor: float,
        scene: Scene, people: tuple[int, ...], *, open: bool = False, padded: tuple[float, float] | None = None,
    ) -> str:  # fmt: skip
        scores = [scene.people[person].score for person in people if person in scene.people]
        item_id, place = None, None
        if slot in scene.things:
            thing = scene.things[slot][0]
            scores.append(thing.score)
            item_id = thing.item_id
        factors = np.prod([scene.tracks.columns["factor"][s] for s in (slot, *people) if s >= 0])
        if item.places:
            place = (item.places[-1][1] * scene.diagonal, item.places[-1][2] * scene.diagonal)
        return scene.log.say(
            kind, self.rules.name, scene.epoch, roles, start, scene.time,
            min(scores, default=1.0) * factor * float(factors), open=open, place=place, padded=padded,
            thing=Thing(item.label, int(scene.tracks.columns["id"][slot]), item_id),
            evidence=(scene.seen.packet.seq,),
        )  # fmt: skip

    def _close(self, item: Item, name: str, time: float, scene: Scene) -> None:
        identity = getattr(item, name)
        if identity is not None:
            scene.log.close(identity, time, scene.time)
            setattr(item, name, None)


def _as(name: str, role: Role) -> Role:
    return Role(name, role.track_id, role.person_id)
