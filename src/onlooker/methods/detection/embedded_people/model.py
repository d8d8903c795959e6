"""Config and detector: which cue runs when and where, and how their answers become detections."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.detection.embedded_people.background import (
    BackgroundConfig,
    init_background,
    moving_boxes,
    step_background,
)
from onlooker.methods.detection.embedded_people.boxes import clip, grow, merge_overlapping
from onlooker.methods.detection.embedded_people.cascades import (
    NO_PARTS,
    Parts,
    body_from_face,
    body_from_shoulders,
    find_parts,
    load_cascade,
)
from onlooker.methods.detection.embedded_people.fusion import (
    CLASSIC,
    WEIGHTS,
    Candidates,
    Scene,
    describe,
    fit_to_motion,
    gather,
    impossible,
    suppress,
)
from onlooker.methods.detection.embedded_people.hog import PERSON_HEIGHT, Hits, make_scanner, scan_all
from onlooker.methods.detection.embedded_people.size_prior import init_prior, line, observe
from onlooker.methods.detection.flow import move_boxes
from onlooker.records.frames import Detections

State = dict[str, Any]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """Times in seconds of media, sizes in pixels.

    `tick`: the cues run at most this often; between, boxes follow the optical flow. `full_scan`: at least this often
    the whole picture is searched, otherwise only where something moves or somebody was. `parts_often`, `parts_seldom`:
    the cascades run that often while they find somebody, else seldom. `scan_pixels`: size of the finest level of a
    full scan, which decides the smallest person. `work_side`, `parts_side`: long side of the picture that motion and
    flow, and short side of the one that the cascades look at. `report`: lowest score given out. `network`: whether the
    small network looks too; without it nothing here needs torch.
    """

    tick: float = 0.2
    full_scan: float = 2.0
    parts_often: float = 0.2
    parts_seldom: float = 2.0
    scan_pixels: float = 0.85e6
    level_step: float = 1.2
    stride: int = 8
    hog_threshold: float = -0.2
    work_side: int = 480
    parts_side: int = 360
    parts_smallest: int = 24
    jump: float = 22.0
    report: float = 0.1
    network: bool = True
    background: BackgroundConfig = field(default_factory=BackgroundConfig)


VARIANTS = {"default": Config(), "classic": Config(network=False)}


class EmbeddedPeople:
    """People in video with nothing to download: a small network, HOG, cascades and motion, weighed together.

    Declared as "embedded, low accuracy".

    The heavy cues run five times a second of media time; on the frames between, the boxes are measured by optical
    flow. The result does not depend on how frames are split into calls.

    >>> detector = EmbeddedPeople()
    >>> state = detector.init_state(320, 240)
    >>> grey = np.full((2, 240, 320, 3), 128, np.uint8)
    >>> found, state = detector.run(grey, np.array([0.0, 0.1]), state)
    >>> [len(detections) for detections in found]
    [0, 0]
    """

    accuracy = "embedded, low accuracy"

    def __init__(self, variant: str = "default") -> None:
        if variant not in VARIANTS:
            raise ConfigError(f"embedded_people has no variant '{variant}': choose from {', '.join(VARIANTS)}.")
        self.config = VARIANTS[variant]
        self._find, weights = _network(self.config.report) if self.config.network else (_nobody, "none")
        self._weights = WEIGHTS if self.config.network else CLASSIC
        self.source = f"embedded_people/{variant}@{weights}"
        self._scan = make_scanner(self.config.hog_threshold, self.config.stride)
        self._face = load_cascade("frontalface_default")
        self._shoulders = load_cascade("upperbody")
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 1, 4), thread_name_prefix="people")

    def init_state(self, width: int, height: int) -> State:
        """The state before the first frame; `width` and `height` are displayed pixels."""
        return {
            "size": [width, height],
            "tick": -1,
            "time": 0.0,
            "heavy": 0.0,
            "full": -1e9,
            "parts": -1e9,
            "parts_found": -1e9,
            "grey": np.zeros((0, 0), np.uint8),
            "boxes": np.zeros((0, 4)),
            "scores": np.zeros(0),
            "moving": np.zeros((0, 4)),
            "prior": init_prior(),
            "background": init_background(),
        }

    def run(
        self, images: NDArray[np.uint8], times: NDArray[np.float64], state: State
    ) -> tuple[list[Detections], State]:
        """One `Detections` (label "person") per frame of `images` uint8 RGB `(time, height, width, 3)`."""
        found = []
        for image, time in zip(images, times, strict=True):
            state = self._step(image, float(time), state)
            found.append(_detections(state))
        return found, state

    def _step(self, image: NDArray[np.uint8], time: float, state: State) -> State:
        small = cv2.resize(image, self._work_size(image), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        scale = grey.shape[1] / image.shape[1]
        follows = state["grey"].shape == grey.shape and not _jumped(state["grey"], grey, self.config.jump)
        boxes, scores = state["boxes"], state["scores"]
        if follows:
            moved, quality = move_boxes(state["grey"], grey, boxes * scale)
            boxes, scores = moved / scale, scores * (0.8 + 0.2 * quality)
        else:
            boxes, scores = boxes[:0], scores[:0]
        tick = int(np.floor(time / self.config.tick + 1e-6))
        state = {**state, "boxes": boxes, "scores": scores, "grey": grey, "time": time}
        if tick != state["tick"] or not follows:
            state = self._look(image, small, scale, {**state, "tick": tick}, follows)
        inside = _visible(state["boxes"], image.shape[1], image.shape[0])
        return {**state, "boxes": state["boxes"][inside], "scores": state["scores"][inside]}

    def _work_size(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        rows, columns = image.shape[:2]
        scale = min(1.0, self.config.work_side / max(rows, columns))
        return max(round(columns * scale), 1), max(round(rows * scale), 1)

    def _look(
        self, image: NDArray[np.uint8], small: NDArray[np.uint8], scale: float, state: State, follows: bool
    ) -> State:
        """Run the cues on this frame; what follows from them replaces the boxes."""
        rows, columns = image.shape[:2]
        elapsed = max(state["time"] - state["heavy"], 0.0)
        people = _paint(state["boxes"] * scale, small.shape[:2])
        shapes = _paint(state["moving"] * scale, small.shape[:2])
        background = state["background"] if follows else init_background()
        mask, trust, background = step_background(small, elapsed, shapes, people, background, self.config.background)
        slope, offset = line(state["prior"], rows)
        smallest = 0.1 * (self._shortest(image) * scale) ** 2
        moving = moving_boxes(mask, smallest) / scale if trust > 0 else np.zeros((0, 4))
        scene = Scene(mask, scale, trust, _upright(moving, trust), columns, rows, slope, offset)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        whole = trust < 0.5 or state["time"] - state["full"] >= self.config.full_scan
        jobs = self._whole_jobs(image) if whole else self._region_jobs(image, moving, state["boxes"], scene)
        looking = self._pool.submit(self._find, image)
        hits = scan_all(self._scan, self._pool, grey, jobs)
        faces, shoulders, parts_state = self._parts(grey, state)
        seen = looking.result()
        candidates = gather(
            hits,
            faces,
            body_from_face(faces.boxes, columns, rows),
            shoulders,
            body_from_shoulders(shoulders.boxes, columns, rows),
            scene.moving,
            *seen,
        )
        candidates = fit_to_motion(candidates, scene.moving)
        boxes, scores = self.score(candidates, scene)
        strong = scores > 0.6
        keep = float(np.exp(-elapsed / 60))
        prior = observe(state["prior"], boxes[strong, 3], boxes[strong, 3] - boxes[strong, 1], scores[strong], keep)
        return {
            **state,
            **parts_state,
            "heavy": state["time"],
            "full": state["time"] if whole else state["full"],
            "boxes": boxes,
            "scores": scores,
            "moving": moving,
            "prior": prior,
            "background": background,
        }

    def score(self, candidates: Candidates, scene: Scene) -> tuple[Array, Array]:
        """Boxes cut to the picture and their calibrated scores, doubles removed, best first."""
        values = describe(candidates, scene) @ self._weights
        scores = 1 / (1 + np.exp(-values))
        boxes = clip(candidates.boxes, scene.width, scene.height)
        likely = (scores >= self.config.report) & ~impossible(candidates.boxes, scene)
        boxes, scores = boxes[likely], scores[likely]
        kept = suppress(boxes, scores)
        return boxes[kept], scores[kept]

    def _shortest(self, image: NDArray[np.uint8]) -> float:
        """Height in pixels of the smallest person that a full scan can find."""
        return float(PERSON_HEIGHT * np.sqrt(image.shape[0] * image.shape[1] / self.config.scan_pixels))

    def _heights(self, image: NDArray[np.uint8], low: float, high: float) -> list[float]:
        """Person heights to search for, from one fixed ladder, so that a scene's levels are the same every time."""
        first = self._shortest(image) * 0.75
        count = int(np.ceil(np.log(image.shape[0] / first) / np.log(self.config.level_step)))
        ladder = first * self.config.level_step ** np.arange(max(count, 1))
        return [float(h) for h in ladder if low <= h <= high]

    def _whole_jobs(self, image: NDArray[np.uint8]) -> list[tuple[Array, float]]:
        rows, columns = image.shape[:2]
        region = np.array([0, 0, columns, rows], float)
        return [(region, h) for h in self._heights(image, self._shortest(image) * 0.99, rows)]

    def _region_jobs(
        self, image: NDArray[np.uint8], moving: Array, known: Array, scene: Scene
    ) -> list[tuple[Array, float]]:
        """Where somebody was, and where something moves, at the heights that are plausible there."""
        jobs: dict[float, list[Array]] = {}
        for box, low, high in [*_around(known, 0.8, 1.25), *_expected(moving, scene)]:
            for height in self._heights(image, low, high):
                jobs.setdefault(height, []).append(grow(box[None], 0.25 * height, 0.25 * height)[0])
        return [
            (region, height)
            for height in sorted(jobs)
            for region in merge_overlapping(clip(np.array(jobs[height]), image.shape[1], image.shape[0]))
        ]

    def _parts(self, grey: NDArray[np.uint8], state: State) -> tuple[Parts, Parts, State]:
        """Faces and shoulders when their turn has come."""
        now = state["time"]
        lately = now - state["parts_found"] < self.config.parts_seldom
        if now - state["parts"] < (self.config.parts_often if lately else self.config.parts_seldom) - 1e-6:
            return NO_PARTS, NO_PARTS, {}
        scale = min(1.0, self.config.parts_side / min(grey.shape))
        view = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        smallest = self.config.parts_smallest
        faces = self._pool.submit(find_parts, self._face, view, scale, smallest, 4)
        shoulders = find_parts(self._shoulders, view, scale, 2 * smallest, 2)
        found = faces.result()
        seen = now if len(found.boxes) or len(shoulders.boxes) else state["parts_found"]
        return found, shoulders, {"parts": now, "parts_found": seen}


