"""`Video`: one file, every frame at its exact time, any access order with the same pixels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError, CorruptMedia, StorageError, TruncatedMedia, UnsupportedMedia
from onlooker.video.buffers import allocate
from onlooker.video.damage import CheckedFrames, OnCorrupt
from onlooker.video.decode import UNKNOWN
from onlooker.video.frames import OK, STATUS_NAMES, Clip, Frame, Images
from onlooker.video.header import Header, read_header
from onlooker.video.index import FrameIndex
from onlooker.video.info import VideoInfo
from onlooker.video.limits import Limits
from onlooker.video.motion_vectors import MotionVectors, read_motion_vectors
from onlooker.video.pictures import Pictures, Size
from onlooker.video.scan import scan_index
from onlooker.video.sound import Sound, SoundReader
from onlooker.video.source import Source, VideoSource
from onlooker.video.views import clip_times, stride_offset

_CHUNK_BYTES = 64 << 20
"""Images of one chunk take at most this much memory; more is slower, as it leaves the processor's caches."""

_BLOCK = 4096

_MOST_THREADS = 9


def _decoding_threads() -> int:
    """One more than the processors: while the caller's thread makes a picture of what it got, all of them decode."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 4
    return min(_MOST_THREADS, processors + 1)


class FrameOutOfRange(ConfigError, IndexError):
    """A frame index or time outside the video; also an IndexError."""


class Video:
    """A video file: its frames by time or index, its sound, its motion vectors.

    `source` is a path, a file:// or http(s):// address, bytes, or a binary file object (also one that cannot seek,
    such as standard input). Nothing is opened before the first use. Frames are addressed by time in seconds on the
    file's presentation clock, or by index in the order they are shown; every order of access gives the pixels that
    reading from the start gives.

    `on_corrupt` says what happens at frames that are damaged: "raise" CorruptMedia; "skip" those that cannot be
    decoded; or "hold_last", which repeats the picture before with status 2. Repaired (concealed) frames are handed
    out with status 1 by the last two. When more than `max_bad_ratio` of all frames cannot be decoded, CorruptMedia is
    raised in any case. A file whose end is missing gives what is there; then iterating raises TruncatedMedia, or ends
    with `info.truncated`, by the same choice.

    `index` is a FrameIndex, or the path of one, which is used if it belongs to this file and written if not.
    A Video is used by one thread at a time; `close`, or leaving the `with` block, frees decoders and descriptors.
    Raises ConfigError, UnsupportedMedia, TruncatedMedia, CorruptMedia, LimitExceeded.

    >>> from onlooker.video import Video
    >>> with Video("street.mp4") as video:                                  # doctest: +SKIP
    ...     frame = video.at(12.5)
    ...     clip = video.clip(10, 14, frames=16, size=224)
    """

    def __init__(
        self,
        source: VideoSource,
        *,
        on_corrupt: OnCorrupt = "raise",
        max_bad_ratio: float = 0.05,
        apply_rotation: bool = True,
        limits: Limits | None = None,
        index: FrameIndex | str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        self._source: Source | None = None
        self._checked_frames: CheckedFrames | None = None
        CheckedFrames.check(on_corrupt, max_bad_ratio)
        if threads is not None and threads < 1:
            raise ConfigError(f"threads is at least 1, not {threads!r}.")
        self._given = source
        self._on_corrupt, self._max_bad_ratio = on_corrupt, max_bad_ratio
        self._apply_rotation = apply_rotation
        self._limits = limits or Limits()
        self._given_index = index
        self._threads = threads or _decoding_threads()
        self._header: Header | None = None
        self._index: FrameIndex | None = None
        self._pictures: Pictures | None = None
        self._closed = False

    # --- what it is -------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The base name of the source."""
        return self._opened().name

    @property
    def info(self) -> VideoInfo:
        """What the file is; exact where the packets were scanned, else from its header."""
        header = self._head()
        if self._index is None:
            return header.info
        index = self._index
        return replace(
            header.info,
            duration=index.end,
            average_rate=index.average_rate,
            is_vfr=index.is_vfr,
            num_frames_verified=len(index),
            truncated=index.truncated,
            warnings=(*header.info.warnings, *index.warnings),
        )

    @property
    def index(self) -> FrameIndex:
        """The verified frame index; built on first use by reading all packets once."""
        if self._index is None:
            self._index = self._load_index() or self._scan()
        return self._index

    def __len__(self) -> int:
        return len(self.index)

    @property
    def status(self) -> NDArray[np.uint8]:
        """Per frame what is known so far: 0 ok, 1 concealed, 2 missing, 255 not decoded yet."""
        return self._frames().status

    @property
    def bad_intervals(self) -> list[tuple[float, float, str]]:
        """(start, end, reason) in seconds of the damage met so far; reason is concealed, missing or truncated."""
        index = self.index
        bad = np.where(self.status == UNKNOWN, OK, self.status)
        edges = np.flatnonzero(np.diff(bad, prepend=OK, append=OK))
        found = [
            (float(index.time[first]), float(index.time[last - 1] + index.duration[last - 1]), STATUS_NAMES[bad[first]])
            for first, last in pairwise(edges.tolist())
            if bad[first] != OK
        ]
        if index.truncated:
            claimed = self._head().info.duration or index.end
            found.append((index.end, max(claimed, index.end), "truncated"))
        return found

    def check(self) -> list[tuple[float, float, str]]:
        """Decode everything once, without turning it into images, and return the then complete `bad_intervals`."""
        for block in self._blocks():
            self._frames().assess(block)
        return self.bad_intervals

    # --- frames -----------------------------------------------------------------------------------------------

    def at(self, seconds: float) -> Frame:
        """The frame on screen at `seconds`. Raises FrameOutOfRange before zero or after the end."""
        end = max(self.index.end, self._head().info.duration or 0.0)
        if not 0 <= seconds <= end:
            if seconds > self.index.end and self.index.truncated:
                self._raise_truncated()
            raise FrameOutOfRange(f"{self.name}: {seconds!r} s is outside the video (0 to {self.index.end:.3f} s).")
        return self._frame(self.index.at(seconds))

    @overload
    def __getitem__(self, which: int) -> Frame: ...
    @overload
    def __getitem__(self, which: slice) -> Clip: ...
    def __getitem__(self, which: int | slice) -> Frame | Clip:
        if isinstance(which, slice):
            return self.read(range(*which.indices(len(self))))
        return self._frame(self._checked([which])[0])

    def __iter__(self) -> Iterator[Frame]:
        for block in self._blocks():
            for found in self._frames().frames(block):
                yield self._as_frame(*found)
        self._end()

    def read(self, indices: Iterable[int], *, size: Size = None) -> Clip:
        """The frames at `indices`, in that order; duplicates and negative ones are allowed.

        `size` scales: the short side in pixels, or (height, width).
        """
        wanted = self._checked(indices)
        pictures = self._converter()
        height, width = pictures.shape(size)
        self._limits.check_memory(
            len(wanted) * height * width * 3, self.name, "read fewer frames, a smaller size, or use chunks()"
        )
        distinct = sorted(set(wanted))
        images = allocate(len(distinct), height, width)
        status = np.zeros(len(distinct), np.uint8)
        got: dict[int, int] = {}

        def jobs() -> Iterator[tuple[Any, Images]]:
            for row, (index, picture, state) in enumerate(self._frames().frames(distinct)):
                status[row], got[index] = state, row
                yield picture, images[row]

        pictures.place_all(jobs())
        kept = np.array([i for i in wanted if i in got], np.int64)
        rows = np.array([got[i] for i in kept.tolist()], np.int64)
        if not np.array_equal(rows, np.arange(len(distinct))):
            images, status = images[rows], status[rows]
        return Clip(images, kept, self.index.time[kept], self.index.duration[kept], status)

    def clip(
        self,
        start: float,
        end: float | None = None,
        *,
        frames: int | None = None,
        fps: float | None = None,
        stride: int | None = None,
        size: Size = None,
        generator: Any = None,
    ) -> Clip:
        """The frames shown in [start, end) seconds, or a choice of them.

        `frames`: so many, evenly spread in time (the middle of each part, or with `generator` a random moment in it).
        `fps`: so many a second from `start` on. `stride`: each stride-th frame. With `generator` (torch.Generator,
        numpy Generator or an int seed) the phase of fps and stride is random. Where the video has fewer frames than
        asked for, the frame on screen at each moment repeats. Raises ConfigError, FrameOutOfRange.
        """
        index = self.index
        end = index.end if end is None else end
        if sum(choice is not None for choice in (frames, fps, stride)) > 1:
            raise ConfigError("clip() takes one of frames, fps and stride.")
        if not 0 <= start < end:
            raise ConfigError(f"clip() needs 0 <= start < end, not {start!r} and {end!r}.")
        if start >= index.end:
            if index.truncated:
                self._raise_truncated()
            raise FrameOutOfRange(f"{self.name}: the clip starts at {start:g} s, the video ends at {index.end:.3f} s.")
        if end > index.end and index.truncated and self._on_corrupt == "raise":
            self._raise_truncated()
        end = min(end, index.end)
        if frames is not None or fps is not None:
            wanted = [index.at(t) for t in clip_times(start, end, frames=frames, fps=fps, generator=generator)]
        else:
            shown = index.between(start, end).tolist() or [index.at(start)]
            stride = 1 if stride is None else stride
            wanted = shown[stride_offset(stride, len(shown), generator) :: stride]
        return self.read(wanted, size=size)

    def chunks(self, size: int = 64, start: int = 0, *, scale: Size = None) -> Iterator[Clip]:
        """Consecutive frames from index `start` on as clips of at most `size` frames.

        A chunk holds fewer where frames are large (its images take at most 64 MiB). `scale` is as `size` of `read`.
        """
        if size < 1 or start < 0:
            raise ConfigError(f"chunks() needs a size of at least 1 and a start of at least 0, not {size}, {start}.")
        height, width = self._converter().shape(scale)
        size = max(1, min(size, min(_CHUNK_BYTES, self._limits.memory_bytes) // (height * width * 3)))
        for first in range(start, len(self), size):
            clip = self.read(range(first, min(first + size, len(self))), size=scale)
            if len(clip):
                yield clip
        self._end()

    # --- sound and motion -------------------------------------------------------------------------------------

    def sound(self, rate: int = 16_000, mono: bool = True, start: float = 0.0, end: float | None = None) -> Sound:
        """The sound of [start, end) seconds as float32 (n, channels) at `rate`; `mask` is False where there is none.

        A video without sound gives silence with an all-False mask. Raises LimitExceeded: use `sound_chunks`.
        """
        return self._sound(rate, mono).read(start, self._sound_end(end))

    def sound_chunks(
        self, seconds: float = 10.0, rate: int = 16_000, mono: bool = True, start: float = 0.0, end: float | None = None
    ) -> Iterator[Sound]:
        """The same sound in pieces of `seconds`, decoded once from front to back."""
        return self._sound(rate, mono).chunks(seconds, start, self._sound_end(end))

    def motion_vectors(self, start: float = 0.0, end: float | None = None) -> Iterator[MotionVectors]:
        """Per frame of [start, end) the motion vectors that the codec stores. Raises UnsupportedMedia."""
        index = self.index
        wanted = index.between(start, index.end if end is None else end)
        orientation = self._head().orientation if self._apply_rotation else None
        return read_motion_vectors(self._opened(), index, wanted, orientation)

    # --- inside -----------------------------------------------------------------------------------------------

    def _opened(self) -> Source:
        if self._closed:
            raise ConfigError("This Video is closed. Open it again.")
        if self._source is None:
            self._source = Source(self._given, self._limits)
        return self._source

    def _head(self) -> Header:
        if self._header is None:
            self._header = read_header(self._opened(), self._limits, apply_rotation=self._apply_rotation)
        return self._header

    def _load_index(self) -> FrameIndex | None:
        given = self._given_index
        if given is None:
            return None
        if isinstance(given, FrameIndex):
            if given.fingerprint != self._opened().fingerprint():
                raise ConfigError(f"{self.name}: the given index belongs to another file.")
            return given
        if not Path(given).exists():
            return None
        try:
            index = FrameIndex.load(given)
        except StorageError:
            return None  # a cache that cannot be read is rebuilt
        return index if index.fingerprint == self._opened().fingerprint() else None

    def _scan(self) -> FrameIndex:
        header = self._head()
        index = scan_index(self._opened(), header.info.stream, cut=header.info.truncated, strict=header.strict)
        self._limits.check_duration(index.end, self.name)
        if not len(index):
            raise UnsupportedMedia(f"{self.name}: the video stream holds no frame that can be shown.")
        if isinstance(self._given_index, str | os.PathLike):
            index.save(self._given_index)
        return index

    def _checked(self, indices: Iterable[int]) -> list[int]:
        count = len(self)
        wanted = [int(i) for i in indices]
        for i in wanted:
            if not -count <= i < count:
                if self.index.truncated and i >= 0:
                    self._raise_truncated()
                raise FrameOutOfRange(f"{self.name}: there is no frame {i}; the video has {count} frames.")
        return [i + count if i < 0 else i for i in wanted]

    def _blocks(self) -> Iterator[range]:
        """All frame indices in stretches, so that bookkeeping doesn't grow with the video."""
        for first in range(0, len(self), _BLOCK):
            yield range(first, min(first + _BLOCK, len(self)))

    def _converter(self) -> Pictures:
        if self._pictures is None:
            self._pictures = Pictures(self._head(), self._limits, apply_rotation=self._apply_rotation)
        return self._pictures

    def _frames(self) -> CheckedFrames:
        if self._checked_frames is None:
            self._checked_frames = CheckedFrames(
                self._opened(),
                self.index,
                self._threads,
                self._limits,
                on_corrupt=self._on_corrupt,
                max_bad_ratio=self._max_bad_ratio,
            )
        return self._checked_frames

    def _frame(self, index: int) -> Frame:
        for found in self._frames().frames([index]):
            return self._as_frame(*found)
        raise CorruptMedia(
            f"{self.name}: frame {index} cannot be decoded. Use on_corrupt='hold_last' to get the one before it.",
            at=float(self.index.time[index]),
            recoverable=True,
        )

    def _as_frame(self, index: int, picture: Any, status: int) -> Frame:
        facts = self.index
        return Frame(
            image=np.ascontiguousarray(self._converter().rgb(picture)),
            index=index,
            time=float(facts.time[index]),
            duration=float(facts.duration[index]),
            pts=int(facts.pts[index]),
            time_base=facts.time_base,
            key=bool(facts.key[index]),
            status=status,
        )

    def _sound(self, rate: int, mono: bool) -> SoundReader:
        return SoundReader(self._opened(), self.index.origin, rate=rate, mono=mono, limits=self._limits)

    def _sound_end(self, end: float | None) -> float:
        return self.index.end if end is None else end

    def _end(self) -> None:
        if self.index.truncated and self._on_corrupt == "raise":
            self._raise_truncated()

    def _raise_truncated(self) -> None:
        header = self._head().info.num_frames_header
        claimed = f" of {header}" if header else ""
        raise TruncatedMedia(
            f"{self.name}: the file breaks off at {self.index.end:.3f} s, after {len(self.index)}{claimed} frames. "
            "Fetch it again, or use on_corrupt='skip' to work with what is there."
        )

    def close(self) -> None:
        """Free decoders, descriptors and temporary files. Safe to repeat."""
        self._closed = True
        if self._checked_frames is not None:
            self._checked_frames.close()
        if self._source is not None:
            self._source.close()
        self._checked_frames = self._source = self._pictures = None

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Video {self._source.name if self._source else self._given!r}>"
