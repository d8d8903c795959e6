"""The frames of a live source as chunks for the pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.pipeline import Chunk
from onlooker.errors import SourceLost
from onlooker.video import Clip
from onlooker.video.stream import Stream, StreamFrame, StreamMetrics

CHUNK_SECONDS = 1.0
CHUNK_FRAMES = 30


class LiveFrames:
    """The frames of a stream as chunks of about a second, all of the first frame's size."""

    def __init__(
        self,
        stream: Stream,
        seconds: float | None,
        stop: threading.Event,
        on_state: Callable[[StreamMetrics], None] | None,
    ) -> None:
        self._stream = stream
        self._seconds = seconds
        self._stop = stop
        self._on_state = on_state
        self._state: object = None

    def first(self) -> StreamFrame:
        """Waits for the first frame."""
        frame = next(self._frames(), None)
        if frame is None:
            raise SourceLost(f"{self._stream.name}: no frame came ({self._stream.metrics.message}).")
        return frame

    def chunks(self, first: StreamFrame) -> Iterator[Chunk]:
        """Chunks in order; one is held back so that the last one can say that it is the last."""
        height, width = first.image.shape[:2]
        waiting: list[StreamFrame] = []
        number = 0
        for group in self._groups(first):
            if waiting:
                yield Chunk(_clip(waiting, width, height), number == 0, False, waiting[0].epoch)
                number += 1
            waiting = group
        yield Chunk(_clip(waiting, width, height), number == 0, True, waiting[0].epoch)

    def _groups(self, first: StreamFrame) -> Iterator[list[StreamFrame]]:
        group = [first]
        for frame in self._frames():
            full = len(group) >= CHUNK_FRAMES or frame.time - group[0].time >= CHUNK_SECONDS
            if full or frame.epoch != group[0].epoch:
                yield group
                group = []
            group.append(frame)
        yield group

    def _frames(self) -> Iterator[StreamFrame]:
        while not self._stop.is_set():
            frame = self._stream.read(timeout=0.2)
            self._notice_state()
            if frame is None:
                if self._stream.state == "stopped":
                    return
            elif self._seconds is not None and frame.time >= self._seconds:
                return
            else:
                yield frame

    def _notice_state(self) -> None:
        state = self._stream.state
        if state != self._state:
            self._state = state
            if self._on_state:
                self._on_state(self._stream.metrics)


def _clip(frames: list[StreamFrame], width: int, height: int) -> Clip:
    times = np.array([frame.time for frame in frames])
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.04
    return Clip(
        images=np.stack([_sized(frame.image, width, height) for frame in frames]),
        indices=np.array([frame.index for frame in frames], np.int64),
        times=times,
        durations=np.append(steps, usual),
        status=np.array([frame.status for frame in frames], np.uint8),
    )


def _sized(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """A source that changes its picture size goes on in the first size, so that boxes stay comparable."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
