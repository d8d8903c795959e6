"""Building the frame index by reading packets, and by decoding where packets don't tell."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import UnsupportedMedia
from onlooker.video.h264 import SliceReader
from onlooker.video.index import FrameIndex, Int64
from onlooker.video.packets import choose, number_packet, packets
from onlooker.video.source import Source

_NO_PTS = np.iinfo(np.int64).min
_RESET_SECONDS = 2.0
"""A decoding time that falls back by more than this starts a new epoch (a joined or wrapped recording)."""
_EVEN_STEPS = 30
"""Steps between frames that are needed to call a clock even."""
_FEW_GAPS = 0.02
"""Share of steps that may be odd in it; where more are, the rate simply varies."""
_COLUMNS = 9
_ORDERLESS = {"avi", "h261", "h263", "h264", "hevc", "vvc", "m4v", "mpegvideo", "vc1", "dv", "mjpeg", "obu"}
"""Containers without presentation times; what FFmpeg makes up for them is wrong where pictures are reordered."""


def scan_index(source: Source, stream_index: int, *, cut: bool, strict: bool = False) -> FrameIndex:
    """Read every packet of one video stream once.

    About 100,000 small packets per second. `cut`: the container says that its end is missing; `strict`: see
    FrameIndex. Raises UnsupportedMedia when the stream holds no packets.
    """
    with source.open() as container:
        stream = choose(container, stream_index)
        table, stopped = _read_table(container, stream)
        expected = max(stream.frames, len(stream.index_entries)) if container.format.name.startswith("mov") else 0
        sounds = [Fraction(s.start_time) * s.time_base for s in container.streams.audio if s.start_time is not None]
        time_base = Fraction(stream.time_base)
        step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        ordered = not _ORDERLESS & set(container.format.name.split(","))
        reorders = stream.codec_context.has_b_frames
    if not len(table):
        raise UnsupportedMedia(f"{source.name}: the video stream holds no data.")
    pts, dts, pos, size, duration = (table[:, k] for k in range(5))
    key, skip, damaged, disposable = (table[:, k].astype(bool) for k in range(5, _COLUMNS))
    notes: list[str] = []
    truncated = cut or stopped or len(table) < expected
    if truncated:  # the last packet of a cut file is usually half a packet
        last = np.arange(len(pos)) == len(pos) - 1
        skip |= ((pos >= 0) & (pos + size > source.size)) | (damaged & last)
        notes.append(f"the file breaks off: {len(table)} of {expected or 'an unknown number of'} packets are there")
    shift = _epochs(dts, duration, time_base)
    if shift.any():
        notes.append("time stamps start again inside the file; later parts are appended in time")
    if ordered and (pts[~skip] != _NO_PTS).all():
        skip |= _undecodable_head(source, stream_index, pts + shift, key, skip)
    elif not reorders and not ordered and (dts[~skip] != _NO_PTS).all():
        pts = dts
    else:
        notes.append("the file holds no presentation times; the order of frames comes from decoding them")
        pts, skip = _order_by_decoding(source, stream_index, step / time_base, dts, skip)
    clocked = bool((dts != _NO_PTS).all() or ordered)
    ordinal = np.flatnonzero(~skip)
    shown = (pts + shift)[ordinal]
    order = np.lexsort((ordinal, shown))
    ordinal, shown = ordinal[order], shown[order]
    final = _last_step(shown, duration[ordinal], step / time_base)
    notes += _gaps(shown, time_base)
    origin = _origin(Fraction(int(shown[0])) * time_base if len(shown) else Fraction(0), sounds)
    return FrameIndex(
        pts=pts[ordinal],
        time=_seconds(shown, time_base, origin),
        duration=np.diff(shown, append=shown[-1:] + final) * float(time_base),
        ordinal=ordinal,
        packet_pts=pts + shift,
        packet_dts=np.where(dts == _NO_PTS, pts, dts),
        packet_pos=pos,
        packet_size=size,
        packet_key=key,
        packet_skip=skip,
        packet_damaged=damaged,
        packet_disposable=disposable,
        time_base=time_base,
        origin=origin,
        stream=stream_index,
        fingerprint=source.fingerprint(),
        strict=strict,
        truncated=truncated,
        seekable=clocked and not shift.any() and _can_recognise(pos, size),
        warnings=tuple(notes),
    )


def _read_table(container: Any, stream: Any) -> tuple[Int64, bool]:
    """All packets as rows (pts, dts, pos, size, duration, then four flags), and whether reading broke off."""
    codec = stream.codec_context
    hidden = _HIDDEN.get(codec.name)
    slices = SliceReader(codec.extradata or b"") if codec.name == "h264" else None
    rows: list[tuple[int, ...]] = []
    add = rows.append
    state: dict[str, bool] = {}
    for packet in packets(container, stream, state):
        size = packet.size
        pts, dts, pos = packet.pts, packet.dts, packet.pos
        lost, disposable = slices.read(bytes(packet)) if slices is not None and size else (False, False)
        skip = packet.is_discard or size == 0 or (hidden is not None and hidden(packet))
        add(
            (
                _NO_PTS if pts is None else pts,
                _NO_PTS if dts is None else dts,
                -1 if pos is None else pos,
                size,
                packet.duration or 0,
                packet.is_keyframe,
                skip,
                packet.is_corrupt or lost,
                disposable,
            )
        )
    return np.array(rows, np.int64).reshape(-1, _COLUMNS), state.get("broken", False)


def _vp8_hidden(packet: Any) -> bool:
    """RFC 6386 section 9.1: bit 4 of the frame tag is show_frame."""
    return not memoryview(packet)[0] >> 4 & 1


def _vp9_hidden(packet: Any) -> bool:
    """VP9 bitstream specification section 6.2: show_existing_frame, frame_type, show_frame of the last frame."""
    data = memoryview(packet)
    if data[-1] & 0xE0 == 0xC0:  # a superframe index: the packet ends with a frame that is shown
        return False
    profile = (data[0] >> 5 & 1) | (data[0] >> 4 & 1) << 1
    bits = data[0] & (0x07 if profile == 3 else 0x0F)
    width = 3 if profile == 3 else 4
    if bits >> (width - 1) & 1:  # show_existing_frame
        return False
    return not bits >> (width - 3) & 1


_HIDDEN = {"vp8": _vp8_hidden, "vp9": _vp9_hidden}


def _origin(first: Fraction, sounds: list[Fraction]) -> Fraction:
    """Time zero in seconds: the earliest moment that picture or sound is presented.

    Sound that starts before zero only to prime its decoder (Opus, AAC) doesn't move it.
    """
    return min([first, *(max(sound, min(Fraction(0), first)) for sound in sounds)])


def _last_step(shown: Int64, durations: Int64, nominal: Fraction) -> int:
    """Ticks that the last frame stays: what its packet says, unless packets contradict the time stamps."""
    typical = float(np.median(np.diff(shown))) if len(shown) > 1 else float(nominal)
    claimed = float(np.median(durations)) if len(durations) else 0.0
    if len(shown) and durations[-1] > 0 and 0.5 * typical <= claimed <= 2 * typical:
        return int(durations[-1])
    return max(1, round(typical))


def _gaps(shown: Int64, time_base: Fraction) -> list[str]:
    """Says where frames seem to be missing: long steps in an otherwise even clock.

    Only H.264 numbers its pictures; where packets of another codec are lost, the clock is all there is to tell.
    """
    steps = np.diff(shown)
    if len(steps) < _EVEN_STEPS:
        return []
    typical = float(np.median(steps))
    long = steps > 1.75 * typical
    even = np.abs(steps - typical) <= max(1.0, 0.1 * typical)
    if not long.any() or long.mean() > _FEW_GAPS or (long | even).mean() < 1 - _FEW_GAPS:
        return []
    first = float((shown[np.flatnonzero(long)[0] + 1] - shown[0]) * time_base)
    missing = int(np.rint(steps[long] / typical - 1).sum())
    places = int(long.sum())
    note = f"about {missing} frames seem to be missing at {places} place{'s' if places > 1 else ''}, the first "
    return [note + f"{first:.2f} s after the first frame: the clock jumps there and is even elsewhere"]


def _epochs(dts: Int64, duration: Int64, time_base: Fraction) -> Int64:
    """Per packet, what to add to its time stamps so that time never falls back by more than a reordering."""
    shift = np.zeros(len(dts), np.int64)
    known = np.flatnonzero(dts != _NO_PTS)
    if len(known) < 2:
        return shift
    times = dts[known]
    falls = np.flatnonzero(np.diff(times) < -int(_RESET_SECONDS / time_base))
    for fall in falls:
        before, after = known[fall], known[fall + 1]
        gap = max(int(duration[before]), 1)
        shift[after:] = dts[before] + shift[before] + gap - dts[after]
    return shift


def _can_recognise(pos: Int64, size: Int64) -> bool:
    """Whether a packet that is read after a seek can be recognised: (position, size) must be unique."""
    return bool((pos >= 0).all()) and len(np.unique(np.stack((pos, size)), axis=1).T) == len(pos)


def _seconds(pts: Int64, time_base: Fraction, origin: Fraction) -> NDArray[np.float64]:
    """pts * time_base - origin, rounded once."""
    scale = origin.denominator * time_base.denominator
    ticks = pts * (time_base.numerator * origin.denominator) - origin.numerator * time_base.denominator
    return ticks / scale


def _decoded(source: Source, stream_index: int, start: int, *, order_only: bool = False) -> Iterator[tuple[int, Any]]:
    """(ordinal, frame) in the order a decoder gives them, from packet `start` on; damage is skipped.

    With `order_only` pictures are decoded as cheaply as possible, and their pixels are not right.
    """
    with source.open() as container:
        stream = choose(container, stream_index)
        context = stream.codec_context
        context.thread_count = 2 if order_only else 1
        if order_only:
            context.thread_type = "AUTO"
            context.options = {"skip_loop_filter": "all"}
        for number, packet in enumerate(packets(container, stream)):
            if number < start or packet.size == 0:
                continue
            number_packet(packet, number)
            yield from _attempt(context, packet)
        yield from _attempt(context, None)


def _attempt(context: Any, packet: Any) -> list[tuple[int, Any]]:
    try:
        return [(frame.pts, frame) for frame in context.decode(packet)]
    except av.FFmpegError:
        return []


def _order_by_decoding(
    source: Source, stream_index: int, step: Fraction, dts: Int64, skip: NDArray[np.bool_]
) -> tuple[Int64, NDArray[np.bool_]]:
    """Presentation times per packet, and which packets show nothing, from the order in which a decoder shows them.

    The k-th picture takes the k-th decoding time; without those, times are made up as multiples of `step` ticks.
    """
    order = [number for number, _ in _decoded(source, stream_index, 0, order_only=True)]
    slots = np.sort(dts[~skip])
    if len(slots) < len(order) or slots[0] == _NO_PTS:
        slots = np.array([round(k * step) for k in range(len(order))], np.int64)
    pts = np.where(dts == _NO_PTS, 0, dts)
    pts[order] = slots[: len(order)]
    hidden = np.ones(len(dts), bool)
    hidden[order] = False
    return pts, hidden


def _undecodable_head(
    source: Source, stream_index: int, pts: Int64, key: NDArray[np.bool_], skip: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Packets at the start of a recording cut in mid-stream whose references are not there.

    Those before the first key packet, and of those that lead into it (shown before, decoded after) the ones that a
    decoder doesn't give back.
    """
    numbers = np.arange(len(pts))
    first = int(np.argmax(key)) if key.any() else 0
    lost = numbers < first
    leading = ~skip & (numbers > first) & (pts < pts[first])
    if leading.any():
        lost |= leading
        end = int(np.flatnonzero(leading)[-1])
        for number, frame in _decoded(source, stream_index, first):
            if number <= end and not frame.is_corrupt:
                lost[number] = False
            elif number > end + 64:
                break
    return lost
