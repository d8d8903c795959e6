"""The truth as Arrow tables in the schemas of `records`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from onlooker.records.schemas import SCHEMAS
from onlooker.world.truth import FrameTruth

SOURCE = "world/truth@none"


class Tabulator:
    """Collects frames as they are made and gives the tables that need pictures: `tracks` and `actions`."""

    def __init__(self, video: str, size: tuple[int, int]) -> None:
        self._video = video
        self._size = size
        self._tracks: list[dict[str, Any]] = []
        self._actions: list[dict[str, Any]] = []

    def add(self, truth: FrameTruth) -> None:
        """Note everybody who is in the picture, hidden or not."""
        for person in truth.people:
            if person.region is None or not person.inside:
                continue
            width, height = self._size
            x1, y1, x2, y2 = person.full_box
            box = {"x1": max(x1, 0.0), "y1": max(y1, 0.0), "x2": min(x2, width), "y2": min(y2, height)}
            row = {
                "video": self._video,
                "frame": truth.index,
                "time": truth.time,
                "track_id": person.track_id,
                **box,
                "source": SOURCE,
            }
            self._tracks.append(row | {"label": "person", "score": person.visible, "observed": person.visible >= 0.1})
            self._actions += [row | {"label": action, "score": 1.0} for action in person.actions]

    def tables(self) -> dict[str, pa.Table]:
        """Both tables, ordered by frame and track."""
        rows = {"tracks": self._tracks, "actions": self._actions}
        order = {name: sorted(found, key=lambda row: (row["frame"], row["track_id"])) for name, found in rows.items()}
        return {name: table(name, found) for name, found in order.items()}


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the table of that name."""
    return pa.Table.from_pylist(rows, schema=SCHEMAS[name])
