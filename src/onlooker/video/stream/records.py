"""What a stream hands out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from onlooker.video.stream.machine import StreamState


@dataclass(frozen=True, slots=True, eq=False)
class StreamFrame:
    """One frame: `image` uint8 RGB (height, width, 3).

    `time` is in seconds since the first frame of the stream and never goes back. Within an `epoch` it follows the time
    stamps of the source; between epochs (a reconnect, a jump of the time stamps, another picture size) it follows the
    monotonic clock, so that gaps have their real length. `index` counts frames handed out and dropped. `status` is 0
    ok, 1 concealed by the decoder. `wall` is the UTC time of arrival, for people to read.
    """

    image: NDArray[np.uint8]
    index: int
    time: float
    epoch: int
    status: int
    wall: datetime


@dataclass(frozen=True, slots=True)
class StreamMetrics:
    """A snapshot. Rates are per second over the last ten seconds, ages in seconds (None before the first frame).

    `dropped`: decoded but thrown away because the consumer was slow. `late`: came after a newer frame had been handed
    out. `duplicates` and `reordered` were repaired. `frozen`: the picture has not changed for `frozen_s`.
    """

    state: StreamState
    message: str
    epoch: int
    fps_in: float
    fps_processed: float
    frames: int
    dropped: int
    late: int
    duplicates: int
    reordered: int
    damaged: int
    last_frame_age: float | None
    reconnects_1h: int
    queue_depth: int
    frozen: bool
