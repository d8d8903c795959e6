"""The stages of the analysis on a live source, until it ends, a time is up, or somebody says stop.

Frames are not kept: what is written are tables. Each watch gets a run folder of its own, since a live source cannot be
gone over again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis import stages as _stages  # noqa: F401 - fills STAGES
from onlooker.analysis.inputs import RUN_SUFFIX, assign_folders
from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Chunk, Pipeline, Result
from onlooker.analysis.plan import order_stages
from onlooker.analysis.stage import STAGES, Context
from onlooker.analysis.tables import rows_table
from onlooker.errors import ConfigError, SourceLost
from onlooker.records import Run, RunWriter
from onlooker.video import Clip, Video
from onlooker.video.stream import Stream, StreamFrame, StreamMetrics

CHUNK_SECONDS = 1.0
CHUNK_FRAMES = 30
COMMIT_SECONDS = 15.0
GAP_SECONDS = 2.0
SOURCE = "stream/default@none"

Event = dict[str, Any]


def watch(
    source: str,
    out: Path | None = None,
    options: Options | None = None,
    *,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_state: Callable[[StreamMetrics], None] | None = None,
    **stream_options: Any,
) -> Run:
    """Run the stages on a camera, a stream or a file played as if it were live.

    Ends after `seconds`, when `stop` is set, or with the source; what was seen until then is a complete run. `on_event`
    hears each event once, `on_state` each change of the connection. `stream_options` go to `video.Stream`.
    Errors: SourceLost when the source never gave a frame, ConfigError, StorageError.
    """
    options = options or Options.parse({})
    stop = stop or threading.Event()
    (item,) = assign_folders([source], out)
    began = datetime.now(UTC)
    folder = item.folder.with_name(f"{item.folder.stem}-{began:%Y%m%dT%H%M%SZ}{RUN_SUFFIX}")
    with Stream(source, **stream_options) as stream:
        frames = _Frames(stream, seconds, stop, on_state)
        first = frames.first()
        identity = {"name": item.name, "bytes": None, "sha256": None}
        with RunWriter.create_or_resume(folder, configuration=options.model_dump(), source=identity) as writer:
            context = _context(item.name, first, options)
            plan = [stage(context) for stage in order_stages(STAGES, options.stages)]
            seen = _run(Pipeline(plan), frames.chunks(first), writer, item.name, on_event)
            metrics = stream.metrics
            writer.manifest.warnings = sorted({*context.warnings, *_warnings(metrics)})
            run = Run(folder)
            writer.manifest.facts = {
                "size": [context.width, context.height],
                "frames": seen.frames,
                "start": 0.0,
                "end": seen.end,
                "people": len(set(run.tracks["track_id"].to_pylist())),
                "stream": {k: v for k, v in asdict(metrics).items() if isinstance(v, int | str)},
                "started": began.isoformat(timespec="seconds"),
            }
            writer.manifest.bad_intervals = seen.gaps
            return writer.finish()


class _Seen:
    """What came through: frames, the end, and gaps between epochs."""

    def __init__(self) -> None:
        self.frames = 0
        self.end = 0.0
        self.gaps: list[dict[str, Any]] = []

    def add(self, clip: Clip) -> None:
        if len(clip):
            if self.frames and clip.start - self.end >= GAP_SECONDS:
                self.gaps.append({"start": self.end, "end": clip.start, "reason": "no signal"})
            self.frames += len(clip)
            self.end = clip.end


def _run(
    pipeline: Pipeline, chunks: Iterator[Chunk], writer: RunWriter, name: str, on_event: Callable[[Event], None] | None
) -> _Seen:
    seen = _Seen()
    committed = 0.0
    for result in pipeline.run(chunks):
        gaps = len(seen.gaps)
        seen.add(result.chunk.clip)
        _append(result, writer)
        _append_gaps(seen.gaps[gaps:], writer, name)
        if on_event:
            for event in _events(result):
                on_event(event)
        if result.chunk.last or seen.end - committed >= COMMIT_SECONDS:
            writer.commit(writer.next_unit)
            committed = seen.end
    return seen


def _append(result: Result, writer: RunWriter) -> None:
    for table, parts in result.tables.items():
        for part in parts:
            writer.append(table, part)


def _append_gaps(gaps: list[dict[str, Any]], writer: RunWriter, name: str) -> None:
    rows = [{"video": name, "label": gap["reason"], "score": 1.0, "source": SOURCE, **gap} for gap in gaps]
    writer.append("segments", rows_table("segments", [{k: v for k, v in row.items() if k != "reason"} for row in rows]))


def _events(result: Result) -> Iterator[Event]:
    for part in result.tables.get("events", []):
        yield from part.to_pylist()


def _context(name: str, first: StreamFrame, options: Options) -> Context:
    def no_file() -> Video:
        raise ConfigError(f"{name} is live: there is no file to read again.")

    height, width = first.image.shape[:2]
    return Context(
        video=name,
        width=width,
        height=height,
        duration=None,
        rate=0.0,
        has_sound=False,
        options=options,
        open_video=no_file,
    )


def _warnings(metrics: StreamMetrics) -> Iterator[str]:
    if metrics.dropped:
        yield f"{metrics.dropped} of {metrics.frames} frames were dropped because the machine was too slow."
    if metrics.damaged:
        yield f"{metrics.damaged} frames came damaged."
    if metrics.epoch:
        yield f"The source was interrupted {metrics.epoch} times; tracks do not reach across."


class _Frames:
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
