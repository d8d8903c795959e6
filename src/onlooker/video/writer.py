"""Frames to a file: H.264 and AAC in MP4 that browsers play, whole or not there at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from onlooker.errors import ConfigError, MediaError, MissingDependency
from onlooker.video.saving import PendingFile, encoding_errors
from onlooker.video.soundtrack import Soundtrack, add_soundtrack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onlooker.video.reader import Video
    from onlooker.video.sound import Sound

_TICKS = 90_000  # a second; 24, 25, 30, 50, 60 and 30000/1001 frames a second fall on whole ticks
_LONGEST_EDGE = 16_384
_BT709 = 1


class VideoWriter:
    """Write RGB frames, each with its exact time, to an MP4 that browsers play.

    `write(image, time)` takes uint8 `(height, width, 3)` and seconds; without a time, frame `i` is shown at `i / rate`.
    Times must increase and are kept to 1/90000 s (finer where `rate` needs it); the last frame lasts `1 / rate`, or as
    long as the one before it. `origin` is the media time that becomes zero of the file. Odd sizes are padded to even
    ones by repeating the last row and column. `quality` is x264's rate factor: 0 is lossless, 18 looks lossless, 51 is
    worst. `sound` is a `Sound` (any rate) or an open `Video`, from which AAC is made, or the path of a file whose
    packets are copied where browsers play its codec, with that file's own time stamps. What stops it from being read is
    told by `sound_problem` and never stops the picture.

    The file appears under its name when `close` (or the end of a `with` block) has finished it; after any error or
    interrupt inside the block nothing is left. The same frames give the same bytes.

    Errors: ConfigError (shape, order of times), DiskFull, PermissionDenied, StorageError, MediaError (sound file).

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "grey.mp4"
    >>> with VideoWriter(path, 64, 48, rate=25) as writer:
    ...     for level in range(10):
    ...         writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    >>> path.stat().st_size > 1000
    True
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        *,
        rate: float | Fraction | None = None,
        quality: float = 23,
        sound: Sound | Video | str | Path | None = None,
        origin: float = 0.0,
        threads: int = 2,
    ) -> None:
        self._shape = _checked_shape(width, height)
        self._rate = None if rate is None else _checked_rate(rate)
        self._origin = origin
        self._time_base = _time_base(self._rate)
        self._reformatter = VideoReformatter()
        self._last: int | None = None
        self._step: int | None = None
        self._held: Any = None
        self._frames = 0
        self._file: PendingFile | None = PendingFile(path)
        self._sound: Soundtrack | None = None
        try:
            self._output = _open_output(self._file, self._time_base)
            self._stream = self._add_picture(quality, threads)
            self._sound = _add_sound(self._output, sound, origin)
        except BaseException:
            self.abort()
            raise

    @property
    def frames(self) -> int:
        """How many frames were written so far."""
        return self._frames

    @property
    def sound_problem(self) -> str | None:
        """Why the sound ends early, or None."""
        return None if self._sound is None else self._sound.problem

    def write(self, image: NDArray[np.uint8], time: float | None = None) -> None:
        """Add one RGB frame, shown from `time` seconds on."""
        if self._file is None:
            raise ConfigError("this VideoWriter is closed: open a new one to write more frames.")
        if image.shape != (*self._shape, 3) or image.dtype != np.uint8:
            expected = f"uint8 {(*self._shape, 3)}"
            raise ConfigError(f"a frame must be {expected}, not {image.dtype} {image.shape}.")
        ticks = self._ticks(time)
        frame = self._to_yuv(image)
        frame.pts, frame.time_base = ticks, self._time_base
        with encoding_errors(self._file.path):
            self._mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.advance(float(ticks * self._time_base))
        self._step = self._step if self._last is None else ticks - self._last
        self._last = ticks
        self._frames += 1

    def close(self) -> None:
        """Finish the file and give it its name. Does nothing the second time. Errors: ConfigError without any frame."""
        if self._file is None:
            return
        try:
            if self._last is None:
                raise ConfigError(f"{self._file.path.name}: no frame was written, so there is no video to keep.")
            with encoding_errors(self._file.path):
                self._finish(self._last)
                self._output.close()
        except BaseException:
            self.abort()
            raise
        pending, self._file = self._file, None
        _release(self._sound)
        try:
            pending.commit()
        except BaseException:
            pending.discard()
            raise

    def abort(self) -> None:
        """Give up: the temporary file is removed and the final name is as it was."""
        if self._file is None:
            return
        pending, self._file = self._file, None
        _release(self._sound)
        with suppress(Exception):
            self._output.close()
        pending.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _add_picture(self, quality: float, threads: int) -> Any:
        if "libx264" not in av.codecs_available:
            raise MissingDependency(
                "this PyAV has no libx264: install its wheel from the package index (pip install av)."
            )
        rate = self._rate or Fraction(25)
        # without it x264 gives other bytes on another processor, and now and then on the same one
        same_everywhere = "cpu-independent=1"
        options = {
            "preset": "veryfast",
            "crf": f"{quality:g}",
            "bf": "0",
            "g": str(max(1, round(2 * rate))),
            "x264-params": same_everywhere,
        }
        stream = self._output.add_stream("libx264", rate=rate, options=options)
        height, width = self._shape
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        context = stream.codec_context
        context.time_base = self._time_base
        # a fixed number of threads: x264 gives the same bytes for the same number only
        context.thread_count = threads
        context.flags |= Flags.bitexact
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _ticks(self, time: float | None) -> int:
        if time is None:
            if self._rate is None:
                raise ConfigError("write(image, time) needs a time, or VideoWriter(rate=...) for even spacing.")
            exact = Fraction(self._frames) / self._rate
        elif np.isfinite(time):
            exact = Fraction(float(time)) - Fraction(self._origin)
        else:
            raise ConfigError(f"the time of frame {self._frames} is {time}: it must be a number of seconds.")
        ticks = round(exact / self._time_base)
        if ticks < 0:
            raise ConfigError(f"frame {self._frames} at {time} s lies before origin={self._origin}: set origin lower.")
        if self._last is not None and ticks <= self._last:
            before = float(self._last * self._time_base) + self._origin
            raise ConfigError(f"frame {self._frames} at {time} s does not come after the one at {before:.6f} s.")
        return ticks

    def _to_yuv(self, image: NDArray[np.uint8]) -> Any:
        height, width = self._shape
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        return self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND,
            threads=1,
        )

    def _mux(self, packets: Iterable[Any]) -> None:
        # one packet is held back: its duration is known when the next one comes
        for packet in packets:
            if self._held is not None:
                self._held.duration = packet.pts - self._held.pts
                self._output.mux_one(self._held)
            self._held = packet

    def _finish(self, last: int) -> None:
        self._mux(self._stream.encode(None))
        even = round(1 / (self._rate or 25) / self._time_base)
        duration = even if self._rate else self._step or even
        self._held.duration = duration
        self._output.mux_one(self._held)
        if self._sound is not None:
            self._sound.advance(float((last + duration) * self._time_base))
            self._sound.finish()


