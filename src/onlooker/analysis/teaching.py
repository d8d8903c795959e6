"""User-named actions from a handful of example clips: examples in, one file with a classifier out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis import following
from onlooker.analysis.augment import Change, changes, refilmed
from onlooker.analysis.following import Look
from onlooker.analysis.inputs import VIDEO_SUFFIXES
from onlooker.errors import ConfigError
from onlooker.methods.recognition.recogniser import UNKNOWN, Recogniser, features_of, open_recogniser
from onlooker.methods.recognition.taught.background import background_of
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
FOLLOWED_COPIES, SEEN_COPIES = 3, 6
SELDOM = 0.02  # of all examples: mistakes between two actions that are no reason to warn
MOST_VECTORS = 128  # of an action, spread evenly over its clips
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TaughtActions:
    """What was written: the file, clips by action, and how well the examples tell each other apart.

    `right` is the share of examples that find their action when it is learned without them, `confused` who is taken
    for whom, `genuine` the median cosine of such examples by action (where there is more than one), `strange` that of
    strangers to the action that is nearest, `thresholds` from where on each action is believed.
    """

    out: Path
    actions: dict[str, int]
    backbone: str
    right: float
    confused: tuple[tuple[str, str, int], ...]
    genuine: dict[str, float]
    strange: float | None
    thresholds: dict[str, float]
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
    copies: int | None = None,
    moments: int = 4,
    flip: bool = True,
    seed: int = 0,
    progress: Tell | None = None,
) -> TaughtActions:
    """Learn the actions of `examples` (clips by label, see `read_examples`) and write them to `out` (.safetensors).

    Each clip is looked at in up to `moments` windows' worth of its time, in `copies` versions (speed, crop, side unless
    `flip` is off, light, noise), so that the action is known again when it is filmed otherwise. By default 3 where the
    backbone follows motion, one of them as a slow camera sees it: each version is followed once, and overlapping
    windows, parts of the picture and mirror images are cut from that; else 6, and each window of each version is looked
    at by itself. Features come from `backbone`, a method (with `weights` unless it needs none), or a weights file;
    `settings` overrides single numbers of its configuration (for the default backbone `SETTINGS`). The file holds the
    backbone too.

    Errors: ConfigError for examples or names that make no sense, MediaError for a clip that cannot be read.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"{out.name}: the result is a safetensors file; give it that ending.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder. Create it, or choose another name.")
    if min(1 if copies is None else copies, moments) < 1:
        raise ConfigError("each clip is looked at in at least one moment and one copy.")
    chosen = SETTINGS if settings is None and (backbone, weights) == (BACKBONE, None) else settings
    recogniser = open_recogniser(backbone, weights, settings=chosen)
    labels = sorted(set(examples) - {UNKNOWN})
    vectors: dict[str, NDArray[np.float32]] = {}
    groups: dict[str, list[int]] = {}
    mirrored: dict[str, list[bool]] = {}
    looks = _Looks(recogniser, copies, moments, flip, sum(map(len, examples.values())), progress)
    for label in [*labels, *([UNKNOWN] if UNKNOWN in examples else [])]:
        found = [
            (number, look)
            for number, clip in enumerate(examples[label])
            for look in looks.at(clip, label, seed + number)
        ]
        if not found and label == UNKNOWN:
            continue
        if not found:
            shown = ", ".join(Path(clip).name for clip in examples[label])
            raise ConfigError(
                f"{label}: next to nothing moves in {shown}, and these features speak of motion alone. Give other "
                "clips, or a --backbone that knows what things look like."
            )
        if len(found) > MOST_VECTORS:
            found = [found[at] for at in np.linspace(0, len(found) - 1, MOST_VECTORS).round().astype(int).tolist()]
        places = sorted({(number, look.moment) for number, look in found})
        groups[label] = [places.index((number, look.moment)) for number, look in found]
        mirrored[label] = [look.mirrored for _, look in found]
        vectors[label] = np.stack([look.vector for _, look in found])
    strangers = vectors.pop(UNKNOWN, None)
    groups.pop(UNKNOWN, None)
    method = recogniser.source.partition("/")[0]
    background = background_of(method, recogniser.digest, recogniser.model.config)
    lesson = learn(vectors, groups, strangers, mirrored=mirrored, background=background)
    _save(out, recogniser, lesson, labels, sum(map(len, examples.values())))
    return _report(out, recogniser, lesson, {label: len(examples[label]) for label in labels}, looks.faults)


