"""What happens in the picture and what each person does, by a clip classifier with trained weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis import windows
from onlooker.analysis.people import BOX
from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.analysis.tables import rows_table
from onlooker.analysis.windows import Grid, Moment, Window
from onlooker.methods.recognition.prediction import multi_label
from onlooker.methods.recognition.recogniser import UNKNOWN, open_recogniser

MOST_PEOPLE = 16  # in one window
MOST_LABELS = 5  # in `actions`, for one window and person
FAINT = 0.01  # scores below are left out of `actions`
HELD_SIDE = 480  # pictures are kept no larger than this; people are cut out of them
CONTEXT = 1.3  # side of a person's square, in sizes of the largest box
SMALLEST = 32.0  # pixels of that side
PICTURE = -1  # stands for the whole picture where others have a track

Image = NDArray[np.uint8]
Going = dict[int, dict[str, list[Any]]]
"""What holds at the moment: for each subject and label the start, the end so far, the sum of scores, their number."""


@register
class Actions(Stage):
    """Windows slide over the whole picture and over each person (a square that follows the box).

    Gives rows of `actions`, the best labels around the middle of each window, and of `segments`, what holds for how
    long. Rows without a track are about the whole picture. Without weights it gives nothing.
    """

    name = "actions"
    needs = ("tracks", "jumps")
    gives = ("actions",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        options = context.options
        self._recogniser = (
            None if options.actions is None else open_recogniser(options.actions, options.actions_weights)
        )
        if self._recogniser is not None:
            self._grid = grid_of(self._recogniser.spec.frames, self._recogniser.seconds, context)
            self._side = max(HELD_SIDE, self._recogniser.spec.short_side)
        self._pictures: dict[int, Image] = {}
        self._shown: tuple[int, Image] | None = None

    @property
    def licences(self) -> Mapping[str, str]:
        return {} if self._recogniser is None else {self._recogniser.source: self._recogniser.licence}

    def start(self) -> State:
        return {"windows": windows.start(), "open": {}}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        if self._recogniser is None:
            return Output({"actions": []}), state
        rows: list[dict[str, Any]] = []
        segments: list[dict[str, Any]] = []
        clip, seen = inputs.clip, state["windows"]
        for position, tracks in enumerate(inputs.given["tracks"]):
            index, time = int(clip.indices[position]), float(clip.times[position])
            moment = Moment(index, tracks.ids, tracks.boxes)
            cut = index in inputs.given["jumps"]
            end = time + float(clip.durations[position])
            for window in windows.step(seen, self._grid, moment, time, end, cut=cut):
                self._answer(window, state["open"], rows, segments)
            self._keep(seen)
            self._shown = index, clip.images[position]
        if inputs.last:
            for window in windows.finish(seen, self._grid):
                self._answer(window, state["open"], rows, segments)
            segments += self._close(state["open"], float("inf"))
        if self._shown is not None:
            self._shown = self._shown[0], self._shown[1].copy()  # not a view that keeps the whole chunk alive
        tables = {"actions": rows_table("actions", rows), "segments": rows_table("segments", segments)}
        return Output({"actions": rows}, tables), state

    def _answer(self, window: Window, going: Going, rows: list[dict[str, Any]], segments: list[dict[str, Any]]) -> None:
        """Rows of one window; what had gone on until it and doesn't in it is over."""
        pictures = [self._picture(moment.index) for moment in window.moments]
        frame = np.array([0, 0, self.context.width, self.context.height], np.float32)
        whole = _Subject(PICTURE, window.start, window.end, window.middle.index, frame)
        self._note(whole, self._scores(self._whole(pictures)), going, rows)
        people, count = windows.tracks_in(window, MOST_PEOPLE)
        if count > MOST_PEOPLE:
            self.context.warn(
                f"Where more than {MOST_PEOPLE} people are seen at once, only the largest are classified."
            )
        for track in people:
            boxes = windows.boxes_of(window, track)
            scores = self._scores(self._person(pictures, boxes), views=1)
            self._note(self._stay(window, track, boxes), scores, going, rows)
        segments += self._close(going, window.end)

    def _scores(self, images: Image, views: int | None = None) -> NDArray[Any]:
        assert self._recogniser is not None
        return self._recogniser.scores(images, views=views)

    def _stay(self, window: Window, track: int, boxes: Mapping[int, NDArray[np.float32]]) -> _Subject:
        """From when to when somebody is there in a cell, and where at the moment in the middle of it."""
        inside = [at for at in boxes if window.first <= at < window.last]
        tick, middle = self._grid.tick, inside[(len(inside) - 1) // 2]
        start = window.start + (inside[0] - window.first) * tick
        end = window.end - (window.last - 1 - inside[-1]) * tick
        return _Subject(track, start, max(end, start), window.moments[middle].index, boxes[middle])

    def _note(self, subject: _Subject, scores: NDArray[Any], going: Going, rows: list[dict[str, Any]]) -> None:
        """The best labels of one subject as rows; those that are sure enough go on, or begin."""
        assert self._recogniser is not None
        labels = self._recogniser.labels
        best = [(labels[at], float(scores[at])) for at in np.argsort(-scores, kind="stable")[:MOST_LABELS]]
        about = self._about(subject.track) | dict(zip(BOX, map(float, subject.box), strict=True))
        time = (subject.start + subject.end) / 2
        rows += [
            {**about, "frame": subject.frame, "time": time, "label": label, "score": score}
            for label, score in best
            if score >= FAINT
        ]
        lasting = going.setdefault(subject.track, {})
        for label, score in best if multi_label(self._recogniser.model) else best[:1]:
            if label != UNKNOWN and score >= self.context.options.actions_min_score:
                start, _, total, count = lasting.get(label, [subject.start, 0.0, 0.0, 0])
                lasting[label] = [start, subject.end, total + score, count + 1]

    def _close(self, going: Going, until: float) -> list[dict[str, Any]]:
        """Segments that ended before `until`, in order of subject, time and label."""
        rows = []
        for track in sorted(going):
            over = [label for label, span in going[track].items() if span[1] < until - self._grid.tick / 2]
            for label in sorted(over, key=lambda label: (going[track][label][0], label)):
                start, end, total, count = going[track].pop(label)
                about = self._about(track)
                rows.append({**about, "start": start, "end": end, "label": label, "score": total / count})
            if not going[track]:
                del going[track]
        return rows

    def _about(self, track: int) -> dict[str, Any]:
        assert self._recogniser is not None
        whose = None if track == PICTURE else track
        return {"video": self.context.video, "track_id": whose, "source": self._recogniser.source}

    def _whole(self, pictures: list[Image]) -> Image:
        """The whole picture, at the size that the weights want."""
        assert self._recogniser is not None
        spec = self._recogniser.spec
        chosen = windows.spread(len(pictures), spec.frames)
        small = {at: shrink(pictures[at], spec.short_side) for at in set(chosen.tolist())}
        return np.stack([small[at] for at in chosen.tolist()])

    def _person(self, pictures: list[Image], boxes: Mapping[int, NDArray[np.float32]]) -> Image:
        """A square that follows a person, of one size; moments at which they are away repeat the nearest other."""
        assert self._recogniser is not None
        spec = self._recogniser.spec
        largest = max(float(max(box[2] - box[0], box[3] - box[1])) for box in boxes.values())
        side = max(SMALLEST, CONTEXT * largest)
        chosen = windows.nearest(list(boxes), windows.spread(len(pictures), spec.frames))
        cut = {at: self._square(pictures[at], boxes[at], side, spec.short_side) for at in set(chosen)}
        return np.stack([cut[at] for at in chosen])

    def _square(self, picture: Image, box: NDArray[np.float32], side: float, size: int) -> Image:
        """`side` displayed pixels around the middle of the box, `size` pixels large; the border is repeated outside."""
        scale = picture.shape[1] / self.context.width
        edge = max(2, round(side * scale))
        left = round(float(box[0] + box[2]) / 2 * scale - edge / 2)
        top = round(float(box[1] + box[3]) / 2 * scale - edge / 2)
        height, width = picture.shape[:2]
        rows = np.clip(np.arange(top, top + edge), 0, height - 1)
        columns = np.clip(np.arange(left, left + edge), 0, width - 1)
        square = np.ascontiguousarray(picture[rows[:, None], columns[None, :]])
        method = cv2.INTER_AREA if edge > size else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(square, (size, size), interpolation=method), np.uint8)

    def _picture(self, index: int) -> Image:
        """A frame at the size it is kept at; one that was seen before this process began is read again."""
        if index not in self._pictures:
            if self._shown is not None and self._shown[0] == index:
                image = self._shown[1]
            else:
                with self.context.open_video() as video:
                    image = video.read([index]).images[0]
            self._pictures[index] = shrink(image, self._side)
        return self._pictures[index]

    def _keep(self, seen: State) -> None:
        """Keep the pictures that a window may still ask for, and no other."""
        needed = {int(values[0]) for values in seen["held"]}
        if self._shown is not None and self._shown[0] in needed:
            self._picture(self._shown[0])
        self._pictures = {index: image for index, image in self._pictures.items() if index in needed}


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """Whom an answer is about: a track (or the whole picture), from when to when, and where in which frame."""

    track: int
    start: float
    end: float
    frame: int
    box: NDArray[np.float32]


def grid_of(frames: int, trained: float, context: Context) -> Grid:
    """Windows as long as the weights were trained on, or as the video where that is shorter."""
    options = context.options
    seconds = options.actions_window or trained
    end = options.end if context.duration is None else min(context.duration, options.end or context.duration)
    if end is not None and options.actions_window is None:
        seconds = min(seconds, max(end - options.start, 1e-3))
    return Grid.of(frames, seconds, options.actions_step)


def shrink(image: Image, short_side: int) -> Image:
    """The picture with this short side, unless it is small enough."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale >= 1:
        return image.copy()
    size = max(short_side, round(width * scale)), max(short_side, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