def concatenate(
    parts: Sequence[str | Path],
    path: str | Path,
    *,
    sound_from: Sound | Video | str | Path | None = None,
    origin: float = 0.0,
) -> str | None:
    """Join files of `VideoWriter` (same size, no sound, times that go on) into one without encoding again.

    Every frame keeps the time it has in its part. `sound_from` gives the sound (see `VideoWriter`). Returns why the
    sound ends early, or None. Errors: ConfigError for parts that do not fit together, and those of `VideoWriter`.
    """
    if not parts:
        raise ConfigError(f"{Path(path).name}: there are no parts to join.")
    pending = PendingFile(path)
    try:
        with encoding_errors(pending.path):
            problem = _join(parts, pending, sound_from, origin)
        pending.commit()
    except BaseException:
        pending.discard()
        raise
    return problem


def _join(
    parts: Sequence[str | Path], pending: PendingFile, sound: Sound | Video | str | Path | None, origin: float
) -> str | None:
    with _open_part(parts[0]) as first:
        template = first.streams.video[0]
        like = _kind(first)
        output = _open_output(pending, template.time_base)
        stream = output.add_stream_from_template(template)
        stream.time_base = template.time_base
    soundtrack: Soundtrack | None = None
    end = 0.0
    try:
        soundtrack = _add_sound(output, sound, origin)
        for packet in _packets(parts, like):
            end = float((packet.pts + packet.duration) * packet.time_base)
            packet.stream = stream
            output.mux_one(packet)
            if soundtrack is not None:
                soundtrack.advance(end)
        if soundtrack is not None:
            soundtrack.finish()
        output.close()
    finally:
        _release(soundtrack)
        with suppress(Exception):
            output.close()
    return None if soundtrack is None else soundtrack.problem


