"""One Arrow schema per kind of statement about video.

Conventions that hold in every table: times are seconds of media time on the file's presentation clock, boxes are
continuous `x1, y1, x2, y2` in displayed pixels (rotation and nothing else applied), `track_id` is unique within a
video and never negative, `source` is `method/variant@weights` (for example `kalman/default@none`).
"""

from __future__ import annotations

import pyarrow as pa

VIDEO = pa.field("video", pa.string(), nullable=False)
FRAME = pa.field("frame", pa.int64(), nullable=False)
TIME = pa.field("time", pa.float64(), nullable=False)
START = pa.field("start", pa.float64(), nullable=False)
END = pa.field("end", pa.float64(), nullable=False)
TRACK = pa.field("track_id", pa.int64(), nullable=False)
MAYBE_TRACK = pa.field("track_id", pa.int64())
BOX = [pa.field(name, pa.float32(), nullable=False) for name in ("x1", "y1", "x2", "y2")]
LABEL = pa.field("label", pa.string(), nullable=False)
SCORE = pa.field("score", pa.float32())
SOURCE = pa.field("source", pa.string(), nullable=False)

SCHEMAS: dict[str, pa.Schema] = {
    # a box in one frame, not yet linked
    "detections": pa.schema([VIDEO, FRAME, TIME, *BOX, LABEL, SCORE, SOURCE]),
    # a linked box; `observed` is false where the tracker bridged a gap
    "tracks": pa.schema([VIDEO, FRAME, TIME, TRACK, *BOX, LABEL, SCORE, pa.field("observed", pa.bool_()), SOURCE]),
    # which track is which person; `identity` is a name or an opaque id
    "identities": pa.schema(
        [VIDEO, TRACK, START, END, pa.field("identity", pa.string(), nullable=False), SCORE, SOURCE]
    ),
    # between two cuts; `transition` is how the shot begins: start, cut, fade, dissolve
    "shots": pa.schema(
        [
            VIDEO,
            pa.field("shot", pa.int64(), nullable=False),
            pa.field("start_frame", pa.int64(), nullable=False),
            pa.field("end_frame", pa.int64(), nullable=False),
            START,
            END,
            pa.field("transition", pa.string(), nullable=False),
            SCORE,
            SOURCE,
        ]
    ),
    # something that holds from start to end, of one track or of the whole picture
    "segments": pa.schema([VIDEO, MAYBE_TRACK, START, END, LABEL, SCORE, SOURCE]),
    # what a person does around one moment, AVA style
    "actions": pa.schema([VIDEO, FRAME, TIME, MAYBE_TRACK, *BOX, LABEL, SCORE, SOURCE]),
    # append-only; a correction is a new row with the same event_id and a higher version
    "events": pa.schema(
        [
            VIDEO,
            pa.field("event_id", pa.string(), nullable=False),
            pa.field("version", pa.int32(), nullable=False),
            pa.field("type", pa.string(), nullable=False),
            pa.field("rule", pa.string(), nullable=False),
            pa.field("state", pa.string(), nullable=False),
            START,
            pa.field("confirm", pa.float64()),
            pa.field("end", pa.float64()),
            MAYBE_TRACK,
            pa.field("participants", pa.string(), nullable=False),  # JSON: [{"role", "track_id"}]
            pa.field("direction", pa.string()),
            pa.field("x", pa.float32()),
            pa.field("y", pa.float32()),
            SCORE,
            SOURCE,
        ]
    ),
    "captions": pa.schema(
        [VIDEO, MAYBE_TRACK, START, END, pa.field("text", pa.string(), nullable=False), SCORE, SOURCE]
    ),
    "embeddings": pa.schema(
        [VIDEO, MAYBE_TRACK, START, END, pa.field("vector", pa.list_(pa.float32()), nullable=False), SOURCE]
    ),
    # loudness of one stretch of sound, in dB relative to full scale (silence is -120)
    "sound": pa.schema([VIDEO, START, END, pa.field("rms", pa.float32()), pa.field("peak", pa.float32()), SOURCE]),
}
