"""Fits the weights of the fused score on hand-drawn boxes and scenes of the world, and measures against them.

    python -m onlooker.methods.detection.embedded_people.calibrate CLIPS_FOLDER [VARIANT]

prints the weights for fusion.py and the figures for README.md. Frames of a clip marked "both" are dealt in turn to the
fit and the test. The fit is a logistic regression with a small ridge; a scene weighs as the root of its candidates, a
clip three times that. Scenes of the fit and of the test share no seed with each other or with the network's training.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.detection.embedded_people.boxes import area, intersection, iou
from onlooker.methods.detection.embedded_people.fusion import FEATURES, Candidates, Scene, describe
from onlooker.methods.detection.embedded_people.model import EmbeddedPeople
from onlooker.methods.detection.embedded_people.scenes import RATE, make_scene, moments
from onlooker.video import Video

EVIDENCE = tuple(FEATURES.index(name) for name in ("hog", "support", "face", "shoulders", "inside", "contrast", "net"))
Array = NDArray[np.float64]
LABELS = Path(__file__).with_name("labels.json")


@dataclass(frozen=True)
class Example:
    """One labelled frame: candidates' `features` and `boxes`, the final boxes and scores, and the truth."""

    clip: str
    use: str
    features: Array
    boxes: Array
    found: Array
    scores: Array
    people: Array
    ignore: Array


RENDERED = "world:"
REAL = 3.0  # what a photographed clip weighs beside a rendered scene: it is what the detector is for
FIT_SCENES, TEST_SCENES, SECONDS, SETTLED = 10, 10, 8.0, 2.0


class _Recorder(EmbeddedPeople):
    """The detector, keeping what it saw when it last looked."""

    looked: tuple[Array, Array, Array, Array] | None = None

    def score(self, candidates: Candidates, scene: Scene) -> tuple[Array, Array]:
        boxes, scores = super().score(candidates, scene)
        self.looked = describe(candidates, scene), candidates.boxes, boxes, scores
        return boxes, scores


def examples(clips: Path, variant: str) -> list[Example]:
    """The labelled frames of the clips in this folder, each seen in the course of its video."""
    labels = json.loads(LABELS.read_text())["clips"]
    found: list[Example] = []
    for name, entry in labels.items():
        found.extend(_clip_examples(clips / name, entry, variant))
    return found


def scene_examples(use: str, count: int, variant: str) -> list[Example]:
    """Frames of rendered scenes, one a second once the background is known; "fit" scenes are of the split "val"."""
    found: list[Example] = []
    for number in range(count):
        world = make_scene(0, number, "val" if use == "fit" else "test", SECONDS)
        detector = _Recorder(variant)
        state = detector.init_state(*world.size)
        for index, moment in enumerate(moments(world)):
            detector.looked = None
            _, state = detector.run(moment.image[None], np.array([moment.time]), state)
            if detector.looked is not None and moment.time >= SETTLED and index % int(RATE) == 0:
                name = f"{RENDERED} {world.stage.name} {number}"
                found.append(Example(name, use, *detector.looked, moment.people, moment.ignore))
    return found


def _clip_examples(path: Path, entry: dict[str, Any], variant: str) -> list[Example]:
    """A label belongs to the first frame at or after its number at which the cues ran."""
    wanted = sorted((int(frame), truth) for frame, truth in entry["frames"].items())
    video, detector = Video(path), _Recorder(variant)
    found: list[Example] = []
    state: dict[str, Any] | None = None
    for frame in video:
        state = state or detector.init_state(frame.image.shape[1], frame.image.shape[0])
        detector.looked = None
        _, state = detector.run(frame.image[None], np.array([frame.time]), state)
        if detector.looked is not None and frame.index >= wanted[0][0]:
            use = entry["use"] if entry["use"] != "both" else ("fit", "test")[len(found) % 2]
            truth = wanted.pop(0)[1]
            people, ignore = (np.array(truth.get(key, []), float).reshape(-1, 4) for key in ("people", "ignore"))
            found.append(Example(path.name, use, *detector.looked, people, ignore))
        if not wanted:
            break
    return found