def _network(report: float) -> tuple[Callable[[NDArray[np.uint8]], tuple[Array, Array]], str]:
    """The shipped network as a function from a picture to boxes and scores, and what tells its weights."""
    from onlooker.methods.detection.small_people.shipped import load_shipped

    model, weights = load_shipped()

    def find(image: NDArray[np.uint8]) -> tuple[Array, Array]:
        found = model.detect(image, report=report)
        return found.boxes, found.scores

    return find, weights


def _nobody(image: NDArray[np.uint8]) -> tuple[Array, Array]:
    del image
    return np.zeros((0, 4)), np.zeros(0)


def _detections(state: State) -> Detections:
    boxes = state["boxes"].astype(np.float32)
    return Detections(boxes, state["scores"].astype(np.float32), ("person",) * len(boxes))


def _jumped(before: NDArray[np.uint8], after: NDArray[np.uint8], limit: float) -> bool:
    """Whether the picture changed so much that nothing can be followed: a cut."""
    return float(cv2.absdiff(before[::4, ::4].copy(), after[::4, ::4].copy()).mean()) > limit


def _visible(boxes: Array, width: float, height: float) -> NDArray[np.bool_]:
    cut = clip(boxes, width, height)
    return np.asarray(((cut[:, 2] - cut[:, 0]) > 2) & ((cut[:, 3] - cut[:, 1]) > 4))


