"""User-named actions from a handful of example clips: examples in, one file with a classifier out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.augment import Change, changes
from onlooker.analysis.inputs import VIDEO_SUFFIXES
from onlooker.errors import ConfigError
from onlooker.methods.recognition.recogniser import UNKNOWN, Recogniser, features_of, open_recogniser
from onlooker.methods.recognition.taught.lesson import Lesson, learn
from onlooker.methods.recognition.taught.model import Config, Taught
from onlooker.video import Video
from onlooker.video.sampling import constant_clips
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

BACKBONE = "dense_trajectories"
SETTINGS = {"width": 160}  # of that backbone: a third of the time of its default, and enough to tell actions apart
ROOM = 1.25  # frames are read larger than the backbone wants them by this much, for crops to be cut from
MAX_BAD_RATIO = 0.5
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TaughtActions:
    """What was written: the file, clips by action, and how well the examples tell each other apart.

    `right` is the share of examples that find their action when it is learned without them, `confused` who is taken
    for whom, `genuine` and `strange` the median cosine of examples and of strangers, `threshold` what lies between.
    """

    out: Path
    actions: dict[str, int]
    backbone: str
    right: float
    confused: tuple[tuple[str, str, int], ...]
    genuine: float
    strange: float | None
    threshold: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        pairs = [{"action": a, "taken_for": b, "count": count} for a, b, count in self.confused]
        return {**asdict(self), "out": str(self.out), "confused": pairs, "warnings": list(self.warnings)}


def read_examples(given: Sequence[str]) -> dict[str, list[str]]:
    """Clips by action, from `label=clip` pairs and folders with a folder of clips per action.

    The label `unknown` stands for clips of none of the actions. Errors: ConfigError for anything else.
    """
    found: dict[str, list[str]] = {}
    for text in given:
        label, equals, clip = text.partition("=")
        if equals and label and not Path(text).exists():
            if not Path(clip).is_file():
                raise ConfigError(f"{text}: no such clip as {clip!r}. Write label=clip, for example wave=wave1.mp4.")
            found.setdefault(label.strip(), []).append(clip)
        elif Path(text).is_dir():
            for folder in sorted(path for path in Path(text).iterdir() if path.is_dir()):
                clips = [str(path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in VIDEO_SUFFIXES]
                found.setdefault(folder.name, []).extend(clips)
        else:
            raise ConfigError(f"{text}: neither label=clip nor a folder with a folder of clips for each action.")
    found = {label: clips for label, clips in found.items() if clips}
    if not set(found) - {UNKNOWN}:
        raise ConfigError("no action to learn: write label=clip, or name a folder with a folder of clips per action.")
    return found


def teach(
    examples: dict[str, list[str]],
    out: Path,
    *,
    backbone: str = BACKBONE,
    weights: str | None = None,
    settings: Mapping[str, Any] | None = None,
    copies: int = 6,
    moments: int = 3,
    flip: bool = True,
    seed: int = 0,
    progress: Tell | None = None,
) -> TaughtActions:
    """Learn the actions of `examples` (clips by label, see `read_examples`) and write them to `out` (.safetensors).

    Each clip is looked at in up to `moments` windows, each in `copies` changed versions (speed, crop, side unless
    `flip` is off, light, noise), so that the action is known again when it is filmed otherwise. Features come from
    `backbone`, a method (with `weights` unless it needs none), or a weights file; `settings` overrides single numbers
    of its configuration (for the default backbone `SETTINGS`). The file holds the backbone too.

    Errors: ConfigError for examples or names that make no sense, MediaError for a clip that cannot be read.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"{out.name}: the result is a safetensors file; give it that ending.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder. Create it, or choose another name.")
    if min(copies, moments) < 1:
        raise ConfigError("each clip is looked at in at least one moment and one copy.")
    chosen = SETTINGS if settings is None and (backbone, weights) == (BACKBONE, None) else settings
    recogniser = open_recogniser(backbone, weights, settings=chosen)
    labels = sorted(set(examples) - {UNKNOWN})
    vectors: dict[str, NDArray[np.float32]] = {}
    groups: dict[str, list[int]] = {}
    total, done = sum(map(len, examples.values())), 0
    for label in [*labels, *([UNKNOWN] if UNKNOWN in examples else [])]:
        rows: list[NDArray[np.float32]] = []
        groups[label] = []
        for number, clip in enumerate(examples[label]):
            if progress:
                progress(label, done, total)
            found = _look(recogniser, clip, copies, moments, flip=flip, seed=seed + number)
            groups[label] += [len(groups[label]) + moment for moment, _ in found]
            rows += [vector for _, vector in found]
            done += 1
        vectors[label] = np.stack(rows)
    strangers = vectors.pop(UNKNOWN, None)
    groups.pop(UNKNOWN, None)
    lesson = learn(vectors, groups, strangers)
    _save(out, recogniser, lesson, labels, sum(map(len, examples.values())))
    return _report(out, recogniser, lesson, {label: len(examples[label]) for label in labels})