def training_rows(example: Example) -> tuple[Array, Array]:
    """Features and truth (1 or 0) of the candidates that can be decided."""
    best = iou(example.boxes, example.people).max(1, initial=0.0)
    spared = _ignored(example.boxes, example.ignore)
    keep = (best >= 0.5) | ((best < 0.3) & ~spared)
    return example.features[keep], (best[keep] >= 0.5).astype(float)


def _ignored(boxes: Array, ignore: Array) -> NDArray[np.bool_]:
    covered = intersection(boxes, ignore) / np.maximum(area(boxes), 1e-9)[:, None]
    return np.asarray((covered > 0.5).any(1))


def fit(rows: list[tuple[str, Array, Array]], ridge: float = 0.001, positive: tuple[int, ...] = ()) -> Array:
    """Weights of the logistic regression of (clip, features, truth).

    Features in `positive` are evidence for a person: one whose weight came out negative, from chance in few examples,
    is held at zero and the others are fitted again.
    """
    features = np.concatenate([x for _, x, _ in rows])
    truth = np.concatenate([y for _, _, y in rows])
    clip = np.concatenate([np.full(len(y), name) for name, _, y in rows])
    names, counts = np.unique(clip, return_counts=True)
    importance = np.array([1.0 if str(name).startswith(RENDERED) else REAL for name in names])
    share = dict(zip(names, importance / np.sqrt(counts), strict=True))
    weight = np.array([share[name] for name in clip])
    free = np.ones(features.shape[1], bool)
    while True:
        beta = np.zeros(len(free))
        beta[free] = _logistic(features[:, free], truth, weight / weight.sum(), ridge)
        negative = [index for index in positive if beta[index] < 0]
        if not negative:
            return beta
        free[negative] = False


def _logistic(features: Array, truth: Array, weight: Array, ridge: float) -> Array:
    """Newton's method; the first feature is the bias, which the ridge leaves alone."""
    beta = np.zeros(features.shape[1])
    penalty = ridge * np.eye(len(beta))
    penalty[0, 0] = 0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(features @ beta)))
        gradient = features.T @ (weight * (chance - truth)) + penalty @ beta
        curvature = (features * (weight * chance * (1 - chance))[:, None]).T @ features + penalty
        beta = beta - np.linalg.solve(curvature + 1e-9 * np.eye(len(beta)), gradient)
    return beta


def measure(frames: list[Example], threshold: float = 0.5, overlap: float = 0.5) -> dict[str, float]:
    """Precision and recall of the final boxes: each person is found by at most one box of at least this IoU."""
    right = wrong = missed = 0
    for frame in frames:
        boxes = frame.found[frame.scores >= threshold]
        same = iou(boxes, frame.people)
        free = np.ones(len(frame.people), bool)
        for row, box in enumerate(boxes):
            column = int(np.argmax(np.where(free, same[row], -1))) if free.any() else -1
            if column >= 0 and same[row, column] >= overlap:
                free[column] = False
                right += 1
            elif not _ignored(box[None], frame.ignore)[0]:
                wrong += 1
        missed += int(free.sum())
    return {
        "frames": len(frames),
        "people": right + missed,
        "precision": round(right / max(right + wrong, 1), 3),
        "recall": round(right / max(right + missed, 1), 3),
        "false_per_frame": round(wrong / max(len(frames), 1), 3),
    }


def main(clips: str, variant: str = "default") -> dict[str, Any]:
    """Fit and figures for the clips in this folder and for scenes of the world."""
    real = examples(Path(clips), variant)
    world = scene_examples("fit", FIT_SCENES, variant) + scene_examples("test", TEST_SCENES, variant)
    rows = [(frame.clip, *training_rows(frame)) for frame in [*real, *world] if frame.use == "fit"]
    names = sorted({frame.clip for frame in real})
    return {
        "weights": dict(zip(FEATURES, fit(rows, positive=EVIDENCE).round(3).tolist(), strict=True)),
        **{f"real {use}": measure([frame for frame in real if frame.use == use]) for use in ("fit", "test")},
        **{f"world {use}": measure([frame for frame in world if frame.use == use]) for use in ("fit", "test")},
        "by_clip": {name: measure([frame for frame in real if frame.clip == name]) for name in names},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), indent=2) + "\n")
