"""What happens in the picture and what each person does, by a clip classifier with trained weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis import windows
from onlooker.analysis.people import BOX
from onlooker.analysis.pictures import Image, Pictures, middle_square, shrink
from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.analysis.tables import rows_table
from onlooker.analysis.trails import Boxes, Trails
from onlooker.analysis.windows import Grid, Moment, Window
from onlooker.methods.recognition.prediction import multi_label
from onlooker.methods.recognition.recogniser import UNKNOWN, Recogniser, open_recogniser

MOST_PEOPLE = 16  # in one window
MOST_LABELS = 5  # in `actions`, for one window and person
FAINT = 0.01  # scores below are left out of `actions`
HELD_SIDE = 480  # pictures are kept no larger than this; people are cut out of them
CONTEXT = 1.3  # side of a person's square, in sizes of the largest box
SMALLEST = 32.0  # pixels of that side
PICTURE = -1  # stands for the whole picture where others have a track

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
            spec = self._recogniser.spec
            self._grid = grid_of(spec.frames, self._recogniser.seconds, context)
            self._pictures = Pictures(context.open_video, context.width, max(HELD_SIDE, spec.short_side))
            self._trails = self._trails_of(self._recogniser)

    def _trails_of(self, recogniser: Recogniser) -> Trails | None:
        config = recogniser.following
        return None if config is None else Trails(config, recogniser.spec.frames, self._drawn)

    @property
    def licences(self) -> Mapping[str, str]:
        return {} if self._recogniser is None else {self._recogniser.source: self._recogniser.licence}

    def start(self) -> State:
        return {"windows": windows.start(), "open": {}, "trails": {}}

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
                self._answer(window, state, rows, segments)
            self._pictures.keep({int(values[0]) for values in seen["held"]})
            self._pictures.show(index, clip.images[position])
        if inputs.last:
            for window in windows.finish(seen, self._grid):
                self._answer(window, state, rows, segments)
            segments += self._close(state["open"], float("inf"))
        self._pictures.rest()
        tables = {"actions": rows_table("actions", rows), "segments": rows_table("segments", segments)}
        return Output({"actions": rows}, tables), state

    def _answer(self, window: Window, state: State, rows: list[dict[str, Any]], segments: list[dict[str, Any]]) -> None:
        """Rows of one window; what had gone on until it and doesn't in it is over."""
        going = state["open"]
        frame = np.array([0, 0, self.context.width, self.context.height], np.float32)
        whole = _Subject(PICTURE, window.start, window.end, window.middle.index, frame)
        everywhere = dict.fromkeys(range(len(window.moments)), frame)
        self._note(whole, self._scores(window, PICTURE, everywhere, state), going, rows)
        people, count = windows.tracks_in(window, MOST_PEOPLE)
        if count > MOST_PEOPLE:
            self.context.warn(
                f"Where more than {MOST_PEOPLE} people are seen at once, only the largest are classified."
            )
        for track in people:
            boxes = windows.boxes_of(window, track)
            self._note(self._stay(window, track, boxes), self._scores(window, track, boxes, state), going, rows)
        if self._trails is not None:
            self._trails.keep(state["trails"], [PICTURE, *people])
        segments += self._close(going, window.end)

    def _scores(
        self, window: Window, track: int, boxes: Mapping[int, NDArray[np.float32]], state: State
    ) -> NDArray[Any]:
        """Scores of a person, or of the whole picture. `boxes` by the position of their moment."""
        assert self._recogniser is not None
        side = CONTEXT * max(float(max(box[2] - box[0], box[3] - box[1])) for box in boxes.values())
        side = max(SMALLEST, side)
        if self._trails is not None:
            frames = {window.moments[at].index: box for at, box in boxes.items()}
            return self._recogniser.scores_of(self._trails.window(state["trails"], track, frames, side))
        pictures = [self._pictures.at(moment.index) for moment in window.moments]
        if track == PICTURE:
            return self._recogniser.scores(self._whole(pictures))
        return self._recogniser.scores(self._person(pictures, boxes, side), views=1)

    def _drawn(self, track: int, frames: Sequence[int], boxes: Boxes, side: float) -> Iterator[Image]:
        """A subject in some frames, as weights that follow motion look at it."""
        assert self._recogniser is not None
        size = self._recogniser.spec.crop
        for picture, box in zip(self._pictures.several(frames), boxes, strict=True):
            yield middle_square(picture, size) if track == PICTURE else self._pictures.square(picture, box, side, size)

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

    def _person(self, pictures: list[Image], boxes: Mapping[int, NDArray[np.float32]], side: float) -> Image:
        """A square that follows a person, of one size; moments at which they are away repeat the nearest other."""
        assert self._recogniser is not None
        spec = self._recogniser.spec
        chosen = windows.nearest(list(boxes), windows.spread(len(pictures), spec.frames))
        cut = {at: self._pictures.square(pictures[at], boxes[at], side, spec.short_side) for at in set(chosen)}
        return np.stack([cut[at] for at in chosen])


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