def _paint(boxes: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for x1, y1, x2, y2 in np.rint(boxes).astype(int).clip(0):
        mask[y1:y2, x1:x2] = True
    return mask


def _upright(moving: Array, trust: float) -> Array:
    """The moving areas that have the shape of one upright person."""
    width, tall = moving[:, 2] - moving[:, 0], moving[:, 3] - moving[:, 1]
    return moving[(tall > 1.3 * width) & (tall < 5 * width) & (trust > 0.5)]


def _around(boxes: Array, low: float, high: float) -> list[tuple[Array, float, float]]:
    """Boxes with the range of heights around their own."""
    return [(box, low * float(box[3] - box[1]), high * float(box[3] - box[1])) for box in boxes]


def _expected(moving: Array, scene: Scene) -> list[tuple[Array, float, float]]:
    """Moving areas with the range of heights of the people in them."""
    found = []
    for box, usual in zip(moving, scene.expected(moving[:, 3]), strict=True):
        tall = float(box[3] - box[1])
        low, high = (0.5 * tall, 1.35 * tall) if np.isnan(usual) else (0.75 * float(usual), 1.3 * float(usual))
        found.append((box, low, high))
    return found


def measure(variant: str = "default") -> dict[str, Any]:
    """What the network counts for a picture; the other cues learn nothing."""
    from onlooker.methods.detection.small_people import model

    sizes = dict(model.measure())
    return sizes if VARIANTS[variant].network else dict.fromkeys(sizes, 0)


__all__ = ["VARIANTS", "Config", "EmbeddedPeople", "Hits", "measure"]
