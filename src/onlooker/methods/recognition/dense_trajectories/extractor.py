"""Video to trajectories, chunk by chunk: the state between chunks is small, and how it is cut changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories.ahead import ahead
from onlooker.methods.recognition.dense_trajectories.apart import OFFICE
from onlooker.methods.recognition.dense_trajectories.camera import Boxes
from onlooker.methods.recognition.dense_trajectories.config import Config
from onlooker.methods.recognition.dense_trajectories.descriptors import describe
from onlooker.methods.recognition.dense_trajectories.motion import Motion, Pair, View
from onlooker.methods.recognition.dense_trajectories.pyramid import SMALLEST, Grey, Level, levels, to_grey
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
from onlooker.methods.recognition.dense_trajectories.sampling import sample
from onlooker.methods.recognition.dense_trajectories.tracks import Complete, Tracks
from onlooker.methods.recognition.dense_trajectories.trials import try_motion, try_tracks

Image = NDArray[np.uint8]
AGAIN = 50
"""Frames after which two threads look whether there is a helper process."""
NO_BOXES: Boxes = np.zeros((0, 4), np.float32)


@dataclass(slots=True)
class State:
    """What an `Extractor` knows between frames: the last frame, and the live tracks of every level."""

    last: View | None = None
    tracks: list[Tracks] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many frames were seen."""
        return 0 if self.last is None else self.last.index + 1

    def to_dict(self) -> dict[str, Any]:
        """Numbers, lists and arrays, to be kept beside results."""
        return {
            "frames": self.frames,
            "grey": None if self.last is None else self.last.greys[0],
            "boxes": NO_BOXES if self.last is None else self.last.boxes,
            "tracks": [tracks.to_arrays() for tracks in self.tracks],
        }