def _look(
    recogniser: Recogniser, clip: str, copies: int, moments: int, *, flip: bool, seed: int
) -> list[tuple[int, NDArray[np.float32]]]:
    """(moment, features) of all versions of a clip."""
    found = []
    with Video(clip, on_corrupt="hold_last", max_bad_ratio=MAX_BAD_RATIO) as video:
        length, seconds = video.index.end, recogniser.seconds
        count = max(1, min(moments, round(length / seconds)))
        spans = constant_clips(length, seconds, count) if length > seconds else constant_clips(length, length, 1)
        for moment, span in enumerate(spans):
            middle = (span.start + span.end) / 2
            for change in changes(copies, flip=flip, seed=seed * 1000 + moment):
                found.append((moment, features_of(recogniser.model, window(video, recogniser, middle, change))))
    return found


def window(video: Video, recogniser: Recogniser, middle: float, change: Change) -> NDArray[np.uint8]:
    """The frames of one window around `middle`, changed; faster is a longer stretch of the video in as many frames."""
    length = video.index.end
    seconds = min(recogniser.seconds * change.speed, length)
    start = min(max(middle - seconds / 2, 0.0), length - seconds)
    size = round(recogniser.spec.short_side * ROOM)
    return change.of_pictures(video.clip(start, start + seconds, frames=recogniser.spec.frames, size=size).images)


def _save(out: Path, recogniser: Recogniser, lesson: Lesson, labels: list[str], clips: int) -> None:
    backbone = recogniser.model
    config = Config(
        backbone=recogniser.source.partition("/")[0],
        settings=json.dumps(asdict(backbone.config), sort_keys=True),
        width=len(lesson.head.centre),
        actions=len(labels),
        rank=len(lesson.head.gains),
    )
    model = Taught(config, backbone)
    model.head = lesson.head
    card = Card(
        method="taught",
        code_licence="Apache-2.0",
        weights_licence=recogniser.licence,
        data_licence="that of the examples",
        origin=f"{clips} clips on {recogniser.source}",
        origin_sha256=recogniser.digest,
        config=json.dumps(asdict(config), sort_keys=True),
        spec=recogniser.spec,
        labels=(*labels, UNKNOWN),
    )
    save_weights(out, model.state_dict(), card)


def _report(out: Path, recogniser: Recogniser, lesson: Lesson, actions: dict[str, int]) -> TaughtActions:
    warnings = []
    if not lesson.calibrated:
        warnings.append(
            "With fewer than three actions there is nothing to try the unknown on: what is none of them may be taken "
            "for one. Give clips of something else as unknown=CLIP."
        )
    if len(lesson.strange) and float(np.quantile(lesson.strange, 0.9)) >= float(np.median(lesson.genuine)):
        warnings.append("Strangers are as like these actions as the examples are: give more clips of each.")
    for label, other, count in lesson.confused[:3]:
        warnings.append(f"{label!r} is easily taken for {other!r} ({count} times): give clips in which they differ.")
    return TaughtActions(
        out=out,
        actions=actions,
        backbone=recogniser.source,
        right=lesson.right,
        confused=lesson.confused,
        genuine=float(np.median(lesson.genuine)),
        strange=float(np.median(lesson.strange)) if len(lesson.strange) else None,
        threshold=lesson.threshold,
        warnings=tuple(warnings),
    )
