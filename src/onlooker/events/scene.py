"""One packet as the ownership machine looks at it: people with their hands, things, bags."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from onlooker.events.event import EventLog
from onlooker.events.hands import Hand, hands_of
from onlooker.events.packet import Box, Detection
from onlooker.events.rules import ObjectRules
from onlooker.events.tracks import Seen, Tracks
from onlooker.events.zones import Zones


@dataclass
class Scene:
    """Tracks by slot, sorted by what they are. `things` come with the seconds that count for their contacts."""

    seen: Seen
    tracks: Tracks
    zones: Zones
    log: EventLog
    epoch: int
    time: float
    diagonal: float
    people: dict[int, Detection] = field(default_factory=dict)
    hands: dict[int, list[Hand]] = field(default_factory=dict)
    things: dict[int, tuple[Detection, float]] = field(default_factory=dict)
    bags: list[Detection] = field(default_factory=list)


def look(rules: ObjectRules, seen: Seen, tracks: Tracks, zones: Zones, log: EventLog, epoch: int) -> Scene:
    """The scene of a packet."""
    packet = seen.packet
    scene = Scene(seen, tracks, zones, log, epoch, packet.pts, math.hypot(packet.width, packet.height))
    for slot, detection, dt in zip(seen.slots.tolist(), seen.detections, seen.dt.tolist(), strict=True):
        if detection.label in rules.people:
            scene.people[slot], scene.hands[slot] = detection, hands_of(detection)
        if detection.label in rules.things:
            scene.things[slot] = detection, dt
        if detection.label in rules.containers:
            scene.bags.append(detection)
    return scene


def centre_in(box: Box, area: Box) -> bool:
    """Whether the middle of a box lies in another one."""
    x, y = 0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])
    return area[0] <= x <= area[2] and area[1] <= y <= area[3]
