"""The analysis of one video, from opening it to its report; a killed job goes on from its last committed unit."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onlooker.analysis import stages as _stages  # noqa: F401 - fills STAGES
from onlooker.analysis.annotate import PARTS, Overlay, write_annotated
from onlooker.analysis.inputs import assign_folders
from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Pipeline
from onlooker.analysis.plan import order_stages
from onlooker.analysis.reading import frames_of, read_chunks
from onlooker.analysis.report import write_report
from onlooker.analysis.stage import STAGES, Context
from onlooker.analysis.stages.quality import SOURCE as QUALITY
from onlooker.errors import OnlookerError
from onlooker.records import Manifest, Run, RunWriter, describe_input
from onlooker.storage import require_space
from onlooker.video import FrameIndex, Video
from onlooker.weights.sources import locate

BYTES_PER_SECOND = 400_000  # what a run folder takes per second of video, annotated.mp4 included; generous
LOCK_PATIENCE = 3.0  # seconds; a process that was just killed may hold the lock for a moment longer
INDEX = "frames.npz"


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` frames of the phase."""

    phase: str
    done: float
    total: float


Tell = Callable[[Progress], None]


def analyze(source: str | Path, out: str | Path | None = None, *, overwrite: bool = False, **options: Any) -> Run:
    """Find the people in one video, follow them and say what they do.

    `source` is a path or URL; the run folder is `<stem>.onlooker` in `out` (beside the input by default). Options are
    the fields of `onlooker.analysis.options.Options`. A run that was interrupted goes on; a complete one is returned.
    Errors: MediaError, ConfigError, StorageError.

        run = onlooker.analyze("street.mp4")
        run.tracks.to_pandas()
    """
    (item,) = assign_folders([str(source)], None if out is None else Path(out))
    return analyze_video(item.source, item.folder, Options.parse(options), name=item.name, overwrite=overwrite)


def analyze_video(
    source: str,
    folder: Path,
    options: Options,
    *,
    name: str,
    overwrite: bool = False,
    progress: Tell | None = None,
) -> Run:
    """Analyse one video into one run folder; see `analyze`."""
    options.check()
    tell = progress or (lambda _: None)
    known = folder / INDEX
    with _open(source, options, known if known.exists() else None) as video:
        frames = frames_of(video, options)
        seconds = float(video.index.time[frames.stop - 1] - video.index.time[frames.start])
        require_space(folder, int(seconds * BYTES_PER_SECOND))
        if overwrite:
            _clear_pictures(folder)
        configuration = options.model_dump(mode="json")
        digests = _weights(options)
        if digests:
            configuration["weights"] = digests
        with RunWriter.create_or_resume(
            folder,
            configuration=configuration,
            source=_identity(source, name),
            fresh=overwrite,
            wait=LOCK_PATIENCE,
        ) as writer:
            if not writer.is_complete:
                with _failure_noted(writer):
                    video.index.save(known)
                    _run_stages(video, source, options, frames, writer, name, tell)
                    _annotate(video, source, options, frames, folder, writer, tell)
                    _describe(writer.manifest, video, frames, Run(folder))
                    writer.manifest.weights = digests
                    writer.finish(stages=writer.timings["stages"])
            run = Run(folder)
            if options.report and not (folder / "report.html").exists():
                tell(Progress("report", 0, 1))
                write_report(run, video, blur=options.blur)
    return run


def _open(source: str, options: Options, index: FrameIndex | Path | None) -> Video:
    """The video, with its index from the run folder when that fits."""
    return Video(source, on_corrupt=options.on_corrupt, max_bad_ratio=options.max_bad_ratio, index=index)


def _identity(source: str, name: str) -> dict[str, Any]:
    if "://" in source:
        return {"name": name, "bytes": None, "sha256": None}
    return {**describe_input(source), "name": name, "path": str(Path(source).absolute())}


