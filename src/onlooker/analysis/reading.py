"""The frames of one job as chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Chunk
from onlooker.errors import ConfigError
from onlooker.video import Video

CHUNK_BYTES = 48 << 20
LONGEST_CHUNK = 64
SHORTEST_CHUNK = 4
UNIT_FRAMES = 128


def frames_of(video: Video, options: Options) -> range:
    """The frame numbers between `start` and `end`. Errors: ConfigError when there are none."""
    times = video.index.time
    start = int(np.searchsorted(times, options.start, side="left"))
    stop = len(times) if options.end is None else int(np.searchsorted(times, options.end, side="left"))
    if start >= stop:
        last = float(times[-1]) if len(times) else 0.0
        raise ConfigError(
            f"no frame lies between {options.start:g} s and {options.end or last:g} s: the video ends at {last:g} s."
        )
    return range(start, stop)


def chunk_length(width: int, height: int) -> int:
    """Frames in a chunk, from the picture size alone, so that every run of a video cuts it alike."""
    fitting = CHUNK_BYTES // (3 * width * height)
    return max(SHORTEST_CHUNK, min(LONGEST_CHUNK, fitting))


def unit_length(chunk: int) -> int:
    """Chunks in a unit of work, after which results and states are committed."""
    return max(1, UNIT_FRAMES // chunk)


def read_chunks(video: Video, frames: range, done_units: int) -> Iterator[Chunk]:
    """The chunks that are still to do. A chunk is empty where nothing decodes and bad frames are skipped."""
    size = chunk_length(video.info.width, video.info.height)
    per_unit = unit_length(size)
    starts = frames[::size]
    for number in range(done_units * per_unit, len(starts)):
        first, last = number == 0, number == len(starts) - 1
        clip = video.read(range(starts[number], min(starts[number] + size, frames.stop)))
        yield Chunk(clip, first, last, checkpoint=last or (number + 1) % per_unit == 0)
