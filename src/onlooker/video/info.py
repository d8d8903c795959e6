"""What a video file says about itself, and what reading it has shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.stream import Disposition

from onlooker.errors import UnsupportedMedia
from onlooker.video.source import Source

_PICTURE_CODECS = {"png", "mjpeg", "jpegxl", "webp", "bmp", "tiff"}


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The sound track that `Video.sound` decodes: samples per second, channels, codec name."""

    rate: int
    channels: int
    codec: str


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Facts about one video.

    Sizes are displayed pixels (rotation applied), times seconds, rates frames per second. `nominal_rate` is what the
    header claims, `average_rate` what the time stamps say; `is_vfr` says that the steps between frames differ. Until
    the packets were scanned (`len(video)`, `video.index`, any frame access) `num_frames_verified` is None and the
    last two are estimates from the first packets. `num_frames_header` is None where the header names no count.
    `rotation` is the tag, in degrees counter-clockwise. `truncated`: the end of the file is missing.
    """

    name: str
    duration: float | None
    time_base: Fraction
    nominal_rate: float
    average_rate: float
    is_vfr: bool
    width: int
    height: int
    rotation: int
    sample_aspect: Fraction
    pixel_format: str
    color_matrix: str
    color_range: str
    transfer: str
    codec: str
    container: str
    interlaced: bool
    audio: AudioInfo | None
    num_frames_header: int | None
    num_frames_verified: int | None
    truncated: bool
    stream: int
    ignored_streams: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track that can be decoded."""
        return self.audio is not None


def choose_video(container: Any, source: Source) -> Any:
    """The stream that holds the real video: not cover art, decodable, default before others, then the largest.

    Raises UnsupportedMedia when there is none.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams}) or ["nothing"]
        cover = " (the only picture is cover art)" if container.streams.video else ""
        raise UnsupportedMedia(f"{source.name}: no video stream; the file holds {', '.join(kinds)}{cover}.")
    decodable = [stream for stream in streams if stream.codec_context is not None and stream.codec_context.width > 0]
    if not decodable:
        raise UnsupportedMedia(f"{source.name}: the video codec of this file cannot be decoded here.")
    return max(decodable, key=_rank)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _rank(stream: Any) -> tuple[bool, bool, int, int, int]:
    context = stream.codec_context
    still = context.name in _PICTURE_CODECS and stream.frames <= 1 and (stream.duration or 0) == 0
    return (
        not still,
        bool(stream.disposition & Disposition.default),
        context.width * context.height,
        stream.frames,
        -stream.index,
    )


def choose_audio(container: Any) -> Any | None:
    """The sound track to decode: default before others, then the most channels and the highest rate."""
    tracks = [s for s in container.streams.audio if s.codec_context is not None and s.codec_context.sample_rate]
    return max(
        tracks,
        key=lambda s: (
            bool(s.disposition & Disposition.default),
            s.codec_context.channels,
            s.codec_context.sample_rate,
            -s.index,
        ),
        default=None,
    )


def describe_audio(stream: Any | None) -> AudioInfo | None:
    """The facts of a sound track."""
    if stream is None:
        return None
    context = stream.codec_context
    return AudioInfo(context.sample_rate, context.channels, context.name)
