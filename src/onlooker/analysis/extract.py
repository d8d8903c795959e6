"""Dense features of a corpus: one vector per window of each video, in run folders that are resumed after any death."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onlooker.analysis.inputs import Item, assign_folders, expand
from onlooker.analysis.job import LOCK_PATIENCE, Progress, Tell
from onlooker.analysis.tables import rows_table
from onlooker.errors import OnlookerError
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.records import Corpus, Run, RunWriter, describe_input
from onlooker.records.corpus import entry_of
from onlooker.video import Video
from onlooker.video.sampling import Interval, uniform_clips
from onlooker.video.views import clip_times

UNIT_FRAMES = 128  # read at once and committed together
MAX_BAD_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Extracted:
    """How one video went: `status` complete or failed, `windows` rows written, the seconds of the video that did not
    decode cleanly, why it failed."""

    name: str
    source: str
    folder: Path
    status: str
    windows: int = 0
    damaged: float = 0.0
    error: str | None = None
    error_type: str | None = None
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        error = None if self.error is None else {"type": self.error_type, "message": self.error}
        place = {"name": self.name, "source": self.source, "run": str(self.folder)}
        return {**place, "status": self.status, "windows": self.windows, "damaged": self.damaged, "error": error}


def extract(
    name: str,
    inputs: Sequence[str],
    out: Path,
    *,
    weights: str | None = None,
    window: float | None = None,
    step: float | None = None,
    overwrite: bool = False,
    progress: Tell | None = None,
) -> list[Extracted]:
    """Features of everything that `inputs` names (files, folders, globs, lists), in the order found.

    `name` is a method with `weights`, or the weights file itself. A window lasts `window` seconds (what the weights
    were trained on by default) and windows begin `step` apart (half a window). Each video gets a run folder in `out`
    with a table `embeddings`: start, end, vector. What was interrupted goes on; a file that cannot be read is named in
    its result and stops no other. Errors: ConfigError for inputs, names or weights that make no sense.
    """
    recogniser = open_recogniser(name, weights)
    items = assign_folders(expand(inputs), out)
    seconds = recogniser.seconds if window is None else window
    tell = progress or (lambda _: None)
    results = [_attempt(recogniser, item, seconds, step or seconds / 2, overwrite, tell) for item in items]
    entries = [entry_of(one.folder, out) for one in results if (one.folder / "manifest.json").is_file()]
    if entries:
        Corpus(out).update(*entries)
    return results


def _attempt(recogniser: Recogniser, item: Item, window: float, step: float, overwrite: bool, tell: Tell) -> Extracted:
    """One video; whatever is wrong with it is in the result."""
    try:
        run = extract_video(recogniser, item, window=window, step=step, overwrite=overwrite, progress=tell)
    except OnlookerError as error:
        failed = type(error).__name__, error.exit_code
        return Extracted(item.name, item.source, item.folder, "failed", 0, 0.0, str(error), *failed)
    except Exception as error:  # a library may raise anything for a damaged file, and the others must go on
        said = f"{item.name}: {type(error).__name__}: {error}"
        return Extracted(item.name, item.source, item.folder, "failed", 0, 0.0, said, type(error).__name__, 1)
    damaged = round(sum(bad["end"] - bad["start"] for bad in run.manifest.bad_intervals), 3)
    return Extracted(item.name, item.source, item.folder, "complete", run.manifest.tables["embeddings"], damaged)


def extract_video(
    recogniser: Recogniser, item: Item, *, window: float, step: float, overwrite: bool = False, progress: Tell
) -> Run:
    """Features of one video into its run folder; see `extract`. Errors: MediaError, ConfigError, StorageError."""
    configuration = {"features": recogniser.source, "window": window, "step": step}
    with Video(item.source, on_corrupt="hold_last", max_bad_ratio=MAX_BAD_RATIO) as video:
        origin, end = float(video.index.time[0]), video.index.end
        spans = [(origin + a, min(origin + b, end)) for a, b in _windows(end - origin, window, step)]
        units = list(_units(spans, recogniser.spec.frames))
        with RunWriter.create_or_resume(
            item.folder, configuration=configuration, source=_identity(item), fresh=overwrite, wait=LOCK_PATIENCE
        ) as writer:
            if writer.is_complete:
                return Run(item.folder)
            for number in range(writer.next_unit, len(units)):
                progress(Progress(item.name, number, len(units)))
                rows = _rows(recogniser, video, units[number], item.name)
                writer.append("embeddings", rows_table("embeddings", rows))
                writer.commit(number)
            manifest = writer.manifest
            manifest.licences, manifest.weights = (
                {recogniser.source: recogniser.licence},
                {"features": recogniser.digest},
            )
            manifest.facts = {"start": origin, "end": end, "frames": len(video), "windows": len(spans)}
            manifest.bad_intervals = [{"start": a, "end": b, "reason": why} for a, b, why in video.bad_intervals]
            manifest.warnings = sorted(video.info.warnings)
            progress(Progress(item.name, len(units), len(units)))
            return writer.finish()


def _identity(item: Item) -> dict[str, Any]:
    if "://" in item.source:
        return {"name": item.name, "bytes": None, "sha256": None}
    return {**describe_input(item.source), "name": item.name, "path": str(Path(item.source).absolute())}


def _windows(duration: float, window: float, step: float) -> list[Interval]:
    return uniform_clips(duration, window, stride=step, last="back")


def _units(spans: list[tuple[float, float]], frames: int) -> Iterator[list[tuple[float, float]]]:
    size = max(1, UNIT_FRAMES // frames)
    for first in range(0, len(spans), size):
        yield spans[first : first + size]


def _rows(
    recogniser: Recogniser, video: Video, spans: list[tuple[float, float]], name: str
) -> Iterator[dict[str, Any]]:
    """One row per window; frames that windows share are decoded once."""
    wanted = [[video.index.at(time) for time in clip_times(a, b, frames=recogniser.spec.frames)] for a, b in spans]
    distinct = sorted({index for indices in wanted for index in indices})
    clip = video.read(distinct, size=recogniser.spec.short_side)
    for (start, end), indices in zip(spans, wanted, strict=True):
        images = clip.images[np.searchsorted(clip.indices, indices)]
        vector = recogniser.embedding(images)
        about = {"video": name, "track_id": None, "source": recogniser.source}
        yield {**about, "start": start, "end": end, "vector": vector}
