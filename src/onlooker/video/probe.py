"""What a file really holds, as a dictionary of plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from onlooker.errors import MediaError
from onlooker.video.frames import CONCEALED, MISSING
from onlooker.video.index import FrameIndex
from onlooker.video.limits import Limits
from onlooker.video.reader import Video
from onlooker.video.source import VideoSource

_COMMON_STEPS = 10


def probe(source: VideoSource, *, decode: bool = True, limits: Limits | None = None) -> dict[str, Any]:
    """Header, packet index and, with `decode`, the damage that decoding every frame shows.

    All values fit into JSON: `info` (fields of VideoInfo), `index` (frames, hidden and damaged packets, first and
    last time, steps in milliseconds with their counts), `groups` (frames from key frame to key frame), `damage`
    (intervals, frames concealed and missing, or why decoding stopped). Raises MediaError, ConfigError.

    >>> from onlooker.video.probe import probe
    >>> probe("street.mp4")["index"]["frames"]  # doctest: +SKIP
    795
    """
    with Video(source, on_corrupt="skip", max_bad_ratio=1.0, limits=limits) as video:
        index = video.index
        report: dict[str, Any] = {
            "info": {name: _plain(value) for name, value in asdict(video.info).items()},
            "index": _index_facts(index),
            "groups": _group_facts(index),
        }
        if decode:
            report["damage"] = _damage(video)
        return report


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return list(value) if isinstance(value, tuple) else value


def _index_facts(index: FrameIndex) -> dict[str, Any]:
    steps = Counter(np.round(1000 * index.duration[:-1], 3).tolist())
    return {
        "frames": len(index),
        "packets": len(index.packet_pts),
        "hidden_packets": int(index.packet_skip.sum()),
        "damaged_packets": int(index.packet_damaged.sum()),
        "bytes": int(index.packet_size.sum()),
        "start": index.start,
        "end": index.end,
        "key_frames": int(index.key.sum()),
        "seekable": index.seekable,
        "distinct_steps": len(steps),
        "steps_ms": [{"step": step, "count": count} for step, count in steps.most_common(_COMMON_STEPS)],
    }


def _group_facts(index: FrameIndex) -> dict[str, Any]:
    """Lengths of the stretches that must be decoded together."""
    shown = index.group[index.ordinal]
    lengths = np.bincount(np.maximum(shown, 0)) if len(shown) else np.zeros(1, np.int64)
    keys = index.keys
    leading = np.arange(len(index.group)) > keys[np.maximum(index.group, 0)]
    own = np.searchsorted(keys, np.arange(len(index.group)), side="right") - 1
    return {
        "count": len(keys),
        "shortest": int(lengths.min()),
        "median": float(np.median(lengths)),
        "longest": int(lengths.max()),
        "open": bool((leading & (own > index.group)).any()),
    }


def _damage(video: Video) -> dict[str, Any]:
    stopped = None
    try:
        intervals = video.check()
    except MediaError as error:
        intervals, stopped = video.bad_intervals, str(error)
    status = video.status
    return {
        "intervals": [{"start": start, "end": end, "reason": reason} for start, end, reason in intervals],
        "concealed": int((status == CONCEALED).sum()),
        "missing": int((status == MISSING).sum()),
        "stopped": stopped,
    }
