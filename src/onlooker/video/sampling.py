"""Which parts of a video a model looks at: from a duration or a count to intervals, moments, frame numbers and crops.

Pure functions; nothing here opens a file. Times are seconds, an interval is [start, end), and the last frame of a
video lies before its duration. Randomness comes in as a NumPy Generator or a seed; the same seed gives the same parts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError

Short = Literal["repeat", "loop"]
Randomness = np.random.Generator | int
Where = Literal["start", "center", "end"]


class Interval(NamedTuple):
    """From `start` until `end`, in seconds. In a video shorter than the clip, `end` may lie beyond the duration."""

    start: float
    end: float


class Crop(NamedTuple):
    """A part of the picture as fractions of its width and height, from the top left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(x1, y1, x2, y2) in whole pixels, of the same size wherever the crop lies."""
        across, down = round((self.right - self.left) * width), round((self.bottom - self.top) * height)
        x, y = min(round(self.left * width), width - across), min(round(self.top * height), height - down)
        return x, y, x + across, y + down


class View(NamedTuple):
    """One look at a video: when, and which part of the picture."""

    interval: Interval
    crop: Crop


def uniform_clips(
    duration: float, clip: float, *, stride: float | None = None, last: Literal["drop", "back"] = "drop"
) -> list[Interval]:
    """Clips of `clip` seconds that start every `stride` seconds (default: one after the other).

    What remains at the end is dropped, or with `last="back"` covered by a clip shifted back to end with the video.
    A video shorter than one clip gives one clip from 0 that reaches beyond its end (see `fit`).

    >>> uniform_clips(2.25, 1.0, last="back")
    [Interval(start=0.0, end=1.0), Interval(start=1.0, end=2.0), Interval(start=1.25, end=2.25)]
    """
    stride = clip if stride is None else stride
    _check(duration=duration, clip=clip, stride=stride)
    room = max(duration - clip, 0.0)
    count = int(room / stride + 1e-9) + 1
    clips = [Interval(i * stride, i * stride + clip) for i in range(count)]
    if last == "back" and room - clips[-1].start > 1e-9 * max(1.0, duration):
        clips.append(Interval(room, room + clip))
    return clips


def random_clips(duration: float, clip: float, count: int, *, generator: Randomness) -> list[Interval]:
    """`count` clips of `clip` seconds, each start drawn evenly from those that fit (0 where none does)."""
    _check(duration=duration, clip=clip, count=count)
    starts = np.random.default_rng(generator).uniform(0.0, max(duration - clip, 0.0), count)
    return [Interval(float(start), float(start) + clip) for start in starts]


def constant_clips(duration: float, clip: float, count: int) -> list[Interval]:
    """The same number of clips for every video, spread evenly from its start to its end; they overlap in short ones.

    >>> constant_clips(4.0, 1.0, 3)
    [Interval(start=0.0, end=1.0), Interval(start=1.5, end=2.5), Interval(start=3.0, end=4.0)]
    """
    _check(duration=duration, clip=clip, count=count)
    room = max(duration - clip, 0.0)
    return [Interval(i * room / max(count - 1, 1), i * room / max(count - 1, 1) + clip) for i in range(count)]


def dense_windows(count: int, window: int, *, step: int = 1, at: Where = "center") -> NDArray[np.int64]:
    """Frame numbers (n, window) of a window around (or from, or up to) each `step`-th of `count` frames.

    Frames before the first and after the last repeat the edge, so that each frame gets an answer of its own.

    >>> dense_windows(4, 3, step=2).tolist()
    [[0, 0, 1], [1, 2, 3]]
    """
    _check(count=count, window=window, step=step)
    before = {"start": 0, "center": window // 2, "end": window - 1}[at]
    first = np.arange(0, count, step, dtype=np.int64)[:, None] - before
    windows: NDArray[np.int64] = np.clip(first + np.arange(window, dtype=np.int64), 0, count - 1)
    return windows


def segment_frames(count: int, segments: int, *, generator: Randomness | None = None) -> NDArray[np.int64]:
    """One frame of each of `segments` equal parts of `count` frames (temporal segment sampling).

    Part i reaches from round(i s) to round((i + 1) s), s = (count - 1) / segments; a frame is drawn from it with
    both ends included, or without `generator` the floor of its middle is taken. Fewer frames than parts repeat.
    Source: the Something-Something protocol of TimeSformer (arXiv:2102.05095) and TSN (arXiv:1608.00859).

    >>> segment_frames(9, 4).tolist()
    [1, 3, 5, 7]
    """
    _check(count=count, segments=segments)
    edges = np.array([round((count - 1) / segments * i) for i in range(segments + 1)], np.int64)
    if generator is None:
        return (edges[:-1] + edges[1:]) // 2
    return np.random.default_rng(generator).integers(edges[:-1], edges[1:], endpoint=True)


def strided_frames(
    count: int,
    frames: int,
    stride: int,
    *,
    short: Short = "repeat",
    generator: Randomness | None = None,
) -> NDArray[np.int64]:
    """`frames` frame numbers `stride` apart: from the middle of the video, or with `generator` from anywhere in it.

    A video that is too short is read from its start and filled by `fit`.

    >>> strided_frames(100, 4, 8).tolist()
    [37, 45, 53, 61]
    """
    _check(count=count, frames=frames, stride=stride)
    room = count - ((frames - 1) * stride + 1)
    if room < 0:
        return fit(np.arange(0, frames * stride, stride), count, short=short)
    first = room // 2 if generator is None else int(np.random.default_rng(generator).integers(room, endpoint=True))
    return first + np.arange(0, frames * stride, stride, dtype=np.int64)


def even_times(interval: Interval, count: int, *, generator: Randomness | None = None) -> NDArray[np.float64]:
    """`count` moments in an interval: the middle of each equal part, or with `generator` a random moment of it.

    >>> even_times(Interval(2.0, 4.0), 4).tolist()
    [2.25, 2.75, 3.25, 3.75]
    """
    _check(count=count)
    start, end = interval
    if not end > start:
        raise ConfigError(f"an interval must end after it starts, not {start} to {end}.")
    inside = np.full(count, 0.5) if generator is None else np.random.default_rng(generator).random(count)
    times: NDArray[np.float64] = start + (np.arange(count) + inside) * ((end - start) / count)
    return np.minimum(times, np.nextafter(end, start))


def subsample(count: int, wanted: int) -> NDArray[np.int64]:
    """`wanted` of `count` positions from the first to the last: floor(linspace(0, count - 1)); repeats when short.

    >>> subsample(8, 4).tolist()
    [0, 2, 4, 7]
    """
    _check(count=count, wanted=wanted)
    # whole numbers: a float linspace rounds 4.999... down where 5 is meant
    return np.arange(wanted, dtype=np.int64) * (count - 1) // max(wanted - 1, 1)


def fit(frames: NDArray[np.int64], count: int, *, short: Short = "repeat") -> NDArray[np.int64]:
    """Frame numbers of a video of `count` frames in place of those beyond its end.

    "repeat" holds the last frame that was wanted and exists, "loop" starts the wanted ones over again.

    >>> fit(np.arange(0, 10, 2), 6).tolist(), fit(np.arange(0, 10, 2), 6, short="loop").tolist()
    ([0, 2, 4, 4, 4], [0, 2, 4, 0, 2])
    """
    _check(count=count)
    real = frames[(frames >= 0) & (frames < count)]
    if len(real) == len(frames):
        return frames.astype(np.int64)
    if not len(real):
        real = np.array([count - 1])
    place = np.arange(len(frames))
    return real[np.minimum(place, len(real) - 1) if short == "repeat" else place % len(real)].astype(np.int64)


def frames_at(
    times: Sequence[float] | NDArray[np.float64], moments: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.int64]:
    """The frame on screen at each moment, for frames shown from `times` (increasing) on; right for any frame rate.

    Moments before the first frame give the first one, those after the end the last one.

    >>> frames_at([0.0, 0.1, 0.5], [0.05, 0.1, 0.49, 9.0]).tolist()
    [0, 1, 1, 2]
    """
    if not len(times):
        raise ConfigError("there are no frames to choose from.")
    # a nanosecond of grace: moments computed from a rate fall just short of the frame that they mean
    shown = np.searchsorted(np.asarray(times, np.float64), np.asarray(moments, np.float64) + 1e-9, side="right") - 1
    return np.maximum(shown, 0).astype(np.int64)


def frames_between(times: Sequence[float], interval: Interval) -> range:
    """Numbers of the frames that begin in [start, end)."""
    first = bisect_right(times, interval.start - 1e-9)
    return range(first, max(first, bisect_right(times, interval.end - 1e-9)))


def spatial_crops(width: int, height: int, count: int) -> list[Crop]:
    """`count` squares as large as the short side, spread along the long side; one alone lies in the middle.

    >>> [crop.pixels(400, 200) for crop in spatial_crops(400, 200, 3)]
    [(0, 0, 200, 200), (100, 0, 300, 200), (200, 0, 400, 200)]
    """
    _check(width=width, height=height, count=count)
    across, down = min(1.0, height / width), min(1.0, width / height)
    places = [0.5] if count == 1 else [i / (count - 1) for i in range(count)]
    corners = [((1 - across) * place, (1 - down) * place) for place in places]
    return [Crop(x, y, x + across, y + down) for x, y in corners]


def views(duration: float, clip: float, size: tuple[int, int], *, clips: int = 1, crops: int = 3) -> list[View]:
    """All combinations of `clips` moments (spread evenly; one alone in the middle) and `crops` squares, time slowest.

    `size` is (width, height) of the picture. The answer for the video is the mean over its views.
    """
    width, height = size
    if clips == 1:
        _check(duration=duration, clip=clip)
        middle = max(duration - clip, 0.0) / 2
        intervals = [Interval(middle, middle + clip)]
    else:
        intervals = constant_clips(duration, clip, clips)
    return [View(interval, crop) for interval in intervals for crop in spatial_crops(width, height, crops)]


def _check(**numbers: float) -> None:
    for name, number in numbers.items():
        if not (np.isfinite(number) and number > 0):
            raise ConfigError(f"{name} must be a number above zero, not {number}.")
