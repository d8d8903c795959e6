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
ENOUGH = 32
"""Rows from which on their mean says what all embeddings of a network have in common."""
HOW = "write them with: onlooker extract NAME --weights FILE VIDEOS... --out RUNS"


@dataclass(frozen=True, slots=True)
class Match:
    """A moment that looks like the example: `similarity` is a cosine (of differences from the mean of all embeddings,
    where there are `ENOUGH`), `track_id` None for the whole picture."""

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
    overlap are one match, at its best place; those in which nothing was seen (all zeros) are none. Memory is bounded by
    the matches, not by the runs. Errors: ConfigError for folders without such embeddings and an example in which
    nothing is seen, MediaError for the clip.
    """
    recogniser = open_recogniser(backbone, weights)
    folders = list(_runs(runs))
    middle = _mean(folders, recogniser.source)
    example = _example(recogniser, clip)
    if not example.any():
        raise ConfigError(
            f"{Path(clip).name}: next to nothing moves in it, and these features speak of motion alone. Give another "
            "example, or a --backbone that knows what things look like."
        )
    wanted = _unit(example[example.any(axis=1)] - middle)
    matches: list[Match] = []
    for run in folders:
        found: list[Match] = []
        for table in _embeddings(run, recogniser.source):
            found += _compare(run, table, wanted, middle)
        matches = sorted([*matches, *_distinct(found)], key=lambda one: (-one.similarity, one.video, one.start))[:most]
    other: set[str] = set() if matches else {source for run in folders for source in _sources(run)}
    if not matches and recogniser.source not in other:
        made = f"theirs are of {', '.join(sorted(other))}. Give those weights, or" if other else "they have none:"
        which = "the run holds no" if len(folders) == 1 else f"none of the {len(folders)} runs holds"
        raise ConfigError(f"{which} embeddings of {recogniser.source}; {made} {HOW}")
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


def _sources(run: Run) -> set[str]:
    return {source for table in run.batches("embeddings") for source in pc.unique(table["source"]).to_pylist()}


def _embeddings(run: Run, source: str) -> Iterator[Any]:
    """The rows of one source, a table at a time."""
    for table in run.batches("embeddings"):
        rows = table.filter(pc.equal(table["source"], source))
        if rows.num_rows:
            yield rows


def _mean(folders: Sequence[Run], source: str) -> NDArray[np.float64] | float:
    """The mean of all embeddings, which says nothing about any of them; nothing (0) where there are few."""
    count, total = 0, np.zeros(1)
    for run in folders:
        for table in _embeddings(run, source):
            vectors = _vectors(run, table)
            if total.size not in (1, vectors.shape[1]):
                return 0.0  # of unlike widths: told where they are compared
            total = total + vectors.sum(axis=0, dtype=np.float64)
            count += len(vectors)
    return total / count if count >= ENOUGH else 0.0


def _vectors(run: Run, table: Any) -> Vectors:
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if flat.size % table.num_rows:
        raise ConfigError(f"{run.folder.name}: its embeddings are of unlike lengths: extract them again.")
    return np.asarray(flat, np.float32).reshape(table.num_rows, -1)


def _example(recogniser: Recogniser, clip: str) -> Vectors:
    """Vectors (n, width) of the windows of the example."""
    with Video(clip, on_corrupt="hold_last", max_bad_ratio=0.5) as video:
        length, spec = video.index.end, recogniser.spec
        seconds = min(recogniser.seconds, length)
        spans = uniform_clips(length, seconds, stride=seconds / 2, last="back")
        images = [video.clip(a, min(b, length), frames=spec.frames, size=spec.short_side).images for a, b in spans]
    return np.stack([recogniser.embedding(one) for one in images])


def _compare(run: Run, table: Any, wanted: Vectors, middle: NDArray[np.float64] | float) -> list[Match]:
    """Each row by its likeness to the most similar window of the example; those of which nothing is known are none."""
    vectors = _vectors(run, table)
    if vectors.shape[1] != wanted.shape[1]:
        raise ConfigError(
            f"{run.folder.name}: its embeddings are not of {wanted.shape[1]} numbers: extract them again."
        )
    cosines = (_unit(vectors - middle) @ wanted.T).max(axis=1)
    columns = [table[name].to_pylist() for name in ("video", "track_id", "start", "end")]
    place = str(run.folder)
    return [
        Match(place, video, track, start, end, float(cosine))
        for video, track, start, end, cosine, known in zip(
            *columns, cosines.tolist(), np.any(vectors, axis=1).tolist(), strict=True
        )
        if known
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


def _unit(vectors: NDArray[Any]) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
