"""Example clips to vectors where the backbone follows motion: each clip is followed once, then cut in windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.augment import Change
from onlooker.analysis.pictures import fit
from onlooker.methods.recognition.dense_trajectories.extractor import Extractor
from onlooker.methods.recognition.recogniser import Recogniser
from onlooker.methods.recognition.taught.model import FEWEST
from onlooker.methods.recognition.taught.moments import Followed, spans, views
from onlooker.video import Video
from onlooker.video.sampling import constant_clips

READ_AT_ONCE = 64  # frames
SLOWER = 1.5  # times, at least, that a slow camera is slower than the one that took a clip
ROOM = 1.25  # frames are read larger than they are looked at by this much: grain is finer than the picture


class Look(NamedTuple):
    """Features, which moment of the clip they are about, and whether they are those of a mirror image."""

    moment: int
    vector: NDArray[np.float32]
    mirrored: bool = False


def stretches(length: float, seconds: float, moments: int) -> list[tuple[float, float]]:
    """Seconds of a clip to look at: all of it, or `moments` parts of `seconds`, spread evenly, where it is longer.

    >>> stretches(5.0, 2.0, 3), stretches(20.0, 2.0, 2)
    ([(0.0, 5.0)], [(0.0, 2.0), (18.0, 20.0)])
    """
    if length <= moments * seconds:
        return [(0.0, length)]
    return [(span.start, min(span.end, length)) for span in constant_clips(length, seconds, moments)]


def vectors(
    recogniser: Recogniser, video: Video, changes: Sequence[Change], moments: int, *, flip: bool
) -> Iterator[list[Look]]:
    """What there is to see of each change of a clip; nothing of a camera that would hardly be slower than the real one.

    Windows are as long as those that a classifier looks at; what hardly moves is left out. `moments` are windows' worth
    of frames at the full rate: of a slower video as many frames are looked at, which is more of its time, because its
    windows hold fewer paths.
    """
    seconds = recogniser.seconds
    full = recogniser.spec.frames / seconds
    rate = min(full, video.info.average_rate)
    moments = round(moments * full / rate)
    for change in changes:
        found: list[Look] = []
        slow_enough = change.rate * SLOWER <= video.info.average_rate * change.speed
        parts = stretches(video.index.end, seconds, moments) if change.rate >= full or slow_enough else []
        for start, end in parts:
            followed, window = follow(recogniser, video, change, start, end)
            for a, b in spans(followed.frames, window, 2 * moments):
                middle = start + (end - start) * (a + b) / 2 / followed.frames
                for number, view in enumerate(views(followed.window(a, b), flip=flip)):
                    if len(view.found) >= FEWEST:
                        vector = recogniser.model.encode([view.found]).numpy()
                        found.append(Look(int(middle / seconds), vector, flip and number % 2 == 1))
        yield found


def follow(recogniser: Recogniser, video: Video, change: Change, start: float, end: float) -> tuple[Followed, int]:
    """The trajectories of a changed part of a video, and how many of its frames make a window.

    Frames are taken at the rate at which a classifier looks, or at that of the change where it is lower; those that
    only repeat the one before are left out.
    """
    config: Any = recogniser.model.config
    rate = min(recogniser.spec.frames / recogniser.seconds, change.rate)
    frames = max(2, round((end - start) * rate / change.speed))
    extractor = Extractor(config)
    seen: list[tuple[int, ...]] = []
    images = _pictures(recogniser.spec.short_side, video, change, np.linspace(start, end, frames + 1), seen)
    found, _ = extractor.step(images, extractor.init_state())
    height, width = seen[0][:2]
    return Followed(found, len(seen), width, height), max(2, round(recogniser.seconds * rate * len(seen) / frames))


def _pictures(
    side: int, video: Video, change: Change, edges: NDArray[np.float64], seen: list[tuple[int, ...]]
) -> Iterator[NDArray[np.uint8]]:
    """What is on screen between each two `edges`, a few at a time, so that memory does not grow with the clip.

    Notes the shapes in `seen`.
    """
    last = -1
    for first in range(0, len(edges) - 1, READ_AT_ONCE):
        some = edges[first : first + READ_AT_ONCE + 1]
        clip = video.clip(float(some[0]), float(some[-1]), frames=len(some) - 1, size=round(ROOM * side))
        new = np.diff(clip.indices, prepend=last) != 0
        last = int(clip.indices[-1])
        for image in replace(change, seed=change.seed + first).of_pictures(clip.images[new]):
            fitted = fit(image, side)
            seen.append(fitted.shape)
            yield fitted
