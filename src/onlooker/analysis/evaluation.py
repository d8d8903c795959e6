"""How right a clip classifier is on labelled videos: multi-view testing, per class, and what is taken for what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from onlooker.data.clips import VideoClips
from onlooker.data.formats.folders import read_folders
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.data.source import ClipSource, MultiLabelSource
from onlooker.errors import ConfigError, OnlookerError
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.metrics.multi_label import average_precisions
from onlooker.training.evaluation import LabelsScore, MultiLabelAccuracy, VideoScore, summarise
from onlooker.training.recipe import load_recipe
from onlooker.training.sources import open_source

MOST_CONFUSIONS = 20
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """A video that could not be read: it counts in no figure."""

    video: str
    error: str


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class: videos of it, the share that was right (None where several labels hold), its average precision."""

    label: str
    videos: int
    accuracy: float | None
    ap: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out. `figures` hold top1, top5, mean_class and loss, and mean_ap where several labels may hold;
    `confusions` are (right, said, how often), the most frequent first; `broken` videos are left out of all of it."""

    weights: str
    data: str
    clips: int
    crops: int
    figures: dict[str, float | None]
    videos: int
    classes: tuple[ClassResult, ...]
    confusions: tuple[tuple[str, str, int], ...]
    broken: tuple[Broken, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "weights": self.weights,
            "data": self.data,
            "views": {"clips": self.clips, "crops": self.crops},
            "videos": self.videos,
            **self.figures,
            "per_class": [
                {"label": one.label, "videos": one.videos, "accuracy": one.accuracy, "ap": one.ap}
                for one in self.classes
            ],
            "confusions": [{"right": a, "said": b, "count": count} for a, b, count in self.confusions],
            "broken": [{"video": one.video, "error": one.error} for one in self.broken],
        }


def evaluate_recognition(
    weights: str,
    data: Path,
    *,
    method: str | None = None,
    split: str = "val",
    root: Path | None = None,
    clips: int = 1,
    crops: int | None = None,
    progress: Tell | None = None,
) -> Evaluation:
    """Score the classifier in `weights` (a file; `method` where it has no card) on labelled videos.

    `data` is a training recipe (`.yaml`, of which `split` is train or val), a folder with a folder per class, or a list
    in Kinetics style (`split` chooses rows where it has any; paths are relative to `root`). Classes are matched by name
    with those of the card; a list of numbers means them in the card's order. `clips` moments times `crops` squares (as
    the card says by default) are averaged. Where a video may have several labels, scores are sigmoids.

    A video that cannot be read is named in `broken` and never replaced. Errors: ConfigError, RecordError.
    """
    recogniser = open_recogniser(weights) if method is None else open_recogniser(method, weights)
    source = _open(data, split, root, recogniser)
    numbers = _match(source.classes, recogniser, data.name)
    several = isinstance(source, MultiLabelSource) and source.multi_label
    if several:
        recogniser.model.multi_label = True
    spec = recogniser.spec if crops is None else replace(recogniser.spec, views=crops)
    rows: list[VideoScore] = []
    sets: list[LabelsScore] = []
    broken = []
    for index in range(len(source)):
        if progress:
            progress(index, len(source))
        try:
            seen = [recogniser.scores(images, views=spec.views) for images in source.clips(index, spec, clips)]
        except OnlookerError as error:
            broken.append(Broken(source.name(index), str(error)))
            continue
        scores = tuple(np.asarray(np.mean(seen, axis=0, dtype=np.float64))[numbers].tolist())
        if several and isinstance(source, MultiLabelSource):
            held = set(source.labels(index))
            sets.append(LabelsScore(index, tuple(at in held for at in range(len(numbers))), scores))
        else:
            rows.append(VideoScore(index, source.label(index), scores))
    if not rows and not sets:
        raise ConfigError(f"{data.name}: none of its {len(source)} videos can be read; the first: {_first(broken)}")
    return Evaluation(
        weights=recogniser.source,
        data=data.name,
        clips=clips,
        crops=spec.views,
        figures=_figures(rows or sets),
        videos=len(rows) + len(sets),
        classes=_per_set(source.classes, sets) if sets else _per_class(source.classes, rows),
        confusions=_confusions(source.classes, rows),
        broken=tuple(broken),
    )


def _open(data: Path, split: str, root: Path | None, recogniser: Recogniser) -> ClipSource:
    if not data.exists():
        raise ConfigError(f"{data}: no such recipe, list or folder. Check the path.")
    if data.suffix in (".yaml", ".yml"):
        recipe = load_recipe(data)
        if split not in ("train", "val"):
            raise ConfigError(f"a recipe has no split {split!r}: choose train or val.")
        return open_source(getattr(recipe.data, split), Path.cwd())
    if data.is_dir():
        return VideoClips(read_folders(data))
    try:
        return VideoClips(read_kinetics(data, root=root, split=split if _has_splits(data) else ""))
    except ConfigError:  # the labels are numbers, which only mean something in the order of the card
        return VideoClips(read_kinetics(data, root=root, classes=recogniser.labels))


def _has_splits(data: Path) -> bool:
    with data.open(encoding="utf-8", errors="replace") as file:
        begin = file.read(4096)
    return begin.lstrip().startswith("{") or "split" in begin.partition("\n")[0].replace('"', "").split(",")


def _match(classes: Sequence[str], recogniser: Recogniser, name: str) -> list[int]:
    """For each class of the data its number in the model."""
    known = {label: number for number, label in enumerate(recogniser.labels)}
    if strangers := [label for label in classes if label not in known]:
        shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
        raise ConfigError(
            f"{name}: the weights know no class called {shown}. They know {len(known)}: "
            f"{', '.join(list(known)[:8])}{', ...' if len(known) > 8 else ''}."
        )
    return [known[label] for label in classes]


def _first(broken: Sequence[Broken]) -> str:
    return broken[0].error if broken else "there is none."


def _figures(rows: Sequence[VideoScore] | Sequence[LabelsScore]) -> dict[str, float | None]:
    found = summarise(list(rows))
    figures: dict[str, float | None] = {
        "top1": found.top1,
        "top5": found.top5,
        "mean_class": _number(found.mean_class),
        "loss": found.loss,
    }
    if isinstance(found, MultiLabelAccuracy):
        figures["mean_ap"] = _number(found.mean_ap)
    return figures


def _number(value: float) -> float | None:
    """NaN, which JSON does not know, as nothing."""
    return value if math.isfinite(value) else None


def _per_class(classes: Sequence[str], rows: Sequence[VideoScore]) -> tuple[ClassResult, ...]:
    scores = np.array([row.scores for row in rows])
    truth = np.array([[row.label == at for at in range(len(classes))] for row in rows])
    precision = average_precisions(scores, truth)
    found = []
    for number, label in enumerate(classes):
        hits = [row.rank == 0 for row in rows if row.label == number]
        share = sum(hits) / len(hits) if hits else None
        found.append(ClassResult(label, len(hits), share, _number(float(precision[number]))))
    return tuple(found)


def _per_set(classes: Sequence[str], rows: Sequence[LabelsScore]) -> tuple[ClassResult, ...]:
    truth = np.array([row.truth for row in rows])
    precision = average_precisions(np.array([row.scores for row in rows]), truth)
    counts = truth.sum(axis=0).tolist()
    return tuple(
        ClassResult(label, int(count), None, _number(float(ap)))
        for label, count, ap in zip(classes, counts, precision, strict=True)
    )


def _confusions(classes: Sequence[str], rows: Sequence[VideoScore]) -> tuple[tuple[str, str, int], ...]:
    pairs = Counter((row.label, int(np.argmax(row.scores))) for row in rows)
    wrong = sorted((-count, right, said) for (right, said), count in pairs.items() if right != said)
    return tuple((classes[right], classes[said], -less) for less, right, said in wrong[:MOST_CONFUSIONS])