def _weights(options: Options) -> dict[str, str]:
    """Digests of the weights that shape the result: the same path with other bytes is other work."""
    if options.actions is None:
        return {}
    return {"actions": locate(options.actions_weights or options.actions).sha256}


def _clear_pictures(folder: Path) -> None:
    for name in ("annotated.mp4", "report.html"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / PARTS, ignore_errors=True)


@contextmanager
def _failure_noted(writer: RunWriter) -> Iterator[None]:
    """An error on purpose is written into the manifest before it goes on its way."""
    try:
        yield
    except OnlookerError as error:
        writer.fail(str(error))
        raise


def _run_stages(
    video: Video, source: str, options: Options, frames: range, writer: RunWriter, name: str, tell: Tell
) -> None:
    info = video.info
    context = Context(
        video=name,
        width=info.width,
        height=info.height,
        duration=info.duration,
        rate=info.average_rate,
        has_sound=info.has_audio,
        options=options,
        open_video=lambda: _open(source, options, video.index),
        warnings=set(writer.manifest.warnings),
    )
    plan = [stage(context) for stage in order_stages(STAGES, options.stages)]
    saved = writer.state
    pipeline = Pipeline(plan, saved["stages"] if saved else None)
    context.warnings.update(saved["warnings"] if saved else [])
    unit = writer.next_unit
    done = saved["frames"] if saved else 0
    tell(Progress("analyse", done, len(frames)))
    for result in pipeline.run(read_chunks(video, frames, unit) if not (saved and saved["last"]) else iter(())):
        for table, parts in result.tables.items():
            for part in parts:
                writer.append(table, part)
        done = int(result.chunk.clip.indices[-1]) + 1 - frames.start if len(result.chunk.clip) else done
        if result.states is not None:
            state = {
                "stages": result.states,
                "warnings": sorted(context.warnings),
                "frames": done,
                "last": result.chunk.last,
            }
            writer.commit(unit, state)
            unit += 1
        tell(Progress("analyse", done, len(frames)))
    writer.manifest.warnings = sorted(context.warnings)
    writer.manifest.licences = {k: v for stage in plan for k, v in stage.licences.items()}
    _add_times(writer, pipeline.busy)


def _annotate(
    video: Video, source: str, options: Options, frames: range, folder: Path, writer: RunWriter, tell: Tell
) -> None:
    if not options.annotate:
        return
    began = time.perf_counter()
    run = Run(folder)
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        tell(Progress("annotate", done, len(frames)))

    tell(Progress("annotate", 0, len(frames)))
    overlay = Overlay(run.tracks, run.segments, run.detections)
    problem = write_annotated(video, source, overlay, folder, frames=frames, blur=options.blur, progress=progress)
    if problem:
        writer.manifest.warnings.append(f"annotated.mp4: {problem}")
    _add_times(writer, {"annotate": time.perf_counter() - began})


def _add_times(writer: RunWriter, seconds: dict[str, float]) -> None:
    """Sum up over interruptions."""
    stages = writer.timings.setdefault("stages", {})
    for name, value in seconds.items():
        stages[name] = round(stages.get(name, 0.0) + value, 3)


def _describe(manifest: Manifest, video: Video, frames: range, run: Run) -> None:
    info = video.info
    manifest.bad_intervals = [
        {"start": row["start"], "end": row["end"], "reason": row["label"]}
        for row in run.segments.to_pylist()
        if row["track_id"] is None and row["source"] == QUALITY
    ]
    manifest.warnings = sorted({*manifest.warnings, *info.warnings})
    times, durations = video.index.time, video.index.duration
    manifest.facts = {
        "size": [info.width, info.height],
        "frames": len(frames),
        "start": float(times[frames.start]),
        "end": float(times[frames.stop - 1] + durations[frames.stop - 1]),
        "rate": round(info.average_rate, 6),
        "vfr": info.is_vfr,
        "rotation": info.rotation,
        "codec": info.codec,
        "truncated": info.truncated,
        "people": len(set(run.tracks["track_id"].to_pylist())),
    }
