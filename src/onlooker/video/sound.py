"""Sound tracks as float32 samples on the clock of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from onlooker.errors import ConfigError, UnsupportedMedia
from onlooker.video.info import choose_audio
from onlooker.video.limits import Limits
from onlooker.video.packets import choose, packets
from onlooker.video.source import Source, VideoSource

Samples = NDArray[np.float32]

_PREROLL = 0.5
"""Seconds decoded before the wanted start, so that codecs with memory (AAC, Opus, MP3) are settled."""
_TOLERANCE = 0.02
"""Seconds by which time stamps may wander from the count of samples before a gap is assumed."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """`samples` float32 (n, channels) in [-1, 1] from `start` seconds on, `rate` a second.

    `mask` bool (n,) is False where the track has no sound (a gap, beyond its end, damage, no track at all); samples
    are 0 there.
    """

    samples: Samples
    rate: int
    start: float
    mask: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def end(self) -> float:
        """When the last sample ends, in seconds."""
        return self.start + len(self.samples) / self.rate


def read_sound(
    source: VideoSource,
    *,
    rate: int = 16_000,
    mono: bool = True,
    start: float = 0.0,
    end: float | None = None,
    limits: Limits | None = None,
) -> Sound:
    """The sound of any file with a sound track, also one without pictures.

    Raises UnsupportedMedia when there is no sound track, LimitExceeded when it is too long to hold.

    >>> sound = read_sound("speech.flac", rate=16_000)  # doctest: +SKIP
    """
    limits = limits or Limits()
    opened = Source(source, limits)
    try:
        with opened.open() as container:
            track = choose_audio(container)
            if track is None:
                raise UnsupportedMedia(f"{opened.name}: there is no sound track.")
            origin = Fraction(track.start_time or 0) * track.time_base
            seconds = track.duration * track.time_base if track.duration else Fraction(container.duration or 0, 10**6)
        reader = SoundReader(opened, origin, rate=rate, mono=mono, limits=limits)
        return reader.read(start, float(seconds) if end is None else end)
    finally:
        opened.close()


class SoundReader:
    """Decodes the best sound track of a source at one rate; `origin` is the time stamp of second zero."""

    def __init__(self, source: Source, origin: Fraction, *, rate: int, mono: bool, limits: Limits) -> None:
        if rate < 1:
            raise ConfigError(f"rate is a positive number of samples per second, not {rate!r}.")
        limits.check_audio(1, rate, source.name)
        self._source, self._origin, self._rate, self._mono, self._limits = source, origin, rate, mono, limits

    def read(self, start: float, end: float) -> Sound:
        """All samples of [start, end) seconds."""
        pieces = list(self.chunks(max(end - start, 1 / self._rate), start, end))
        return pieces[0] if pieces else self._silence(start, 0, 1)

    def chunks(self, seconds: float, start: float, end: float) -> Iterator[Sound]:
        """The same in pieces of `seconds`; each begins on an exact sample of the common grid."""
        if not seconds > 0 or not 0 <= start <= end:
            raise ConfigError(f"sound needs 0 <= start <= end and a positive length, not {start}, {end}, {seconds}.")
        first, last = round(start * self._rate), round(end * self._rate)
        length = max(1, round(seconds * self._rate))
        self._limits.check_memory(
            min(length, last - first) * 4 * (1 if self._mono else 2), self._source.name, "use sound_chunks()"
        )
        with self._source.open() as container:
            track = choose_audio(container)
            channels = 1 if self._mono or track is None else track.codec_context.channels
            if track is not None:
                self._limits.check_audio(channels, track.codec_context.sample_rate, self._source.name)
            blocks = self._blocks(container, track, channels, start) if track is not None else iter(())
            yield from self._cut(blocks, first, last, length, channels)
            if hasattr(blocks, "close"):
                blocks.close()

    def _cut(
        self, blocks: Iterator[tuple[int, Samples]], first: int, last: int, length: int, channels: int
    ) -> Iterator[Sound]:
        """Lay blocks that know their position on the grid into pieces of `length` samples."""
        block: tuple[int, Samples] | None = None
        for begin in range(first, last, length):
            sound = self._silence(begin / self._rate, min(length, last - begin), channels)
            stop = begin + len(sound)
            while True:
                if block is None:
                    block = next(blocks, None)
                if block is None or block[0] >= stop:
                    break
                at, samples = block
                skip = max(0, begin - at)
                part = samples[skip : stop - at]
                if len(part):
                    where = slice(at + skip - begin, at + skip - begin + len(part))
                    sound.samples[where], sound.mask[where] = part, True
                if at + len(samples) > stop:
                    break
                block = None
            yield sound

    def _silence(self, start: float, count: int, channels: int) -> Sound:
        return Sound(np.zeros((count, channels), np.float32), self._rate, start, np.zeros(count, bool))

    def _blocks(self, container: Any, track: Any, channels: int, start: float) -> Iterator[tuple[int, Samples]]:
        """(position on the grid, samples) in time order; damaged packets leave gaps."""
        choose(container, track.index)
        origin = self._origin
        target = Fraction(max(0.0, start - _PREROLL)).limit_denominator(1000) + origin
        if start > _PREROLL:
            try:
                container.seek(int(target / track.time_base), stream=track, backward=True)
            except av.FFmpegError:
                return
        line = _Timeline(self._rate, origin)
        resampler: AudioResampler | None = None
        for frame in _frames(container, track):
            if resampler is None or line.jumps(frame):
                if resampler is not None:
                    yield from line.place(resampler.resample(None), channels)
                resampler = AudioResampler(
                    format="flt", layout="mono" if self._mono else frame.layout.name, rate=self._rate
                )
                line.restart(frame)
            line.count(frame)
            yield from line.place(resampler.resample(frame), channels)
        if resampler is not None:
            yield from line.place(resampler.resample(None), channels)


class _Timeline:
    """Where on the output grid the next samples belong."""

    def __init__(self, rate: int, origin: Fraction) -> None:
        self._rate, self._origin = rate, origin
        self._next_in = 0.0
        self._next_out = 0

    def jumps(self, frame: Any) -> bool:
        """Whether a frame begins elsewhere than where the one before ended."""
        at = self._seconds(frame)
        return at is not None and abs(at - self._next_in) > _TOLERANCE

    def restart(self, frame: Any) -> None:
        """Continue at the time stamp of `frame`."""
        at = self._seconds(frame)
        self._next_in = self._next_in if at is None else at
        self._next_out = round(self._next_in * self._rate)

    def count(self, frame: Any) -> None:
        self._next_in += frame.samples / frame.sample_rate

    def place(self, frames: list[Any], channels: int) -> Iterator[tuple[int, Samples]]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1, channels)
            yield self._next_out, samples
            self._next_out += len(samples)

    def _seconds(self, frame: Any) -> float | None:
        if frame.pts is None:
            return None
        return float(frame.pts * Fraction(frame.time_base) - self._origin)


def _frames(container: Any, track: Any) -> Iterator[Any]:
    for packet in packets(container, track):
        yield from _attempt(track.codec_context, packet) if packet.size else ()
    yield from _attempt(track.codec_context, None)


def _attempt(context: Any, packet: Any) -> list[Any]:
    try:
        return list(context.decode(packet))
    except av.FFmpegError:
        return []
