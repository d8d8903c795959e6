"""Zones, lines, contacts to events; the monitors built on them.

`motion` says what people do without any rules; `EventEngine` applies the rules that a user gives.
"""

from __future__ import annotations

from onlooker.events.engine import EventEngine
from onlooker.events.event import Event, Role, Thing, events_table
from onlooker.events.packet import Detection, Merge, Packet, Swap
from onlooker.events.rules import Rules, load_rules, parse_rules

__all__ = [
    "Detection",
    "Event",
    "EventEngine",
    "Merge",
    "Packet",
    "Role",
    "Rules",
    "Swap",
    "Thing",
    "events_table",
    "load_rules",
    "parse_rules",
]
