"""What to look for: zones, lines, objects in hands. From JSON or YAML, in coordinates from 0 to 1 of the picture.

zones:
  - {name: counter, polygon: [[0.1, 0.6], [0.4, 0.6], [0.4, 1.0], [0.1, 1.0]], dwell_s: 20}
lines:
  - {name: door, start: [0.5, 0.9], end: [0.7, 0.9]}      # left of the way from start to end is "in"
objects:
  things: [bag]
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onlooker.errors import ConfigError
from onlooker.events.geometry import ring_fault
from onlooker.storage import storage_errors

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Place = tuple[Coordinate, Coordinate]
Anchor = Literal["bottom_center", "center", "top_center", "left_wrist", "right_wrist", "mask_centroid"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClockRules(_Strict):
    """Order and breaks of time."""

    reorder_s: Seconds = 0.2
    max_packets: Annotated[int, Field(ge=1)] = 64
    gap_s: Seconds = 1.0
    restart_s: Seconds = 10.0


class TrackRules(_Strict):
    """When a track is lost, forgotten, or goes on under another id."""

    lost_s: Seconds = 2.0
    forget_s: Seconds = 30.0
    soft_link: bool = True
    link_s: Seconds = 1.0
    link_iou: Share = 0.3
    link_factor: Share = 0.8


class ZoneRules(_Strict):
    """An area with an inside. Margins are shares of the picture's diagonal; with `overlap`, shares of the box."""

    name: str = Field(min_length=1)
    polygon: list[Place]
    holes: list[list[Place]] = []
    anchor: Anchor = "bottom_center"
    overlap: Share | None = Field(None, description="inside means: at least this share of the box; replaces the anchor")
    classes: list[str] | None = None
    margin_in: Share = 0.005
    margin_out: Share = 0.005
    enter_s: Seconds = 0.3
    exit_s: Seconds = 0.5
    observations: Annotated[int, Field(ge=1)] = 2
    score_min: Share = 0.0
    appear_as_enter: bool = False
    dwell_s: Seconds | None = None
    dwell_tolerance_s: Seconds = 1.0


class LineRules(_Strict):
    """A finite line from `start` to `end`; who crosses it from its right to its left goes "in"."""

    name: str = Field(min_length=1)
    start: Place
    end: Place
    anchor: Anchor = "bottom_center"
    classes: list[str] | None = None
    margin: Share = 0.005
    settle_s: Seconds = 0.2
    observations: Annotated[int, Field(ge=1)] = 2
    score_min: Share = 0.0
    tolerance: Share = 0.01
    once_per_track: bool = False
    cooldown_s: Seconds = 0.0


class ObjectRules(_Strict):
    """Who takes, carries, puts and hands over what. Lengths are in object sizes or body heights as named."""

    name: str = "objects"
    people: list[str] = ["person"]
    things: list[str] = Field(min_length=1)
    containers: list[str] = []
    support: list[str] | None = Field(None, description="names of zones on which things may be put; everywhere if null")
    contact_on: Share = 0.6
    contact_off: Share = 0.3
    contact_s: Seconds = 0.15
    release_s: Seconds = 0.25
    moved_sizes: float = 0.25
    moved_diagonal: Share = Field(0.0036, description="8 pixels of a 1920 x 1080 picture")
    still_sizes_per_s: float = 0.1
    settle_s: Seconds = 0.5
    carry_heights_per_s: float = 0.2
    carry_s: Seconds = 1.0
    handover_s: Seconds = 2.0
    hold_s: Seconds = 0.5
    joint_s: Seconds = 3.0
    abandon_heights: float = 2.0
    abandon_s: Seconds = 30.0
    padding_s: Seconds = 1.0


class Rules(_Strict):
    """Everything the engine is asked to report."""

    zones: list[ZoneRules] = []
    lines: list[LineRules] = []
    objects: ObjectRules | None = None
    clock: ClockRules = ClockRules()
    tracks: TrackRules = TrackRules()
    report_min: Share = 0.2  # events of lower confidence are not reported; below 0.5 they are for review


def parse_rules(values: Mapping[str, Any]) -> Rules:
    """Rules from plain values.

    Errors: ConfigError for unknown keys (with the nearest valid one), wrong types, coordinates outside 0 to 1, names
    given twice, polygons that cross themselves, lines without length.

    >>> parse_rules({"lines": [{"name": "door", "start": [0.2, 0.5], "end": [0.8, 0.5]}]}).lines[0].settle_s
    0.2
    """
    try:
        rules = Rules.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError("rules: " + "; ".join(_explain(item) for item in error.errors()) + ".") from None
    faults = _faults(rules)
    if faults:
        raise ConfigError("rules: " + "; ".join(faults) + ".")
    return rules


def load_rules(path: str | Path) -> Rules:
    """Rules from a .json, .yaml or .yml file. Errors: as `parse_rules`, with the file's name; doubled keys as well."""
    path = Path(path)
    with storage_errors(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        if path.suffix.lower() == ".json":
            values = json.loads(text, object_pairs_hook=_unique)
        else:
            values = yaml.load(text, Loader=_UniqueKeys)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path.name} is not valid: {error}.") from None
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name} must hold a mapping with zones, lines or objects.")
    try:
        return parse_rules(values)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(f"key {key!r} is given twice: keep one.")
    return dict(pairs)


class _UniqueKeys(yaml.SafeLoader):
    """Plain YAML that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _unique([(str(self.construct_object(key, deep=True)), None) for key, _ in node.value])
        return super().construct_mapping(node, deep)


def _explain(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']} (it is {item['input']!r})"
    models: dict[str, type[BaseModel]] = {
        "zones": ZoneRules, "lines": LineRules, "objects": ObjectRules, "clock": ClockRules, "tracks": TrackRules,
    }  # fmt: skip
    known = models.get(str(item["loc"][0]), Rules) if len(item["loc"]) > 1 else Rules
    near = difflib.get_close_matches(str(item["loc"][-1]), known.model_fields, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known.model_fields)}"
    return f"unknown key {place!r}, {hint}"


def _faults(rules: Rules) -> list[str]:
    faults = []
    names = [zone.name for zone in rules.zones] + [line.name for line in rules.lines]
    faults += [f"the name {name!r} is given twice" for name in sorted({n for n in names if names.count(n) > 1})]
    for zone in rules.zones:
        for what, ring in [("polygon", zone.polygon), *((f"hole {i}", hole) for i, hole in enumerate(zone.holes))]:
            fault = ring_fault(ring)
            if fault:
                faults.append(f"zone {zone.name!r}: its {what} {fault}")
    faults += [
        f"line {line.name!r}: start and end are the same point" for line in rules.lines if line.start == line.end
    ]
    if rules.objects is not None:
        known = {zone.name for zone in rules.zones}
        for name in rules.objects.support or []:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
                hint = f", did you mean {near[0]!r}?" if near else ""
                faults.append(f"objects.support names the zone {name!r}, which is not there{hint}")
    return faults
