"""Tables to write."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from onlooker.records import SCHEMAS


def detections(unit: int = 0, rows: int = 50, video: str = "a.mp4") -> pa.Table:
    """Sound rows that differ per unit and go forward in time."""
    random = np.random.default_rng(unit)
    corner = random.uniform(0, 50, (rows, 2))
    size = random.uniform(1, 40, (rows, 2))
    return pa.table(
        {
            "video": [video] * rows,
            "frame": np.arange(rows) + unit * rows,
            "time": (np.arange(rows) + unit * rows) / 25,
            "x1": corner[:, 0].astype(np.float32),
            "y1": corner[:, 1].astype(np.float32),
            "x2": (corner + size)[:, 0].astype(np.float32),
            "y2": (corner + size)[:, 1].astype(np.float32),
            "label": ["person"] * rows,
            "score": random.random(rows).astype(np.float32),
            "source": ["made/up@none"] * rows,
        },
        schema=SCHEMAS["detections"],
    )


def tracks(boxes: dict[tuple[int, int], tuple[float, float, float, float]], video: str = "a.mp4") -> pa.Table:
    """A tracks table of {(frame, id): box}, 25 frames per second, score 1."""
    keys = sorted(boxes)
    return pa.Table.from_pylist(
        [
            {
                "video": video,
                "frame": frame,
                "time": frame / 25,
                "track_id": number,
                **dict(zip(("x1", "y1", "x2", "y2"), boxes[frame, number], strict=True)),
                "label": "person",
                "score": 1.0,
                "observed": True,
                "source": "made/up@none",
            }
            for frame, number in keys
        ],
        schema=SCHEMAS["tracks"],
    )