class _Looks:
    """Looks at one clip after the other, and tells how far it is."""

    def __init__(
        self, recogniser: Recogniser, copies: int | None, moments: int, flip: bool, clips: int, tell: Tell | None
    ) -> None:
        self._recogniser, self._moments, self._flip, self._tell = recogniser, moments, flip, tell
        self._follows = hasattr(recogniser.model, "trajectories")
        self._copies = copies or (FOLLOWED_COPIES if self._follows else SEEN_COPIES)
        self._done, self._total = 0, clips * self._copies
        self.faults: list[str] = []

    def at(self, clip: str, label: str, seed: int) -> list[Look]:
        """All versions of a clip."""
        look = self._followed if self._follows else self._seen
        found = []
        about = f"{label}, {Path(clip).name}"
        self._say(about)
        with Video(clip, on_corrupt="hold_last", max_bad_ratio=MAX_BAD_RATIO) as video:
            for some in look(video, seed):
                found += some
                self._done += 1
                self._say(about)
            lost = sum(end - start for start, end, _ in video.bad_intervals)
            if lost:
                self.faults.append(
                    f"{Path(clip).name}: {lost:.1f} s of it do not decode; {label!r} was learned from the rest."
                )
        return found

    def _say(self, about: str) -> None:
        if self._tell:
            self._tell(about, self._done, self._total)

    def _followed(self, video: Video, seed: int) -> Iterator[list[Look]]:
        versions = refilmed(self._copies, seed=seed)
        yield from following.vectors(self._recogniser, video, versions, self._moments, flip=self._flip)

    def _seen(self, video: Video, seed: int) -> Iterator[list[Look]]:
        length, seconds = video.index.end, self._recogniser.seconds
        count = max(1, min(self._moments, round(length / seconds)))
        spans = constant_clips(length, seconds, count) if length > seconds else constant_clips(length, length, 1)
        versions = [changes(self._copies, flip=self._flip, seed=seed * 1000 + moment) for moment in range(len(spans))]
        for same in zip(*versions, strict=True):
            pictures = (
                (moment, window(video, self._recogniser, (span.start + span.end) / 2, change))
                for moment, (span, change) in enumerate(zip(spans, same, strict=True))
            )
            yield [Look(moment, features_of(self._recogniser.model, images)) for moment, images in pictures]


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
        sides=lesson.head.sides,
        background=lesson.head.scale is not None,
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


def _report(
    out: Path, recogniser: Recogniser, lesson: Lesson, actions: dict[str, int], faults: Sequence[str]
) -> TaughtActions:
    warnings = list(faults)
    if not lesson.calibrated:
        warnings.append(
            "With fewer than three actions there is nothing to try the unknown on: what is none of them may be taken "
            "for one. Give clips of something else as unknown=CLIP."
        )
    genuine = {label: float(np.median(cosines)) for label, cosines in lesson.genuine.items()}
    if len(lesson.strange) and genuine and float(np.quantile(lesson.strange, 0.9)) >= np.median(list(genuine.values())):
        warnings.append("Strangers are as like these actions as the examples are: give more clips of each.")
    for label in [label for label, likeness in genuine.items() if likeness < lesson.thresholds[label]]:
        warnings.append(
            f"Most examples of {label!r} would be unknown had they not been learned: its moments differ, or little "
            "moves. Give more or longer clips of it, or it will often be missed."
        )
    total = sum(map(len, lesson.genuine.values()))
    for label, other, count in lesson.confused[:3]:
        if count < SELDOM * total:
            continue
        warnings.append(
            f"{label!r} is easily taken for {other!r} ({count} of {len(lesson.genuine[label])} times): give clips in "
            "which they differ."
        )
    return TaughtActions(
        out=out,
        actions=actions,
        backbone=recogniser.source,
        right=lesson.right,
        confused=lesson.confused,
        genuine=genuine,
        strange=float(np.median(lesson.strange)) if len(lesson.strange) else None,
        thresholds=dict(lesson.thresholds),
        warnings=tuple(warnings),
    )
