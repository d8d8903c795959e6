"""People (and the whole picture) followed from window to window by weights that follow motion: no frame twice.

Windows overlap. Each subject's frames go through one stream of trajectories, and a window takes the paths that end in
it. How a square is cut and how long a stream lasts depends on nothing but the frames, and what is remembered of it is
which frames and boxes it has seen: from these it is made again where a run goes on after it was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.extractor import Extractor
from onlooker.methods.recognition.dense_trajectories.extractor import State as Followed
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories

LASTS = 8  # windows, after which a stream begins anew: so much is read again after a kill, at most
FITS = 1.15  # a square keeps its side while the one that is wanted is larger or smaller by no more than this

Image = NDArray[np.uint8]
State = dict[int, dict[str, Any]]
"""By subject: the `side` of its square, the `frames` (n,) and `boxes` (n, 4) that its stream has seen."""
Boxes = Sequence[NDArray[np.float32]]
Draw = Callable[[int, Sequence[int], Boxes, float], Iterator[Image]]
"""What a subject looks like: its number, the frames, its boxes in them, the side of the square."""


@dataclass(slots=True, eq=False)
class _Stream:
    """What is known of a subject without being remembered: the live tracks, and the paths that a window may ask for.

    `numbers` says which frame of the video each frame of the stream is.
    """

    state: Followed
    numbers: list[int] = field(default_factory=list)
    last: Image | None = None
    found: Trajectories = field(default_factory=Trajectories.none)


class Trails:
    """The streams of all subjects.

    A `window` is answered by the trajectories that end in it, so one at its begin may have begun before it.
    """

    def __init__(self, config: Any, window: int, draw: Draw) -> None:
        self._extractor = Extractor(config)
        self._most, self._draw = LASTS * window, draw
        self._streams: dict[int, _Stream] = {}

    def window(self, state: State, subject: int, boxes: Mapping[int, NDArray[np.float32]], side: float) -> Trajectories:
        """The paths of a subject that end within a window, `boxes` its boxes by frame, in order of time.

        `side` is what the square should be large, in displayed pixels.
        """
        frames = sorted(boxes)
        trail = state.get(subject)
        if trail is None or not self._goes_on(trail, frames, side):
            trail = state[subject] = {
                "side": side,
                "frames": np.zeros(0, np.int64),
                "boxes": np.zeros((0, 4), np.float32),
            }
            self._streams.pop(subject, None)
        stream = self._stream(subject, trail)
        seen = int(trail["frames"][-1]) if len(trail["frames"]) else -1
        new = [frame for frame in frames if frame > seen]
        self._feed(stream, subject, new, [boxes[frame] for frame in new], trail["side"])
        trail["frames"] = np.concatenate((trail["frames"], np.array(new, np.int64)))
        trail["boxes"] = np.concatenate((trail["boxes"], np.array([boxes[n] for n in new], np.float32).reshape(-1, 4)))
        stream.found = _ending_from(stream, frames[0])
        return stream.found

    def keep(self, state: State, subjects: Iterable[int]) -> None:
        """Forget all others."""
        for gone in set(state) - set(subjects):
            del state[gone]
            self._streams.pop(gone, None)

    def _goes_on(self, trail: Mapping[str, Any], frames: Sequence[int], side: float) -> bool:
        """Whether the stream reaches into the window, its square is still right, and it may last longer."""
        seen = trail["frames"]
        fits = 1 / FITS <= side / trail["side"] <= FITS
        return bool(fits and seen[-1] >= frames[0] and len(seen) < self._most)

    def _stream(self, subject: int, trail: Mapping[str, Any]) -> _Stream:
        """The subject's stream; where this process has none, it is made of what was seen before."""
        if subject not in self._streams:
            self._streams[subject] = stream = _Stream(self._extractor.init_state())
            self._feed(stream, subject, trail["frames"].tolist(), list(trail["boxes"]), trail["side"])
        return self._streams[subject]

    def _feed(self, stream: _Stream, subject: int, frames: Sequence[int], boxes: Boxes, side: float) -> None:
        images = _moving(stream, frames, self._draw(subject, frames, boxes, side))
        found, _ = self._extractor.step(images, stream.state)
        stream.found = Trajectories.join([stream.found, found])


def _moving(stream: _Stream, frames: Sequence[int], images: Iterable[Image]) -> Iterator[Image]:
    """Nothing moves in a picture that repeats the one before: it is left out."""
    for frame, image in zip(frames, images, strict=True):
        if stream.last is None or not np.array_equal(image, stream.last):
            stream.numbers.append(frame)
            stream.last = image
            yield image


def _ending_from(stream: _Stream, frame: int) -> Trajectories:
    """What ends in that frame of the video or later."""
    first = int(np.searchsorted(np.array(stream.numbers), frame))
    return stream.found.pick(np.flatnonzero(stream.found.frame >= first))
