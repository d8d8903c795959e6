"""The truth as Arrow tables in the schemas of `records`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onlooker.records.schemas import SCHEMAS
from onlooker.world.actions import ACTIONS
from onlooker.world.truth import Extent, FrameTruth

if TYPE_CHECKING:
    from onlooker.world.world import World

SOURCE = "world/truth@none"
Row = dict[str, Any]


class Tabulator:
    """Collects frames as they are made and gives the tables that need pictures: `tracks`, `detections` and
    `actions`."""

    def __init__(self, video: str, size: tuple[int, int]) -> None:
        self._video = video
        self._size = size
        self._tracks: list[Row] = []
        self._actions: list[Row] = []
        self._things: list[Row] = []

    def add(self, truth: FrameTruth) -> None:
        """Note everybody and everything in the picture, hidden or not."""
        where = {"video": self._video, "frame": truth.index, "time": truth.time, "source": SOURCE}
        for person in truth.people:
            box = self._box(person.extent)
            if box is not None:
                row = where | box | {"track_id": person.track_id}
                seen = {"score": person.visible, "observed": person.visible >= 0.1}
                self._tracks.append(row | {"label": "person"} | seen)
                self._actions += [row | {"label": action, "score": 1.0} for action in person.actions]
        for thing in truth.things:
            box = self._box(thing.extent)
            if box is not None and thing.extent.visible > 0:
                self._things.append(where | box | {"label": thing.kind, "score": thing.extent.visible})

    def _box(self, extent: Extent) -> Row | None:
        """The whole extent cut at the picture's edge; None for what is not in the picture."""
        if not extent.inside or extent.full_box is None:
            return None
        width, height = self._size
        x1, y1, x2, y2 = extent.full_box
        if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            return None  # a pixel's rounding brought a silhouette in that ends at the edge
        return {"x1": max(x1, 0.0), "y1": max(y1, 0.0), "x2": min(x2, width), "y2": min(y2, height)}

    def tables(self) -> dict[str, pa.Table]:
        """The tables, ordered by frame and track; `detections` holds people and things that are seen, without ids."""
        tracks = sorted(self._tracks, key=lambda row: (row["frame"], row["track_id"]))
        columns = set(SCHEMAS["detections"].names)
        people = [{k: v for k, v in row.items() if k in columns} for row in tracks if row["score"] > 0]
        detections = sorted([*people, *self._things], key=lambda row: row["frame"])
        actions = sorted(self._actions, key=lambda row: (row["frame"], row["track_id"]))
        return {
            "tracks": table("tracks", tracks),
            "detections": table("detections", detections),
            "actions": table("actions", actions),
        }


def table(name: str, rows: list[Row]) -> pa.Table:
    """Rows as the table of that name."""
    return pa.Table.from_pylist(rows, schema=SCHEMAS[name])


def script_tables(world: World, video: str) -> dict[str, pa.Table]:
    """Segments, identities, events, shots and captions: what is known without rendering, in the world's own time."""
    base = {"video": video, "source": SOURCE, "score": 1.0}
    rows: dict[str, list[Row]] = {
        "segments": [base | row for row in _segments(world)],
        "identities": [
            base | {"track_id": p.index, "start": 0.0, "end": world.seconds, "identity": str(p.body.identity)}
            for p in world.scene.performers
        ],
        "events": [base | row for row in _events(world)],
        "shots": [base | row for row in _shots(world)],
        "captions": [
            base | {"track_id": c.track_id, "start": c.start, "end": c.end, "text": c.text}
            for c in sorted(world.captions(), key=lambda caption: caption.start)
        ],
    }
    return {name: table(name, found) for name, found in rows.items()}


def _span(world: World, start: float, end: float) -> Row:
    end = min(end, world.seconds)
    return (
        {"start": world.seconds - end, "end": world.seconds - start}
        if world.backwards
        else {"start": start, "end": end}
    )


def _segments(world: World) -> list[Row]:
    rows = []
    for performer in world.scene.performers:
        for start, end, label, _ in performer.doings(world.seconds):
            name = (ACTIONS[label].reversed or label) if world.backwards and label in ACTIONS else label
            rows.append(_span(world, start, end) | {"track_id": performer.index, "label": name})
    rows += [
        _span(world, step.start, step.end) | {"track_id": step.role, "label": f"{step.level}: {step.label}"}
        for step in world.scene.script.steps
        if step.start < world.seconds
    ]
    return sorted(
        rows, key=lambda row: (row["start"], -1 if row["track_id"] is None else row["track_id"], row["label"])
    )


def _events(world: World) -> list[Row]:
    swapped = {"pick": "put", "put": "pick", "hand_over": "hand_over"}
    rows = []
    for number, event in enumerate(world.scene.events):
        kind, first, other = event.kind, event.role, event.other
        if world.backwards:
            kind = swapped[kind]
            first, other = (other, first) if other is not None else (first, None)
        people = [{"role": "giver" if other is not None else "person", "track_id": first}]
        if other is not None:
            people.append({"role": "taker", "track_id": other})
        time = world.seconds - event.time if world.backwards else event.time
        rows.append(
            {
                "event_id": f"{kind}-{number}",
                "version": 1,
                "type": kind,
                "rule": "world",
                "state": "closed",
                "start": time,
                "confirm": time,
                "end": time,
                "track_id": first,
                "participants": json.dumps([*people, {"role": "thing", "name": event.thing}]),
                "direction": None,
                "x": None,
                "y": None,
            }
        )
    return sorted(rows, key=lambda row: (row["start"], row["event_id"]))


def _shots(world: World) -> list[Row]:
    first = [world.shot_at(index) for index in range(len(world))]
    starts = [0, *(i for i in range(1, len(first)) if first[i] != first[i - 1])]
    return [
        {
            "shot": number,
            "start_frame": start,
            "end_frame": end,
            "start": start / world.rate,
            "end": end / world.rate,
            "transition": "start" if number == 0 else "cut",
        }
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(world)], strict=True))
    ]
