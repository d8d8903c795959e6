"""The stages of the analysis on a live source, until it ends, a time is up, or somebody says stop.

Frames are not kept: what is written are tables. Each watch gets run folders of its own, since a live source cannot be
gone over again: one for each hour, with an index over them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from onlooker.analysis import stages as _stages  # noqa: F401 - fills STAGES
from onlooker.analysis.inputs import RUN_SUFFIX, Item, assign_folders
from onlooker.analysis.live_frames import LiveFrames
from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Pipeline, Result
from onlooker.analysis.plan import order_stages
from onlooker.analysis.report import write_report
from onlooker.analysis.stage import STAGES, Context
from onlooker.analysis.tables import rows_table
from onlooker.errors import ConfigError
from onlooker.records import Corpus, Run, RunWriter
from onlooker.records.corpus import entry_of
from onlooker.video import Clip, Video
from onlooker.video.stream import Stream, StreamFrame, StreamMetrics

COMMIT_SECONDS = 15.0
ROTATE_SECONDS = 3600.0
GAP_SECONDS = 2.0
SOURCE = "stream/default@none"

Event = dict[str, Any]


def watch(
    source: str,
    out: Path | None = None,
    options: Options | None = None,
    *,
    seconds: float | None = None,
    rotate: float = ROTATE_SECONDS,
    stop: threading.Event | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_state: Callable[[StreamMetrics], None] | None = None,
    on_run: Callable[[Run], None] | None = None,
    **stream_options: Any,
) -> list[Run]:
    """Run the stages on a camera, a stream or a file played as if it were live.

    Ends after `seconds`, when `stop` is set, or with the source; what was seen until then are complete runs, in order.
    After each `rotate` seconds a new run folder begins, while tracks and events go on: all of them count the seconds
    since the watch began, and `facts["started"]` is the time of day of second zero. `on_event` hears each event once,
    `on_state` each change of the connection, `on_run` each run folder as soon as it is complete. `stream_options` go
    to `video.Stream`. Errors: SourceLost when the source never gave a frame, ConfigError, StorageError.
    """
    if not rotate >= 1:
        raise ConfigError(f"rotate is at least one second, not {rotate!r}.")
    options = options or Options.parse({})
    (item,) = assign_folders([source], out)
    with Stream(source, **stream_options) as stream:
        frames = LiveFrames(stream, seconds, stop or threading.Event(), on_state)
        first = frames.first()
        context = _context(item.name, first, options)
        plan = [stage(context) for stage in order_stages(STAGES, options.stages)]
        licences = {source: licence for stage in plan for source, licence in stage.licences.items()}
        runs: list[Run] = []
        with _Parts(item, context, stream, licences) as parts:
            for result in Pipeline(plan).run(frames.chunks(first)):
                parts.write(result)
                if on_event:
                    for event in _events(result):
                        on_event(event)
                if result.chunk.last or parts.seconds >= rotate:
                    runs.append(parts.finish())
                    if on_run:
                        on_run(runs[-1])
        return runs


class _Parts:
    """The run folders of a watch, one after another; a folder begins with the first frames that belong into it."""

    def __init__(self, item: Item, context: Context, stream: Stream, licences: dict[str, str]) -> None:
        self._item, self._context, self._stream, self._licences = item, context, stream, licences
        self._began = datetime.now(UTC)
        self._writer: RunWriter | None = None
        self._begin(0.0)

    def _begin(self, start: float) -> None:
        self._start = self._end = self._committed = start
        self._frames = 0
        self._gaps: list[dict[str, Any]] = []
        self._people: set[int] = set()

    @property
    def seconds(self) -> float:
        """How long the present part is."""
        return self._end - self._start

    def write(self, result: Result) -> None:
        """Add what came of one chunk to the present part, and commit it every few seconds."""
        writer = self._writer = self._writer or self._open()
        self._notice_gap(result.chunk.clip, writer)
        for table, rows in result.tables.items():
            for part in rows:
                writer.append(table, part)
        for part in result.tables.get("tracks", []):
            self._people.update(part["track_id"].to_pylist())
        if result.chunk.last or self._end - self._committed >= COMMIT_SECONDS:
            writer.commit(writer.next_unit)
            self._committed = self._end

    def finish(self) -> Run:
        """Complete the present part; the next one begins where it ends."""
        writer = self._writer = self._writer or self._open()
        writer.commit(writer.next_unit)
        metrics = self._stream.metrics
        writer.manifest.warnings = sorted({*self._context.warnings, *_warnings(metrics)})
        writer.manifest.facts = {
            "size": [self._context.width, self._context.height],
            "frames": self._frames,
            "start": self._start,
            "end": self._end,
            "people": len(self._people),
            "stream": {k: v for k, v in asdict(metrics).items() if isinstance(v, int | str)},
            "started": self._began.isoformat(timespec="seconds"),
        }
        writer.manifest.bad_intervals = self._gaps
        writer.manifest.licences = self._licences
        run = writer.finish()
        writer.close()
        if self._context.options.report:
            write_report(run, None, blur=self._context.options.blur)
        self._writer = None
        self._begin(self._end)
        Corpus(run.folder.parent).update(entry_of(run.folder, run.folder.parent))
        return run

    def _open(self) -> RunWriter:
        folder = self._item.folder
        began = self._began + timedelta(seconds=self._start)
        return RunWriter.create_or_resume(
            folder.with_name(f"{folder.stem}-{began:%Y%m%dT%H%M%SZ}{RUN_SUFFIX}"),
            configuration=self._context.options.model_dump(),
            source={"name": self._item.name, "bytes": None, "sha256": None},
        )

    def _notice_gap(self, clip: Clip, writer: RunWriter) -> None:
        if not len(clip):
            return
        if self._end and clip.start - self._end >= GAP_SECONDS:
            gap = {"start": self._end, "end": clip.start}
            self._gaps.append({**gap, "reason": "no signal"})
            row = {"video": self._item.name, "label": "no signal", "score": 1.0, "source": SOURCE, **gap}
            writer.append("segments", rows_table("segments", [row]))
        self._frames += len(clip)
        self._end = clip.end

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


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
