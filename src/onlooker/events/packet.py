"""What goes into the event engine: one packet per frame, with the tracks seen in it and news about identities.

A detection of a track that is not confirmed has `track_id` None; it never makes an event. Ids below zero are refused,
because all unconfirmed things would share one state.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from onlooker.errors import RecordError

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing in one frame. `box` is xyxy in pixels of the packet's picture; `keypoints` are (x, y, visibility) in
    COCO order (17 body points); `centroid` is the centre of the mask where there is one; `person_id` is the
    appearance's identity, stronger than the track's."""

    track_id: int | None
    label: str
    score: float
    box: Box
    keypoints: tuple[tuple[float, float, float], ...] | None = None
    centroid: Point | None = None
    person_id: str | None = None
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """Track `old` goes on under the id `new`."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Swap:
    """Tracks `a` and `b` have carried each other's id since `since` (seconds)."""

    a: int
    b: int
    since: float


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame of one stream. `seq` counts frames as the source made them, `pts` is media time in seconds."""

    stream: str
    seq: int
    pts: float
    width: float
    height: float
    detections: tuple[Detection, ...] = ()
    merges: tuple[Merge, ...] = ()
    swaps: tuple[Swap, ...] = ()

    def check(self) -> None:
        """Errors: RecordError naming the fault, the stream and the sequence number."""
        where = f"packet {self.seq} of stream {self.stream!r}"
        if not (math.isfinite(self.pts) and self.width > 0 and self.height > 0):
            raise RecordError(f"{where}: time {self.pts} or size {self.width} x {self.height} is not a usable number.")
        ids = [d.track_id for d in self.detections if d.track_id is not None]
        if any(track < 0 for track in ids):
            raise RecordError(f"{where}: track id {min(ids)} is negative: give None for unconfirmed tracks.")
        if len(set(ids)) < len(ids):
            twice = next(track for track in ids if ids.count(track) > 1)
            raise RecordError(f"{where}: track id {twice} occurs twice: give one box per track and frame.")
        for d in self.detections:
            if not (d.score == d.score and all(map(math.isfinite, d.box))):
                raise RecordError(f"{where}: the box or score of track {d.track_id} is not finite: leave it out.")


def packet_to_json(packet: Packet) -> dict[str, Any]:
    """Plain values of a packet, for snapshots; NumPy numbers become Python's."""
    values = asdict(packet)
    values.update(pts=float(packet.pts), seq=int(packet.seq), width=float(packet.width), height=float(packet.height))
    for d in values["detections"]:
        d["track_id"] = None if d["track_id"] is None else int(d["track_id"])
        d["score"] = float(d["score"])
        d["box"] = [float(value) for value in d["box"]]
        for name in ("keypoints", "centroid"):
            d[name] = None if d[name] is None else np.asarray(d[name], np.float64).tolist()
    return values


def packet_from_json(values: dict[str, Any]) -> Packet:
    """The inverse of `packet_to_json`."""
    rest = {key: values[key] for key in ("stream", "seq", "pts", "width", "height")}
    return Packet(
        **rest,
        detections=tuple(_detection(d) for d in values["detections"]),
        merges=tuple(Merge(**m) for m in values["merges"]),
        swaps=tuple(Swap(**s) for s in values["swaps"]),
    )


def _detection(values: dict[str, Any]) -> Detection:
    keypoints, centroid = values["keypoints"], values["centroid"]
    x1, y1, x2, y2 = values["box"]
    return Detection(
        track_id=values["track_id"],
        label=values["label"],
        score=values["score"],
        box=(x1, y1, x2, y2),
        keypoints=None if keypoints is None else tuple((x, y, v) for x, y, v in keypoints),
        centroid=None if centroid is None else (centroid[0], centroid[1]),
        person_id=values["person_id"],
        item_id=values["item_id"],
    )