class Extractor:
    """Dense trajectories of a stream of frames.

    >>> extractor = Extractor(Config())
    >>> found, state = extractor.step(np.zeros((3, 48, 64, 3), np.uint8), extractor.init_state())
    >>> len(found), state.frames
    (0, 3)
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def init_state(self) -> State:
        """Before the first frame."""
        return State()

    def restore(self, kept: Mapping[str, Any]) -> State:
        """The state of `State.to_dict`; goes on with the same results."""
        if kept["grey"] is None:
            return State()
        last = self._motion(kept["grey"]).view(int(kept["frames"]) - 1, kept["grey"], kept["boxes"])
        return State(last, [Tracks.from_arrays(part) for part in kept["tracks"]])

    def step(
        self, frames: Image | Iterable[Image], state: State, boxes: Sequence[Boxes] | None = None
    ) -> tuple[Trajectories, State]:
        """The trajectories that end within these frames, and the state after them.

        `frames` are RGB images (height, width, 3) of one size, at least 32 pixels a side; `boxes`, one array (n, 4) of
        x1, y1, x2, y2 for each frame, say where people are: the camera's motion is estimated outside of them. The state
        that was given is used up. Raises ConfigError for frames of another form.
        """
        return Trajectories.join(self.stream(frames, state, boxes)), state

    def stream(
        self, frames: Image | Iterable[Image], state: State, boxes: Sequence[Boxes] | None = None
    ) -> Iterator[Trajectories]:
        """As `step`, but what ends at each frame by itself, when up to four more were read; brings `state` on."""
        for pair in self.pairs(frames, state, boxes):
            found = self._track(pair, state.tracks)
            state.last = pair.after
            yield found

    def pairs(
        self, frames: Image | Iterable[Image], state: State, boxes: Sequence[Boxes] | None = None
    ) -> Iterator[Pair]:
        """The flow between the frames, as it is and without the camera's motion. Begins tracks at a first frame."""
        inputs = self._inputs(frames, state.last, boxes)
        if state.last is None:
            image, here = next(inputs, (None, NO_BOXES))
            if image is None:
                return
            grey = to_grey(image)
            state.last = self._motion(grey).view(0, grey, here)
            state.tracks = [Tracks() for _ in state.last.greys]
            self._sample(state.last, state.tracks)
        yield from self._found(inputs, state.last)

    def _found(self, inputs: Iterator[tuple[Image, Boxes]], last: View) -> Iterator[Pair]:
        """By two threads, or by a helper process from when there is one."""
        motion = self._motion(last.greys[0])
        greys = ((to_grey(image), boxes) for image, boxes in inputs)
        for first in greys:
            begin = last.index
            with OFFICE.hire() as helper:
                if helper is None:
                    part = ahead(_jobs(motion, chain([first], islice(greys, AGAIN - 1)), last))
                else:
                    part = helper.pairs(motion, chain([first], greys), last)
                for pair in part:
                    yield pair
                    last = pair.after
            if helper is None:
                OFFICE.saw((last.index - begin) * last.greys[0].size)

    def _inputs(
        self, frames: Image | Iterable[Image], last: View | None, boxes: Sequence[Boxes] | None
    ) -> Iterator[tuple[Image, Boxes]]:
        shape = None if last is None else last.greys[0].shape
        for number, image in enumerate(frames):
            shape = _checked(image, shape)
            if boxes is not None and number >= len(boxes):
                raise ConfigError(f"boxes for {len(boxes)} frames were given, but there are more frames.")
            yield image, NO_BOXES if boxes is None else np.asarray(boxes[number], np.float32).reshape(-1, 4)

    def _motion(self, grey: Image) -> Motion:
        return Motion(self.config, self._sizes(grey))

    def _sizes(self, grey: Image) -> tuple[Level, ...]:
        height, width = grey.shape
        return levels(width, height, self.config.scales)

    def _sample(self, now: View, tracks: list[Tracks]) -> None:
        for grey, own in zip(now.greys, tracks, strict=True):
            own.add(sample(grey, own.here(), self.config.step, self.config.corner_quality))

    def _track(self, pair: Pair, tracks: list[Tracks]) -> Trajectories:
        scales = [size.scale for size in self._sizes(pair.after.greys[0])]
        ends = []
        for grey, flow, residual, own in zip(pair.before.greys, pair.flow, pair.residual, tracks, strict=True):
            patches = own.patches(*grey.shape[::-1])
            seen = describe(grey, residual, patches, self.config.min_flow, self.config.epsilon)
            ends.append(own.advance(seen, flow, residual))
        found = self._judge(ends, tracks, scales, pair.after.index)
        self._sample(pair.after, tracks)
        return found

    def _judge(self, ends: list[Complete], tracks: list[Tracks], scales: list[float], frame: int) -> Trajectories:
        """The complete tracks of all scales that pass, in pixels of the frame."""
        scale = np.repeat(np.array(scales, np.float32), [len(end) for end in ends])
        points = np.concatenate([end.points for end in ends]) * scale[:, None, None]
        trial = try_tracks(points, self.config)
        passed, shape = trial.passed, trial.shape
        if self.config.compensate:
            moves = np.concatenate([end.moves for end in ends]) * scale[:, None, None]
            moving, shape = try_motion(moves, self.config)
            passed = passed & moving
        parts = np.split(passed, np.cumsum([len(end) for end in ends])[:-1])
        described = [own.described(end.columns[part]) for own, end, part in zip(tracks, ends, parts, strict=True)]
        count = int(passed.sum())
        return Trajectories(
            np.full(count, frame, np.int64),
            points[passed],
            trial.mean[passed],
            trial.std[passed],
            trial.length[passed],
            scale[passed],
            shape[passed].reshape(count, 30),
            *(np.concatenate(channel) for channel in zip(*described, strict=True)),
        )


def _jobs(motion: Motion, inputs: Iterable[tuple[Grey, Boxes]], last: View) -> Iterator[Callable[[], Pair]]:
    """For each frame, what finds the motion from the one before to it."""
    before: Future[View] = Future()
    before.set_result(last)
    for index, (grey, boxes) in enumerate(inputs, last.index + 1):
        after: Future[View] = Future()
        yield partial(_pair, motion, motion.view(index, grey, boxes), before, after)
        before = after


def _pair(motion: Motion, view: View, before: Future[View], after: Future[View]) -> Pair:
    """Prepare a frame, for the next one too, and find the motion from the one before."""
    try:
        after.set_result(motion.prepare(view))
    except BaseException as error:
        after.set_exception(error)
        raise
    return motion.pair(before.result(), after.result())


def _checked(image: Image, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Height and width. Raises ConfigError for what is no RGB frame of the size of the ones before."""
    if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < SMALLEST:
        raise ConfigError(
            f"a frame is RGB, uint8 (height, width, 3), {SMALLEST} pixels or more a side; this one is {image.dtype} "
            f"{image.shape}."
        )
    if shape is not None and image.shape[:2] != shape:
        raise ConfigError(f"a frame of {image.shape[:2]} follows one of {shape}: start with a new state there.")
    return image.shape[:2]
