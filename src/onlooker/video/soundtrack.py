"""The sound of a file being written: packets copied from a source where browsers play them, else encoded as AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import av
import numpy as np
from av.codec.context import Flags

from onlooker.errors import ConfigError, MediaError
from onlooker.video.reader import Video

if TYPE_CHECKING:
    from onlooker.video.sound import Sound

# what browsers play inside MP4; anything else is decoded and encoded again
_COPIED_CODECS = {"aac", "mp3", "opus", "flac"}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_CHUNK_SECONDS = 10.0
_BLOCK = 1024  # samples in one AAC frame
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


class Soundtrack(Protocol):
    """Adds an audio stream to an open output, then delivers it in step with the picture."""

    problem: str | None

    def advance(self, until: float) -> None:
        """Write the sound before `until` seconds of the output's clock."""
        ...

    def finish(self) -> None:
        """Write what the encoder still holds."""
        ...

    def close(self) -> None:
        """Let the source go."""
        ...


def add_soundtrack(output: Any, sound: Sound | Video | str | Path, origin: float) -> Soundtrack | None:
    """A soundtrack from samples, an open video or another file; None where there is no sound.

    `origin` is the media time that becomes zero of the output. What comes before it is left out.
    """
    if isinstance(sound, str | Path):
        return _from_file(output, sound, origin)
    if isinstance(sound, Video):
        return _from_video(output, sound, origin)
    samples = np.asarray(sound.samples, np.float32)
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= 8:
        raise ConfigError(f"sound must be float32 samples (n, channels) with 1 to 8 channels, not {samples.shape}.")
    rate, start = int(sound.rate), sound.start - origin
    if not len(samples):
        return None
    samples = samples[round(max(0.0, -start) * rate) :]
    return _Encoded(output, _blocks(samples, rate), rate, samples.shape[1], max(0.0, start))


def _from_file(output: Any, path: str | Path, origin: float) -> Soundtrack | None:
    source = av.open(str(path))
    if not source.streams.audio:
        source.close()
        return None
    stream = source.streams.audio[0]
    context = stream.codec_context
    # AAC straight from a transport stream has no header to put into MP4
    if context.name in _COPIED_CODECS and (context.name == "mp3" or context.extradata):
        return _Copied(output, source, stream, origin)
    frames = _decoded(source, stream, origin)
    first = next(frames, None)
    if first is None:
        source.close()
        return None
    start = float(first.time) - origin
    return _Encoded(output, chain([first], frames), first.sample_rate, len(first.layout.channels), start, source)


def _from_video(output: Any, video: Video, origin: float) -> Soundtrack | None:
    """The sound on the clock of the video's pictures; what cannot be decoded is silence."""
    audio = video.info.audio
    if audio is None:
        return None
    start = max(0.0, origin)
    chunks = video.sound_chunks(_CHUNK_SECONDS, audio.rate, mono=audio.channels > 8, start=start)
    blocks = (block for chunk in chunks for block in _blocks(chunk.samples, chunk.rate))
    return _Encoded(output, blocks, audio.rate, audio.channels, start - origin)


def _blocks(samples: np.ndarray, rate: int) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), _BLOCK):
        yield _frame(samples[start : start + _BLOCK], rate, _LAYOUTS[samples.shape[1]])


def _frame(samples: np.ndarray, rate: int, layout: str) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate = rate
    return frame


def _decoded(source: Any, stream: Any, origin: float) -> Iterator[av.AudioFrame]:
    """Frames from `origin` on; what could not be decoded is silence, so that the rest stays in step."""
    end: float | None = None
    for packet in source.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            if frame.time is None or frame.time < origin:
                continue
            missing = 0 if end is None else round((frame.time - end) * frame.sample_rate)
            if missing > _BLOCK:
                channels = len(frame.layout.channels)
                silence = np.zeros((missing, channels), np.float32)
                yield from _blocks(silence, frame.sample_rate)
            end = frame.time + frame.samples / frame.sample_rate
            yield frame


class _Copied:
    """The packets of a source file as they are."""

    def __init__(self, output: Any, source: Any, stream: Any, origin: float) -> None:
        self.problem: str | None = None
        self._output, self._source, self._origin = output, source, origin
        self._stream = output.add_stream_from_template(stream)
        self._packets = self._readable(source.demux(stream))
        self._next: Any = None

    def _readable(self, packets: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from (packet for packet in packets if None not in (packet.pts, packet.dts) and packet.size)
        except av.FFmpegError as error:
            self.problem = f"the sound of the source stops being readable: {error.strerror}"

    def advance(self, until: float) -> None:
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None or float(packet.pts * packet.time_base) - self._origin >= until:
                return
            self._next = None
            shift = round(Fraction(self._origin) / packet.time_base)
            packet.pts -= shift
            packet.dts -= shift
            # the packet that ends at zero primes the decoder; MP4 keeps it out of hearing
            if packet.pts + (packet.duration or 0) >= 0:
                packet.stream = self._stream
                self._output.mux_one(packet)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self._source.close()


class _Encoded:
    """Frames of samples, resampled where AAC asks for it, encoded."""

    def __init__(
        self,
        output: Any,
        frames: Iterator[av.AudioFrame],
        rate: int,
        channels: int,
        start: float,
        source: Any = None,
    ) -> None:
        self.problem: str | None = None
        self._output, self._frames, self._source = output, frames, source
        self._rate = rate if rate in _AAC_RATES else 48000
        self._layout = "mono" if channels == 1 else "stereo"
        self._stream = output.add_stream("aac", rate=self._rate, layout=self._layout, bit_rate=128_000)
        self._stream.codec_context.flags |= Flags.bitexact
        self._resampler: Any = None
        self._format: tuple[Any, ...] = ()
        self._at = round(start * self._rate)

    def advance(self, until: float) -> None:
        while self._at < until * self._rate:
            try:
                frame = next(self._frames, None)
            except MediaError as error:
                self.problem, frame = str(error), None
            if frame is None:
                return
            # filled-in silence may differ in sample format from what the source gives
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != self._format:
                self._drain()
                self._resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._rate)
                self._format = kind
            frame.pts = None
            self._encode(self._resampler.resample(frame))

    def _drain(self) -> None:
        if self._resampler is not None:
            self._encode(self._resampler.resample(None))

    def _encode(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            frame.pts, frame.time_base = self._at, Fraction(1, self._rate)
            self._at += frame.samples
            self._output.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._drain()
        self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
