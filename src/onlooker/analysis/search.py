"""Moments of many runs that look like an example clip, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.records import Corpus, Run
from onlooker.records.manifest import MANIFEST
from onlooker.video import Video
from onlooker.video.sampling import uniform_clips

Vectors = NDArray[np.float32]
HOW = "write them with: onlooker extract NAME --weights FILE VIDEOS... --out RUNS"


@dataclass(frozen=True, slots=True)
class Match:
    """A moment that looks like the example: `similarity` is a cosine, `track_id` None for the whole picture."""

    run: str
    video: str
    track_id: int | None
    start: float
    end: float
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def search_like(
    clip: str, runs: Sequence[Path], *, backbone: str, weights: str | None = None, most: int = 10
) -> list[Match]:
    """The `most` moments of `runs` (run folders, or folders of them) that are most like `clip`, best first.

    `backbone` and `weights` must be those that the embeddings of the runs were made with. Moments of one video that
    overlap are one match, at its best place. Memory is bounded by the matches, not by the runs. Errors: ConfigError for
    folders without such embeddings, MediaError for the clip.
    """
    recogniser = open_recogniser(backbone, weights)
    wanted = _example(recogniser, clip)
    matches: list[Match] = []
    other: set[str] = set()
    folders = list(_runs(runs))
    for run in folders:
        found = []
        for table in run.batches("embeddings"):
            other |= set(pc.unique(table["source"]).to_pylist()) - {recogniser.source}
            found += _compare(run, table.filter(pc.equal(table["source"], recogniser.source)), wanted)
        matches = sorted([*matches, *_distinct(found)], key=lambda one: (-one.similarity, one.video, one.start))[:most]
    if not matches:
        made = f"theirs are of {', '.join(sorted(other))}" if other else "they have none"
        raise ConfigError(
            f"none of the {len(folders)} runs holds embeddings of {recogniser.source}; {made}. "
            + ("Give those weights, or " if other else "") + HOW
        )  # fmt: skip
    return matches


def _runs(places: Sequence[Path]) -> Iterator[Run]:
    for place in places:
        if (place / MANIFEST).is_file():
            yield Run(place)
        elif place.is_dir():
            inside = list(Corpus(place).runs())
            if not inside:
                raise ConfigError(f"{place}: no run folder in it; {HOW}")
            yield from inside
        else:
            raise ConfigError(f"{place}: no such folder. Name run folders, or a folder that holds some.")


def _example(recogniser: Recogniser, clip: str) -> Vectors:
    """Unit vectors (n, width) of the windows of the example."""
    with Video(clip, on_corrupt="hold_last", max_bad_ratio=0.5) as video:
        length, spec = video.index.end, recogniser.spec
        seconds = min(recogniser.seconds, length)
        spans = uniform_clips(length, seconds, stride=seconds / 2, last="back")
        images = [video.clip(a, min(b, length), frames=spec.frames, size=spec.short_side).images for a, b in spans]
    return _unit(np.stack([recogniser.embedding(one) for one in images]))


def _compare(run: Run, table: Any, wanted: Vectors) -> list[Match]:
    """Each row by its likeness to the most similar window of the example."""
    if not table.num_rows:
        return []
    width = wanted.shape[1]
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if flat.size != table.num_rows * width:
        raise ConfigError(f"{run.folder.name}: its embeddings are not of {width} numbers: extract them again.")
    cosines = (_unit(flat.reshape(-1, width)) @ wanted.T).max(axis=1)
    columns = [table[name].to_pylist() for name in ("video", "track_id", "start", "end")]
    place = str(run.folder)
    return [
        Match(place, video, track, start, end, float(cosine))
        for video, track, start, end, cosine in zip(*columns, cosines.tolist(), strict=True)
    ]


def _distinct(found: list[Match]) -> list[Match]:
    """The best of each group that overlaps in time, for the same track of the same video."""
    kept: list[Match] = []
    for one in sorted(found, key=lambda one: (-one.similarity, one.start)):
        clash = (
            other.start < one.end and one.start < other.end
            for other in kept
            if (other.video, other.track_id) == (one.video, one.track_id)
        )
        if not any(clash):
            kept.append(one)
    return kept


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