def _packets(parts: Sequence[str | Path], like: tuple[Any, ...]) -> Iterator[Any]:
    last = -1
    for part in parts:
        name = Path(part).name
        with _open_part(part) as source:
            if _kind(source) != like:
                raise ConfigError(f"{name} does not fit the first part: parts have one size, one rate and no sound.")
            for packet in source.demux(video=0):
                if packet.dts is None:
                    continue
                if packet.pts <= last:
                    raise ConfigError(f"{name} starts before the part ahead of it ends.")
                last = packet.pts
                yield packet


def _kind(source: Any) -> tuple[Any, ...]:
    """What parts must have in common to be joined without encoding again."""
    picture = source.streams.video[0]
    return len(source.streams), picture.time_base, picture.codec_context.extradata


def _open_part(part: str | Path) -> Any:
    what = f"{Path(part).name} cannot be joined"
    try:
        source = av.open(f"file:{Path(part).absolute()}")
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"{what}: {error.strerror or error}. Write that part again.") from error
    if not source.streams.video:
        source.close()
        raise MediaError(f"{what}: it holds no video. Write that part again.")
    return source


def _add_sound(output: Any, sound: Any, origin: float) -> Soundtrack | None:
    if sound is None:
        return None
    try:
        return add_soundtrack(output, sound, origin)
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"the sound cannot be read: {error.strerror or error}. Check that file.") from error


def _release(sound: Soundtrack | None) -> None:
    if sound is not None:
        sound.close()


def _open_output(pending: PendingFile, time_base: Fraction) -> Any:
    ticks = str(time_base.denominator)
    options = {
        "movflags": "+faststart",  # the index in front: a browser plays before the last byte is there
        "fflags": "+bitexact",  # no date, no version
        "video_track_timescale": ticks,
        "movie_timescale": ticks,  # the start of the first frame is written in this unit
    }
    with encoding_errors(pending.path):
        return av.open(pending.url, "w", format="mp4", container_options=options)


def _checked_shape(width: int, height: int) -> tuple[int, int]:
    if not (1 <= width <= _LONGEST_EDGE and 1 <= height <= _LONGEST_EDGE):
        raise ConfigError(f"a video of {width}x{height} cannot be written: each edge must be 1 to {_LONGEST_EDGE}.")
    return int(height), int(width)


def _checked_rate(rate: float | Fraction) -> Fraction:
    if not 0 < rate <= 1000:
        raise ConfigError(f"rate={rate}: it must be above 0 and at most 1000 frames a second.")
    exact = Fraction(rate).limit_denominator(1001)
    return exact or Fraction(rate).limit_denominator(1_000_000)


def _time_base(rate: Fraction | None) -> Fraction:
    """1/90000 s, or the coarsest finer unit in which every frame of an even rate starts on a whole tick."""
    if rate is None or (_TICKS / rate).denominator == 1 or rate.numerator > 10 * _TICKS:
        return Fraction(1, _TICKS)
    return Fraction(1, rate.numerator * -(-_TICKS // rate.numerator))
