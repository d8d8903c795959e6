"""The readers under test behind one face: all frames in order, a frame by index, a frame by time.

Each follows the recipe that its own documentation or common use gives; none is helped by Onlooker's index.
Times are seconds counted from the first displayed frame.
"""

from __future__ import annotations

import importlib
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np

from onlooker.video.conformance.numbers import Image

OPENING = 0.25  # a question by time lies this share of a frame's duration behind the frame's start


@dataclass(frozen=True)
class Seen:
    """A frame as a reader gave it. `flagged`: the reader said that it is repaired or a stand-in."""

    image: Image
    time: float | None = None
    flagged: bool = False


class Session(Protocol):
    """One opened file."""

    def frames(self) -> Iterator[Seen]:
        """All frames in order."""

    def at_index(self, index: int) -> Seen | None:
        """The frame of an index; None when the reader gives nothing."""

    def at_time(self, seconds: float) -> Seen | None:
        """The frame on screen at a time; None when the reader gives nothing."""

    def close(self) -> None:
        """Free the file."""


@dataclass(frozen=True)
class Reader:
    """A reader: `modules` must be importable for it to run; `package` names its version."""

    name: str
    package: str
    module: str
    opener: Callable[[Path], Session]

    def version(self) -> str | None:
        """The installed version, or None where the reader cannot run."""
        try:
            importlib.import_module(self.module)
        except (ImportError, OSError, RuntimeError):
            return None
        try:
            return version(self.package)
        except PackageNotFoundError:
            return str(getattr(importlib.import_module(self.module), "__version__", "unknown"))

    def why_not(self) -> str:
        """Why `version` is None."""
        try:
            importlib.import_module(self.module)
        except ModuleNotFoundError:
            return "not installed"
        except (ImportError, OSError, RuntimeError) as error:
            return f"installed, but does not import here: {str(error).splitlines()[0]}"
        return ""


class OnlookerSession:
    """`onlooker.video.Video`; damaged frames are held, so that every other frame can be asked for."""

    def __init__(self, path: Path) -> None:
        from onlooker.video import Video

        self._video = Video(path, on_corrupt="hold_last", max_bad_ratio=1.0)
        self._start = float(self._video.index.start)

    def frames(self) -> Iterator[Seen]:
        for clip in self._video.chunks():
            for image, time, status in zip(clip.images, clip.times, clip.status, strict=True):
                yield Seen(image, float(time) - self._start, bool(status))

    def at_index(self, index: int) -> Seen:
        return self._seen(self._video[index])

    def at_time(self, seconds: float) -> Seen:
        return self._seen(self._video.at(self._start + seconds))

    def _seen(self, frame: Any) -> Seen:
        return Seen(frame.image, frame.time - self._start, bool(frame.status))

    def close(self) -> None:
        self._video.close()


class OpenCVSession:
    """`cv2.VideoCapture`: `set(CAP_PROP_POS_FRAMES)` and `set(CAP_PROP_POS_MSEC)` before `read`."""

    def __init__(self, path: Path) -> None:
        self.capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self.capture.isOpened():
            raise OSError("VideoCapture cannot open the file")

    def frames(self) -> Iterator[Seen]:
        while (seen := self._next()) is not None:
            yield seen

    def _next(self) -> Seen | None:
        good, image = self.capture.read()
        if not good:
            return None
        return Seen(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)

    def at_index(self, index: int) -> Seen | None:
        self.capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        return self._next()

    def at_time(self, seconds: float) -> Seen | None:
        self.capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * seconds)
        return self._next()

    def close(self) -> None:
        self.capture.release()


class PyAVSession:
    """The usual loops: `container.decode(video=0)`, and `seek` to a time computed from the average rate."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._start = float((self._stream.start_time or 0) * self._stream.time_base)
        self._rate = float(self._stream.average_rate or 25)

    def frames(self) -> Iterator[Seen]:
        for frame in self._container.decode(self._stream):
            yield self._seen(frame)

    def at_index(self, index: int) -> Seen | None:
        return self._reach(index / self._rate)

    def at_time(self, seconds: float) -> Seen | None:
        return self._reach(seconds)

    def _reach(self, seconds: float) -> Seen | None:
        """The last frame that begins at or before a time."""
        at = self._start + seconds
        self._container.seek(int(at / self._stream.time_base), stream=self._stream)
        last = None
        for frame in self._container.decode(self._stream):
            if frame.time is not None and frame.time > at + 1e-3 and last is not None:
                break
            last = frame
        return None if last is None else self._seen(last)

    def _seen(self, frame: Any) -> Seen:
        time = None if frame.time is None else frame.time - self._start
        return Seen(frame.to_ndarray(format="rgb24"), time, frame.is_corrupt)

    def close(self) -> None:
        self._container.close()


class DecordSession:
    """`decord.VideoReader`: an index, and `get_frame_timestamp` for times."""

    def __init__(self, path: Path) -> None:
        decord = importlib.import_module("decord")
        decord.logging.set_level(decord.logging.QUIET)
        self._reader = decord.VideoReader(str(path), num_threads=2)
        self._times: list[float] | None = None

    def frames(self) -> Iterator[Seen]:
        for index in range(len(self._reader)):
            yield Seen(self._reader[index].asnumpy())

    def at_index(self, index: int) -> Seen:
        return Seen(self._reader[index].asnumpy())

    def at_time(self, seconds: float) -> Seen:
        if self._times is None:
            begins = self._reader.get_frame_timestamp(np.arange(len(self._reader)))[:, 0]
            self._times = [float(time) for time in begins]
        return self.at_index(max(0, bisect_right(self._times, self._times[0] + seconds + 1e-6) - 1))

    def close(self) -> None:
        del self._reader


class TorchCodecSession:
    """`torchcodec.decoders.VideoDecoder` in its default (exact) seek mode."""

    def __init__(self, path: Path) -> None:
        decoders = importlib.import_module("torchcodec.decoders")
        self._decoder = decoders.VideoDecoder(str(path), dimension_order="NHWC")
        self._start = float(self._decoder.metadata.begin_stream_seconds or 0.0)

    def frames(self) -> Iterator[Seen]:
        for index in range(len(self._decoder)):
            yield self.at_index(index)

    def at_index(self, index: int) -> Seen:
        return self._seen(self._decoder.get_frame_at(index))

    def at_time(self, seconds: float) -> Seen:
        return self._seen(self._decoder.get_frame_played_at(self._start + seconds))

    def _seen(self, frame: Any) -> Seen:
        return Seen(frame.data.numpy(), float(frame.pts_seconds) - self._start)

    def close(self) -> None:
        del self._decoder


READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("onlooker", "onlooker", "onlooker.video", OnlookerSession),
        Reader("opencv", "opencv-python-headless", "cv2", OpenCVSession),
        Reader("pyav-naive", "av", "av", PyAVSession),
        Reader("decord", "decord", "decord", DecordSession),
        Reader("torchcodec", "torchcodec", "torchcodec.decoders", TorchCodecSession),
    )
}


def quiet_libraries() -> None:
    """Keep the complaints of OpenCV's FFmpeg off the terminal: damage is what is being counted.

    PyAV is silent as it is. Its `logging.set_level` must not be called: it lets decoder threads wait for the
    interpreter while the interpreter waits for them.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
