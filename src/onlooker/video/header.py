"""Opening a video far enough to know what it is: streams, limits, and one decoded picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import av
import numpy as np

from onlooker.errors import CorruptMedia, TruncatedMedia
from onlooker.video.color import color_matrix, color_range, transfer
from onlooker.video.index import steps_vary
from onlooker.video.info import VideoInfo, choose_audio, choose_video, describe_audio
from onlooker.video.limits import Limits
from onlooker.video.orientation import Orientation
from onlooker.video.packets import choose, detect_damage, packets
from onlooker.video.sniff import gif_size, is_cut
from onlooker.video.source import Source

_PEEK = 300
"""Packets that are read to estimate the rate and to find a picture that can be decoded."""
_PLAUSIBLE_RATES = (0.05, 480.0)


@dataclass(frozen=True, slots=True)
class Header:
    """`info`, the stored (width, height) of the first picture, how it is turned, and whether damage shows strictly."""

    info: VideoInfo
    stored_size: tuple[int, int]
    orientation: Orientation
    strict: bool


def read_header(source: Source, limits: Limits, *, apply_rotation: bool) -> Header:
    """Open, check the limits, decode the first picture. Raises MediaError in all its kinds."""
    with source.reader() as file:
        cut = is_cut(file, source.size)
        file.seek(0)
        claimed = gif_size(file.read(16))
    if claimed is not None:
        limits.check_picture(*claimed, source.name)
    with source.open() as container:
        limits.check_streams(len(container.streams), source.name)
        if cut and not container.streams:
            raise TruncatedMedia(f"{source.name}: the file breaks off inside its header. Fetch the file again.")
        stream = choose_video(container, source)
        context = stream.codec_context
        limits.check_picture(context.width, context.height, source.name)
        audio = choose_audio(container)
        duration = _header_duration(container, stream)
        limits.check_duration(duration or 0.0, source.name)
        ignored = tuple(f"{s.index}: {s.type}" for s in container.streams if s is not stream and s is not audio)
        nominal = float(stream.guessed_rate or stream.average_rate or 0)
        average = float(stream.average_rate or 0)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        frames_claimed, name = stream.frames or None, context.name
        time_base, number, kind = Fraction(stream.time_base), stream.index, container.format.name
        picture, times = _peek(container, choose(container, number), strict=name == "h264")
    strict = name == "h264" and picture is not None and not picture.is_corrupt
    if name == "h264" and not strict:
        picture = _leniently(source, number) or picture
    if picture is None and cut:
        raise TruncatedMedia(f"{source.name}: the file breaks off before its first frame ends. Fetch the file again.")
    if picture is None:
        raise CorruptMedia(f"{source.name}: its first frames ({_PEEK} at most) cannot be decoded.", recoverable=False)
    limits.check_picture(picture.width, picture.height, source.name)
    notes = []
    measured, varies = _rate(times, float(time_base))
    if not _PLAUSIBLE_RATES[0] <= nominal <= _PLAUSIBLE_RATES[1] or (measured and nominal > 4 * measured):
        notes.append(f"the header's frame rate {nominal:g} is not what the time stamps say ({measured:.3f})")
    orientation = Orientation.of_picture(picture)
    width, height = picture.width, picture.height
    shown = orientation.size(width, height) if apply_rotation else (width, height)
    if apply_rotation and orientation.transpose and aspect:
        aspect = 1 / aspect
    info = VideoInfo(
        name=source.name,
        duration=duration,
        time_base=time_base,
        nominal_rate=nominal,
        average_rate=measured or average,
        is_vfr=varies,
        width=shown[0],
        height=shown[1],
        rotation=orientation.degrees,
        sample_aspect=aspect,
        pixel_format=picture.format.name,
        color_matrix=color_matrix(picture),
        color_range=color_range(picture),
        transfer=transfer(picture),
        codec=name,
        container=kind.split(",")[0],
        interlaced=bool(picture.interlaced_frame),
        audio=describe_audio(audio),
        num_frames_header=frames_claimed,
        num_frames_verified=None,
        truncated=cut,
        stream=number,
        ignored_streams=ignored,
        warnings=tuple(notes),
    )
    return Header(info, (width, height), orientation, strict)


def _header_duration(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _leniently(source: Source, number: int) -> Any:
    """The first picture when the strict rules call it damaged: perhaps the encoder doesn't keep them."""
    with source.open() as container:
        return _peek(container, choose(container, number), strict=False)[0]


def _peek(container: Any, stream: Any, *, strict: bool) -> tuple[Any, list[int]]:
    """The first picture that can be decoded, and the time stamps of the first packets."""
    picture, times = None, []
    stream.codec_context.thread_count = 1
    detect_damage(stream.codec_context, strict=strict)
    for packet in islice(packets(container, stream), _PEEK):
        if packet.pts is not None and not packet.is_discard:
            times.append(packet.pts)
        if picture is None and packet.size:
            picture = next(_pictures(stream.codec_context, packet), None)
    if picture is None:
        picture = next(_pictures(stream.codec_context, None), None)
    return picture, sorted(times)


def _pictures(context: Any, packet: Any) -> Iterator[Any]:
    try:
        yield from context.decode(packet)
    except av.FFmpegError:
        return


def _rate(ticks: list[int], tick: float) -> tuple[float, bool]:
    """Frames per second of the first time stamps (0 when unknown), and whether their steps vary."""
    if len(ticks) < 3:
        return 0.0, False
    inner = np.array(ticks[: -len(ticks) // 8 or None]) * tick  # the last ones may lack a reordered neighbour
    span = inner[-1] - inner[0]
    return (len(inner) - 1) / span if span > 0 else 0.0, steps_vary(inner[:-1], np.diff(inner), tick)
