"""Made-up videos: walkers, and trackers that miss, invent and confuse them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from onlooker.metrics.sequences import Boxes, TrackingSequence, make_sequence
from onlooker.records import SCHEMAS


def walkers(seed: int = 0, people: int = 5, frames: int = 30) -> Boxes:
    """Boxes of people who walk straight, each present for a part of the video."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(people):
        first, last = sorted(random.choice(frames + 1, 2, replace=False).tolist())
        corner, speed, size = random.uniform(0, 300, 2), random.uniform(-4, 4, 2), random.uniform(20, 60, 2)
        for frame in range(first, last):
            place = corner + speed * frame
            rows.append((frame, number, *place, *(place + size)))
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Boxes(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2:])


def tracked(gt: Boxes, seed: int = 0, miss: float = 0.15, noise: float = 5.0, confuse: float = 0.1) -> Boxes:
    """What a poor tracker makes of it."""
    random = np.random.default_rng(seed + 1000)
    keep = random.random(len(gt.frames)) > miss
    part = gt.keep(keep)
    xyxy = part.xyxy + random.normal(0, noise, part.xyxy.shape)
    fresh = random.random(len(part.ids)) < confuse
    ids = np.where(fresh, 100 + np.arange(len(part.ids)), part.ids)
    return Boxes(part.frames, ids, xyxy)


def sequence(seed: int = 0, **options: float) -> TrackingSequence:
    gt = walkers(seed)
    return make_sequence(gt, tracked(gt, seed, **options), 30)


def table(boxes: Boxes, video: str = "a.mp4") -> pa.Table:
    count = len(boxes.frames)
    columns = {
        "video": [video] * count,
        "frame": boxes.frames,
        "time": boxes.frames / 25,
        "track_id": boxes.ids,
        **{name: boxes.xyxy[:, axis].astype(np.float32) for axis, name in enumerate(("x1", "y1", "x2", "y2"))},
        "label": ["person"] * count,
        "score": np.ones(count, np.float32),
        "observed": [True] * count,
        "source": ["made/up@none"] * count,
    }
    return pa.table(columns, schema=SCHEMAS["tracks"])
