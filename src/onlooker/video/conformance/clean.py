"""Files without damage whose frames are easily got wrong: clocks, orders, containers, sizes, colours."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np

from onlooker.video.conformance.boxes import add_phantom_samples, cut_presentation
from onlooker.video.conformance.encode import (
    BITEXACT,
    Recipe,
    add_stream,
    configure,
    encoded,
    encoder_options,
    write_video,
)
from onlooker.video.conformance.numbers import Image, draw
from onlooker.video.conformance.truth import Case, Truth, renumbered, truth_of

H264 = Recipe()
H264_B = Recipe(gop=24, bframes=3, options=(("preset", "veryfast"),))
OPEN_GOP = Recipe(bframes=3, options=(("preset", "veryfast"), ("x264-params", "open-gop=1")))
HEVC = Recipe(codec="libx265", bframes=4, options=(("preset", "fast"), ("x265-params", "open-gop=1")))
# one-pass VP9 makes alt-ref frames only in real-time mode under variable bit rate
ALT_REF = (("auto-alt-ref", "1"), ("lag-in-frames", "25"), ("cpu-used", "6"), ("b", "300000"), ("crf", "-1"))
VP9 = Recipe(codec="libvpx-vp9", container="webm", frames=96, gop=48, options=ALT_REF)
VP8 = Recipe(codec="libvpx", container="webm", time_base=Fraction(1, 1000))
TS = Recipe(container="ts", bframes=3, options=(("preset", "veryfast"),), time_base=Fraction(1, 90_000))
TINY = Recipe(frames=8, pix_fmt="yuv444p")
TURN = {90: 1, 180: 2, 270: 3}


def plain(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    """The recipe as it is."""
    recipe = renumbered(recipe, rng)
    write_video(path, recipe)
    return truth_of(recipe)


def variable(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    """Variable frame rate: steps of 10 to 200 ms."""
    steps = rng.integers(10, 200, recipe.frames - 1)
    ticks = tuple(round(int(ms) / (1000 * recipe.time_base)) for ms in np.concatenate([[0], np.cumsum(steps)]))
    return plain(recipe.with_(ticks=ticks), path, rng)


def shifted(recipe: Recipe, seconds: Fraction, path: Path, rng: np.random.Generator) -> Truth:
    """Every time stamp moved by `seconds`."""
    shift = round(seconds / recipe.time_base)
    return plain(recipe.with_(ticks=tuple(tick + shift for tick in recipe.presentation())), path, rng)


def turned(degrees: int, path: Path, rng: np.random.Generator) -> Truth:
    """Stored on its side with a display matrix that sets it upright."""

    def paint(number: int, width: int, height: int) -> Image:
        shown = (height, width) if degrees % 180 else (width, height)
        return np.ascontiguousarray(np.rot90(draw(number, *shown), -TURN[degrees]))

    return plain(H264.with_(rotation=degrees, width=128, height=96, paint=paint), path, rng)


def copied_cut(path: Path, rng: np.random.Generator) -> Truth:
    """A stream copy that begins between key frames: the edit list hides the frames before the cut."""
    recipe = renumbered(H264_B.with_(frames=72), rng)
    source = path.with_suffix(".source.mp4")
    write_video(source, recipe)
    start = 24 + 9
    ticks, shown = recipe.presentation(), recipe.times()
    with (
        av.open(str(source)) as original,
        av.open(str(path), "w", format="mp4", options={**BITEXACT, "avoid_negative_ts": "disabled"}) as copy,
    ):
        stream = original.streams.video[0]
        target = copy.add_stream_from_template(stream)
        shift = round(ticks[start] * recipe.time_base / stream.time_base)
        first = round(ticks[24] * recipe.time_base / stream.time_base)
        copying = False
        for packet in original.demux(stream):
            copying = copying or (packet.is_keyframe and packet.pts is not None and packet.pts >= first)
            if not copying or packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = target
            copy.mux(packet)
    source.unlink()
    times = tuple(time - shown[start] for time in shown[start:])
    return Truth(recipe.numbers[start:], times, (recipe.width, recipe.height), (True,) * len(times))


def edited_end(path: Path, rng: np.random.Generator) -> Truth:
    """The edit list ends the presentation ten frames before the media does."""
    whole = plain(H264_B, path, rng)
    keep = len(whole.numbers) - 10
    cut_presentation(path, whole.times[keep])
    return Truth(whole.numbers[:keep], whole.times[:keep], whole.displayed, whole.sound[:keep])


def hidden_packets(path: Path, rng: np.random.Generator) -> Truth:
    """VP8 packets that are decoded and never shown, as alt-ref frames are (bit 4 of the frame tag, RFC 6386 9.1)."""
    recipe = renumbered(VP8, rng)
    hidden = {k for k in range(4, recipe.frames - 1, 7) if k % recipe.gop}
    with av.open(str(path), "w", format="webm", options=BITEXACT) as output:
        stream = add_stream(output, recipe)
        shown = 0
        for k, packet in enumerate(encoded(stream, recipe)):
            data = bytearray(bytes(packet))
            # an alt-ref frame takes no time of its own: it lies a millisecond before the next shown frame
            time = 40 * shown if k not in hidden else 40 * shown - 1
            if k in hidden:
                data[0] &= ~0x10
            else:
                shown += 1
            changed = av.Packet(bytes(data))
            changed.pts = changed.dts = time
            changed.time_base, changed.stream, changed.is_keyframe = recipe.time_base, stream, packet.is_keyframe
            output.mux(changed)
    numbers = tuple(number for k, number in enumerate(recipe.numbers) if k not in hidden)
    times = tuple(0.04 * k for k in range(shown))
    return Truth(numbers, times, (recipe.width, recipe.height), (True,) * shown)


def size_change(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    """The second half has another size."""
    half = recipe.frames // 2
    ticks = recipe.presentation()
    first = renumbered(recipe.with_(frames=half, ticks=ticks[:half]), rng)
    second = first.with_(width=128, height=96, first=first.first + half, ticks=ticks[half:])
    form = {"ts": "mpegts", "mkv": "matroska"}.get(recipe.container, recipe.container)
    with av.open(str(path), "w", format=form, options=BITEXACT) as output:
        stream = add_stream(output, first)
        for packet in encoded(stream, first):
            output.mux(packet)
        encoder = av.CodecContext.create(second.codec, "w")
        configure(encoder, second)
        encoder.options = encoder_options(second)
        encoder.framerate = second.rate
        for packet in encoded(encoder, second):
            packet.stream = stream
            output.mux(packet)
    joined = first.with_(frames=recipe.frames, ticks=ticks)
    return truth_of(joined)


def many_streams(path: Path, rng: np.random.Generator) -> Truth:
    """A cover picture, sound, the video, a smaller second video."""
    recipe = renumbered(H264, rng)
    cover = Recipe(codec="png", width=320, height=320, frames=1, pix_fmt="rgb24", first=9)
    small = Recipe(width=48, height=32, first=60_000)
    with av.open(str(path), "w", format="mp4", options=BITEXACT) as output:
        art, sound = add_stream(output, cover), output.add_stream("aac", rate=48_000)
        art.disposition = av.stream.Disposition.attached_pic
        main, second = add_stream(output, recipe), add_stream(output, small)
        main.disposition = av.stream.Disposition.default
        for stream, content in ((art, cover), (main, recipe), (second, small)):
            for packet in encoded(stream, content):
                output.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 48_000), np.float32), format="fltp", layout="stereo")
        silence.sample_rate, silence.pts, silence.time_base = 48_000, 0, Fraction(1, 48_000)
        for frame in (silence, None):
            for packet in sound.encode(frame):
                output.mux(packet)
    return truth_of(recipe)


def phantom_mp4(path: Path, rng: np.random.Generator) -> Truth:
    """The index promises 20 frames more than the file holds."""
    whole = plain(H264, path, rng)
    add_phantom_samples(path, 20)
    return whole


def phantom_avi(path: Path, rng: np.random.Generator) -> Truth:
    """The stream header promises twice the frames."""
    whole = plain(Recipe(codec="mpeg4", container="avi", time_base=Fraction(1, 25)), path, rng)
    data = bytearray(path.read_bytes())
    count = (2 * len(whole.numbers)).to_bytes(4, "little")
    main, stream = data.index(b"avih"), data.index(b"strh")
    data[main + 8 + 16 : main + 8 + 20] = count  # dwTotalFrames
    data[stream + 8 + 32 : stream + 8 + 36] = count  # dwLength
    path.write_bytes(bytes(data))
    return whole


def _case(name: str, suffix: str, what: str, make: Callable[..., Truth], *rows: int) -> Case:
    return Case(name, suffix, what, make, rows)


def _codecs() -> list[Case]:
    mpeg4 = Recipe(codec="mpeg4", bframes=2)
    gif = Recipe(codec="gif", container="gif", pix_fmt="rgb8", time_base=Fraction(1, 100))
    mjpeg = Recipe(codec="mjpeg", container="avi", pix_fmt="yuvj420p", full_range=True, time_base=Fraction(1, 25))
    mpeg2 = Recipe(codec="mpeg2video", container="ts", bframes=2, time_base=Fraction(1, 25))
    refresh = H264.with_(gop=20, frames=60, options=(("x264-params", "intra-refresh=1"), ("preset", "veryfast")))
    return [
        _case("h264", ".mp4", "H.264, constant rate", partial(plain, H264)),
        _case("h264_bframes", ".mp4", "H.264 with three B-frames", partial(plain, H264_B), 11),
        _case("h264_open_gop", ".mp4", "H.264, open groups of pictures", partial(plain, OPEN_GOP), 11),
        _case("h264_open_gop_ts", ".ts", "the same in MPEG-TS", partial(plain, TS.with_(options=OPEN_GOP.options)), 11),
        _case("h264_one_key", ".mp4", "H.264 with one key frame", partial(plain, H264_B.with_(gop=500, frames=90))),
        _case("h264_refresh", ".mp4", "H.264, intra refresh instead of key frames", partial(plain, refresh), 11),
        _case(
            "h264_refresh_ts",
            ".ts",
            "the same in MPEG-TS, where recovery points look like key frames",
            partial(plain, refresh.with_(container="ts", time_base=Fraction(1, 90_000))),
            11,
        ),
        _case("hevc", ".mp4", "HEVC, B-frames, open groups (RASL pictures)", partial(plain, HEVC), 11),
        _case("hevc_mkv", ".mkv", "the same in Matroska", partial(plain, HEVC.with_(container="mkv")), 11),
        _case("vp9_altref", ".webm", "VP9 with hidden alt-ref frames in superframes", partial(plain, VP9), 10),
        _case("vp8_hidden", ".webm", "VP8 with hidden packets", hidden_packets, 10),
        _case("av1", ".mp4", "AV1", partial(plain, Recipe(codec="libsvtav1", gop=24))),
        _case("av1_mkv", ".mkv", "AV1 in Matroska", partial(plain, Recipe(codec="libsvtav1", container="mkv", gop=24))),
        _case("mpeg4", ".mp4", "MPEG-4 part 2 with B-frames", partial(plain, mpeg4), 11),
        _case("mpeg2_ts", ".ts", "MPEG-2 with B-frames in MPEG-TS", partial(plain, mpeg2), 10, 11),
        _case("mjpeg", ".avi", "Motion JPEG", partial(plain, mjpeg)),
        _case("gif", ".gif", "GIF", partial(plain, gif)),
    ]


def _clocks() -> list[Case]:
    wrap = Fraction(2**33 - 24 * 3600, 90_000)
    ntsc = H264_B.with_(rate=Fraction(30_000, 1001), time_base=Fraction(1, 30_000))
    lying_rate = Recipe(
        container="mkv", rate=Fraction(1000), time_base=Fraction(1, 1000), ticks=tuple(range(0, 1920, 40))
    )
    return [
        _case("vfr", ".mp4", "variable rate, 10 to 200 ms", partial(variable, H264_B), 8),
        _case("vfr_mkv", ".mkv", "variable rate in Matroska", partial(variable, H264_B.with_(container="mkv")), 8),
        _case(
            "ntsc", ".mkv", "30000/1001 frames/s, times rounded to ms", partial(plain, ntsc.with_(container="mkv")), 8
        ),
        _case("rate_1000", ".mkv", "nominal rate 1000, real rate 25", partial(plain, lying_rate), 9),
        _case("copied_cut", ".mp4", "stream copy that begins between key frames", copied_cut, 10),
        _case("edited_end", ".mp4", "edit list that ends before the media", edited_end, 10),
        _case("late_start", ".mp4", "starts at 0.5 s", partial(shifted, H264_B, Fraction(1, 2)), 10),
        _case("ts", ".ts", "MPEG-TS with B-frames", partial(plain, TS), 10),
        _case("ts_ten_hours", ".ts", "MPEG-TS that starts at ten hours", partial(shifted, TS, Fraction(36_000)), 10),
        _case(
            "ts_wrap", ".ts", "MPEG-TS whose 33-bit clock wraps: it starts below zero", partial(shifted, TS, wrap), 10
        ),
    ]


def _containers() -> list[Case]:
    live = H264_B.with_(container="mkv", muxer=(("live", "1"),))
    moving = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)
    avi = Recipe(codec="mpeg4", container="avi", bframes=2, time_base=Fraction(1, 25))
    h264_avi = H264_B.with_(container="avi", time_base=Fraction(1, 25))
    flv = H264_B.with_(container="flv", time_base=Fraction(1, 1000))
    return [
        _case("mkv", ".mkv", "H.264 in Matroska", partial(plain, H264_B.with_(container="mkv"))),
        _case("mkv_live", ".mkv", "Matroska as a live stream: no index, no duration", partial(plain, live), 7),
        _case("fragmented", ".mp4", "fragmented MP4: no frame count", partial(plain, H264_B.with_(muxer=moving)), 7),
        _case("avi", ".avi", "MPEG-4 with B-frames in AVI", partial(plain, avi), 11),
        _case("avi_h264", ".avi", "H.264 with B-frames in AVI: packets without times", partial(plain, h264_avi), 11),
        _case("flv", ".flv", "H.264 in FLV", partial(plain, flv)),
        _case("count_too_large", ".mp4", "index promises 20 frames too many", phantom_mp4, 6),
        _case("count_too_large_avi", ".avi", "header promises twice the frames", phantom_avi, 6),
        _case("many_streams", ".mp4", "cover picture, sound and two videos", many_streams, 18),
    ]


def _pictures() -> list[Case]:
    vp9 = Recipe(codec="libvpx-vp9", container="webm", frames=8)
    ffv1 = Recipe(codec="ffv1", container="mkv", frames=8, pix_fmt="yuv444p", width=1, height=1)
    field = H264_B.with_(options=(("x264-params", "tff=1"), ("flags", "+ildct+ilme")))
    return [
        *(
            _case(f"rotated_{degrees}", ".mp4", f"display matrix of {degrees} degrees", partial(turned, degrees), 12)
            for degrees in TURN
        ),
        _case("size_change_ts", ".ts", "size changes in mid-stream", partial(size_change, TS), 16),
        _case("size_change_vp9", ".mkv", "the same in VP9", partial(size_change, VP9.with_(container="mkv")), 16),
        _case("one_pixel", ".webm", "VP9 of 1x1", partial(plain, vp9.with_(width=1, height=1)), 15),
        _case("one_pixel_h264", ".mp4", "H.264 of 1x1", partial(plain, TINY.with_(width=1, height=1)), 15),
        _case("one_pixel_ffv1", ".mkv", "FFV1 of 1x1", partial(plain, ffv1), 15),
        _case("three_by_two", ".webm", "VP9 of 3x2", partial(plain, vp9.with_(width=3, height=2)), 15),
        _case("odd_size", ".webm", "VP9 of 35x21", partial(plain, vp9.with_(width=35, height=21, frames=48)), 15),
        _case("odd_size_444", ".mp4", "H.264 4:4:4 of 35x21", partial(plain, TINY.with_(width=35, height=21)), 15),
        _case("one_frame", ".mp4", "one frame", partial(plain, H264.with_(frames=1)), 23),
        _case(
            "one_frame_gif",
            ".gif",
            "a GIF of one frame",
            partial(plain, Recipe(codec="gif", container="gif", pix_fmt="rgb8", time_base=Fraction(1, 100), frames=1)),
            23,
        ),
        _case("ten_bit", ".mp4", "H.264 of 10 bits", partial(plain, H264_B.with_(pix_fmt="yuv420p10le")), 14),
        _case("ten_bit_hevc", ".mp4", "HEVC of 10 bits", partial(plain, HEVC.with_(pix_fmt="yuv420p10le")), 14),
        _case("h264_422", ".mp4", "H.264 4:2:2", partial(plain, H264_B.with_(pix_fmt="yuv422p")), 14),
        _case("full_range", ".mp4", "full range", partial(plain, H264_B.with_(full_range=True)), 14),
        _case("interlaced", ".mp4", "interlaced", partial(plain, field), 13),
        _case("wide_pixels", ".mp4", "pixels of 4:3", partial(plain, H264_B.with_(aspect=Fraction(4, 3))), 13),
    ]


def clean_cases() -> list[Case]:
    """All files without damage."""
    return [*_codecs(), *_clocks(), *_containers(), *_pictures()]
