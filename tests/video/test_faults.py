"""Rows 1 to 24 of the fault list: what a trustworthy reader does with each. Tests are named by row."""

from __future__ import annotations

import itertools
import resource
import struct
import time
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from onlooker.errors import CorruptMedia, LimitExceeded, TruncatedMedia, UnsupportedMedia
from onlooker.video import CONCEALED, MISSING, OK, Limits, Video
from onlooker.video.conformance.corpus import Sample, all_cases, build
from onlooker.video.conformance.encode import BITEXACT, Recipe, add_stream, encoded, write_video
from onlooker.video.conformance.numbers import read
from onlooker.video.conformance.speed_clips import hour
from onlooker.video.frames import Clip

Samples = dict[str, Sample]
KINDS = ("mp4", "mkv", "ts")
CUTS = [f"cut_{percent}_{kind}" for percent in (25, 50, 75) for kind in KINDS]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    cases = [case for case in all_cases() if case.rows]
    return {sample.case.name: sample for sample in build(cases, cache=tmp_path_factory.mktemp("faults"))}


def numbers(clip: Clip) -> list[int | None]:
    return [read(image).upright for image in clip.images]


def tolerant(sample: Sample) -> Video:
    return Video(sample.path, on_corrupt="hold_last", max_bad_ratio=1.0)


# --- files that are not what they seem --------------------------------------------------------------------------


def test_row_01_zero_length_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(TruncatedMedia, match=r"empty\.mp4"):
        len(Video(path))
    with pytest.raises(TruncatedMedia):
        _ = Video(b"").info
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Dear Sir or Madam,\nplease find the video attached.\n", "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "HTML"),
        (cv2.imencode(".png", np.zeros((40, 40, 3), np.uint8))[1].tobytes(), "PNG"),
    ],
    ids=["text", "html", "png"],
)
def test_row_02_something_else_renamed(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnsupportedMedia, match=words) as caught:
        len(Video(path))
    assert "film.mp4" in str(caught.value)


def test_row_02_the_extension_does_not_matter(samples: Samples, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(samples["h264_bframes"].path.read_bytes())
    assert numbers(Video(path)[:]) == list(samples["h264_bframes"].truth.numbers)


def test_row_03_mp4_without_index(samples: Samples) -> None:
    with pytest.raises(TruncatedMedia) as caught:
        len(Video(samples["no_index"].path))
    message = str(caught.value)
    assert "no_index.mp4" in message
    assert "index" in message or "moov" in message  # what is missing
    assert len(message.split(". ")) > 1  # and what to do


@pytest.mark.parametrize("name", [name for name in CUTS if not name.endswith("mp4")])
def test_row_03_readable_part_of_a_cut_stream(samples: Samples, name: str) -> None:
    sample = samples[name]
    with tolerant(sample) as video:
        clip = video[:]
        sound = sum(sample.truth.sound)
        assert numbers(clip)[:sound] == list(sample.truth.numbers[:sound])
        assert video.info.truncated


# --- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CUTS)
def test_row_04_cut_in_the_middle(samples: Samples, name: str) -> None:
    sample = samples[name]
    truth = sample.truth
    whole = [number for number, sound in zip(truth.numbers, truth.sound, strict=True) if sound]
    got: list[int | None] = []
    with Video(sample.path) as strict, pytest.raises((TruncatedMedia, CorruptMedia)):  # noqa: PT012
        for frame in strict:
            got.append(read(frame.image).upright)
    leading = truth.sound.index(False) if False in truth.sound else len(whole)
    assert got[:leading] == list(truth.numbers[:leading])
    with tolerant(sample) as video:
        clip = video[:]
        ok = [number for number, status in zip(numbers(clip), clip.status, strict=True) if status == OK]
        assert set(whole) <= set(ok) <= set(truth.numbers)
        assert video.bad_intervals[-1][2] == "truncated"


@pytest.mark.parametrize("name", [f"{kind}_{box}" for kind in ("one_bit", "bits", "noise") for box in KINDS])
def test_row_05_damage_inside_groups(samples: Samples, name: str) -> None:
    sample = samples[name]
    truth = sample.truth
    with tolerant(sample) as video:
        clip = video[:]
        seen = numbers(clip)
        for index, (number, sound) in enumerate(zip(truth.numbers, truth.sound, strict=True)):
            if sound:
                assert (seen[index], clip.status[index]) == (number, OK), index
            elif seen[index] != number:
                assert clip.status[index] in (CONCEALED, MISSING), index
        bad = video.bad_intervals
        for index in np.flatnonzero(clip.status != OK):
            assert any(start <= clip.times[index] < end for start, end, _ in bad)
        assert clip.status[-1] == OK  # decoding went on behind the damage


def test_row_05_policies(samples: Samples) -> None:
    sample = samples["spoilt_key"]
    sound = [n for n, good in zip(sample.truth.numbers, sample.truth.sound, strict=True) if good]
    with Video(sample.path) as strict, pytest.raises(CorruptMedia) as caught:
        list(strict)
    assert caught.value.recoverable
    assert caught.value.at == pytest.approx(sample.truth.times[sample.truth.sound.index(False)], abs=0.05)
    with Video(sample.path, on_corrupt="skip", max_bad_ratio=1.0) as video:
        clip = video[:]
        assert [n for n, s in zip(numbers(clip), clip.status, strict=True) if s == OK] == sound
        assert MISSING not in clip.status
    with tolerant(sample) as video:
        clip = video[:]
        held = np.flatnonzero(clip.status == MISSING)
        assert len(clip) == len(sample.truth.numbers)
        assert len(held)
        assert all(np.array_equal(clip.images[k], clip.images[k - 1]) for k in held)
    with Video(sample.path, on_corrupt="skip", max_bad_ratio=0.02) as video, pytest.raises(CorruptMedia):
        list(video)


@pytest.mark.parametrize("name", ["dropped_mp4", "dropped_mkv", "dropped_ts", "spoilt_container"])
def test_row_05_frames_that_lost_their_reference_say_so(samples: Samples, name: str) -> None:
    """No decoder flag tells of a packet that is not there; the frames after it are smeared all the same."""
    sample = samples[name]
    with tolerant(sample) as video:
        clip = video[:]
        times = np.array(sample.truth.times)
        for number, status, time_ in zip(numbers(clip), clip.status, clip.times - video.index.start, strict=True):
            place = int(np.argmin(np.abs(times - time_)))
            assert status != OK or number == sample.truth.numbers[place], place


@pytest.mark.parametrize("name", ["one_bit_mp4", "bits_mkv", "noise_ts"])
def test_row_05_damage_leaves_no_trace_on_sound_frames(samples: Samples, name: str) -> None:
    """Any order of access gives the same pixels and status, also when it jumps out of damage."""
    sample = samples[name]
    with tolerant(sample) as video:
        whole = video[:]
    for trial in range(4):
        with tolerant(sample) as video:
            for index in np.random.default_rng(trial).permutation(len(whole)):
                frame = video[int(index)]
                assert frame.status == whole.status[index]
                assert np.array_equal(frame.image, whole.images[index]), index


# --- counts and clocks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "promised"), [("count_too_large", 68), ("count_too_large_avi", 96)])
def test_row_06_header_promises_too_many(samples: Samples, name: str, promised: int) -> None:
    sample = samples[name]
    truth = sample.truth
    with Video(sample.path, on_corrupt="skip") as video:
        assert len(video) == len(truth.numbers) == 48
        assert read(video[47].image).upright == truth.numbers[-1]
        assert read(video[-1].image).upright == truth.numbers[-1]
        assert read(video[-48].image).upright == truth.numbers[0]
        assert (video.info.num_frames_header, video.info.num_frames_verified) == (promised, 48)
        with pytest.raises(IndexError):
            video[-49]


@pytest.mark.parametrize("name", ["fragmented", "mkv_live"])
def test_row_07_header_without_count(samples: Samples, name: str) -> None:
    sample = samples[name]
    with Video(sample.path) as video:
        assert video.info.num_frames_header is None
        assert video.info.num_frames_verified is None
        for index in (40, 3, 25):
            frame = video.at(video.index.start + sample.truth.times[index] + 0.01)
            assert read(frame.image).upright == sample.truth.numbers[index]
        assert video.info.num_frames_verified == 48


@pytest.mark.parametrize("name", ["vfr", "vfr_mkv"])
def test_row_08_variable_rate(samples: Samples, name: str) -> None:
    sample = samples[name]
    times = np.array(sample.truth.times)
    with Video(sample.path) as video:
        assert video.info.is_vfr or video.index.is_vfr
        assert np.allclose(video[:].times, times, atol=0.0011)
        even = video.clip(0, times[-1], fps=10)
        moments = np.arange(len(even)) / 10
        clear = np.abs(times[:, None] - moments).min(axis=0) > 0.002  # where rounding to ms decides, both are right
        shown = np.searchsorted(times, moments, side="right") - 1
        expected = [sample.truth.numbers[k] for k in shown]
        assert [n for n, c in zip(numbers(even), clear, strict=True) if c] == [
            n for n, c in zip(expected, clear, strict=True) if c
        ]
        assert clear.sum() > 30
        # when the frame appears, not when it was asked for
        assert np.allclose(even.times[clear], times[shown][clear], atol=0.0011)


@pytest.mark.parametrize("kind", ["mkv", "ts"])
def test_row_09_wrong_nominal_rate(tmp_path: Path, kind: str) -> None:
    """A header that says 1000 frames a second or more; the frames come every 20 to 180 ms."""
    path = tmp_path / f"fast.{kind}"
    ticks = np.cumsum(np.random.default_rng(9).integers(20, 180, 48))
    recipe = Recipe(container=kind, rate=Fraction(1000), time_base=Fraction(1, 1000), ticks=tuple(map(int, ticks)))
    write_video(path, recipe)
    with av.open(str(path)) as container:
        assert container.streams.video[0].guessed_rate >= 1000
    with Video(path) as video:
        assert len(video) == 48
        assert video.info.average_rate == pytest.approx(47 / (ticks[-1] - ticks[0]) * 1000, rel=0.03)
        assert any("rate" in warning for warning in video.info.warnings)
        assert numbers(video.clip(1.0, 1.0001)) == [int(np.searchsorted(ticks - ticks[0], 1000, side="right")) - 1]


def test_row_09_the_rate_comes_from_the_frames(samples: Samples) -> None:
    with Video(samples["rate_1000"].path) as video:
        assert len(video) == 48
        assert video.info.average_rate == pytest.approx(25, rel=0.03)


@pytest.mark.parametrize("name", ["copied_cut", "edited_end", "late_start", "ts_ten_hours", "ts_wrap", "fragmented"])
def test_row_10_times_count_from_the_start_of_the_presentation(samples: Samples, name: str) -> None:
    truth = samples[name].truth
    with Video(samples[name].path) as video:
        clip = video[:]
        assert numbers(clip) == list(truth.numbers)
        assert np.allclose(clip.times, truth.times, atol=0.002)
        assert read(video.at(truth.times[20] + 0.01).image).upright == truth.numbers[20]


@pytest.mark.parametrize("name", ["vp8_hidden", "vp9_altref", "copied_cut"])
def test_row_10_hidden_frames_are_never_returned(samples: Samples, name: str) -> None:
    truth = samples[name].truth
    with Video(samples[name].path) as video:
        assert len(video) == len(truth.numbers)
        assert [read(frame.image).upright for frame in video] == list(truth.numbers)


ORDERS = ["h264_bframes", "h264_open_gop", "h264_open_gop_ts", "h264_refresh_ts", "hevc", "hevc_mkv", "mpeg4"]


@pytest.mark.parametrize("name", [*ORDERS, "mpeg2_ts", "avi", "avi_h264", "copied_cut", "ts_wrap", "vp8_hidden"])
def test_row_11_backward_seeks_equal_sequential_decoding(samples: Samples, name: str) -> None:
    """The stale-frame regression: every step back, and steps back over a key frame."""
    with Video(samples[name].path) as video:
        whole = [frame.image for frame in video]
    with Video(samples[name].path) as video:
        backwards = list(range(len(whole)))[::-1]
        jumps = [index for k in range(0, len(whole) - 14, 3) for index in (k + 14, k, k + 1)]
        for index in [*backwards, *jumps]:
            assert np.array_equal(video[index].image, whole[index]), index


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_row_12_rotation(samples: Samples, degrees: int) -> None:
    sample = samples[f"rotated_{degrees}"]
    with Video(sample.path) as video:
        frame = video[7]
        assert read(frame.image).upright == sample.truth.numbers[7]
        assert (video.info.width, video.info.height) == sample.truth.displayed == frame.image.shape[1::-1]
        assert video.info.rotation % 360 == degrees
    with Video(sample.path, apply_rotation=False) as video:
        stored = video[7].image
        assert (video.info.width, video.info.height) == stored.shape[1::-1] == (128, 96)
        assert read(stored).turns == degrees // 90


def test_row_13_pixel_aspect_and_interlacing_are_reported(samples: Samples) -> None:
    with Video(samples["wide_pixels"].path) as video:
        assert video.info.sample_aspect == Fraction(4, 3)
        assert not video.info.interlaced
    with Video(samples["interlaced"].path) as video:
        assert len(video)
        assert video.info.interlaced
        assert numbers(video[:]) == list(samples["interlaced"].truth.numbers)


# luma weights of red and blue: ITU-R BT.601, BT.709, BT.2020
WEIGHTS = {"bt601": (0.299, 0.114, 6), "bt709": (0.2126, 0.0722, 1), "bt2020": (0.2627, 0.0593, 9)}
PATCHES = np.array(
    [
        [255, 255, 255],
        [0, 0, 0],
        [128, 128, 128],
        [220, 30, 30],
        [30, 200, 40],
        [20, 40, 210],
        [240, 230, 60],
        [200, 150, 120],
    ]
)


def _planes(matrix: str, bits: int, full: bool) -> np.ndarray:
    """Y, Cb, Cr of the patches by the definition (ITU-T H.273 8.3), as integers."""
    red, blue, _ = WEIGHTS[matrix]
    r, g, b = (PATCHES / 255.0).T
    luma = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))
    top, scale = (1 << bits) - 1, 1 << (bits - 8)
    if full:
        values = [luma * top, cb * top + (1 << bits - 1), cr * top + (1 << bits - 1)]
    else:
        values = [(16 + 219 * luma) * scale, (128 + 224 * cb) * scale, (128 + 224 * cr) * scale]
    return np.clip(np.round(np.stack(values)), 0, top).astype(np.int64)


def _write_patches(path: Path, pix_fmt: str, matrix: str, *, bits: int, full: bool) -> None:
    cell, across = 32, len(PATCHES)
    planes = _planes(matrix, bits, full)
    frame = av.VideoFrame(cell * across, 64, pix_fmt)
    for plane, values in zip(frame.planes, planes, strict=True):
        row = np.repeat(values, plane.width // across).astype(np.uint8 if bits == 8 else np.uint16)
        padded = np.zeros((plane.height, plane.line_size // row.itemsize), row.dtype)
        padded[:, : plane.width] = row
        plane.update(padded.tobytes())
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = frame.width, frame.height, pix_fmt
        context.colorspace, context.color_range = WEIGHTS[matrix][2], 2 if full else 1
        for number in range(3):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize("matrix", list(WEIGHTS))
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"])
def test_row_14_colours(tmp_path: Path, pix_fmt: str, full: bool, matrix: str) -> None:
    path = tmp_path / "patches.mp4"
    _write_patches(path, pix_fmt, matrix, bits=10 if "10" in pix_fmt else 8, full=full)
    with Video(path) as video:
        image = video[1].image
    got = np.array([image[16:48, 32 * k + 10 : 32 * k + 22].mean(axis=(0, 1)) for k in range(len(PATCHES))])
    # the wrong matrix or range would be off by more than 10 somewhere; coding in 8 bits alone costs 1.3
    assert np.abs(got - PATCHES).max() < 4, got.round(1)


def test_row_14_high_dynamic_range(tmp_path: Path) -> None:
    """BT.2020 with the PQ curve: tone-mapped, brighter stays brighter."""
    path = tmp_path / "hdr.mp4"
    ramp = np.linspace(64, 940, 16).astype(np.uint16)
    frame = av.VideoFrame(256, 64, "yuv420p10le")
    for plane, values in zip(
        frame.planes, (ramp, np.full(16, 512, np.uint16), np.full(16, 512, np.uint16)), strict=True
    ):
        padded = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        padded[:, : plane.width] = np.repeat(values, plane.width // 16)
        plane.update(padded.tobytes())
    with av.open(str(path), "w") as output:
        options = {
            "x265-params": "lossless=1:bframes=0:log-level=none:colorprim=9:transfer=16:colormatrix=9:range=limited"
        }
        stream = output.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p10le"
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with Video(path) as video:
        assert video.info.transfer == "pq"
        image = video[0].image
    levels = [float(image[16:48, 16 * k + 4 : 16 * k + 12].mean()) for k in range(16)]
    assert all(a <= b + 1 for a, b in itertools.pairwise(levels))
    assert levels[0] < 5
    assert levels[8] > 40  # 100 cd/m2 lies here: mid-tones, not the grey murk of an untouched PQ picture
    assert levels[15] > 250


@pytest.mark.parametrize("name", ["one_pixel", "one_pixel_h264", "one_pixel_ffv1", "three_by_two", "odd_size"])
def test_row_15_odd_sizes(samples: Samples, name: str) -> None:
    sample = samples[name]
    with Video(sample.path) as video:
        clip = video[:]
        assert clip.images.shape[1:] == (*sample.truth.displayed[::-1], 3)
        assert numbers(clip) == list(sample.truth.numbers)


def test_row_15_a_picture_like_a_thread(tmp_path: Path) -> None:
    path = tmp_path / "thread.mkv"
    write_video(path, Recipe(codec="ffv1", container="mkv", width=8191, height=3, frames=3, pix_fmt="yuv444p"))
    with Video(path) as video:
        assert video[:].images.shape == (3, 3, 8191, 3)
        assert numbers(video[:]) == [0, 1, 2]
    with Video(path, limits=Limits(width=4096)) as video, pytest.raises(LimitExceeded) as caught:
        len(video)
    assert (caught.value.limit, caught.value.value) == ("width", 8191)


@pytest.mark.parametrize("name", ["size_change_ts", "size_change_vp9"])
def test_row_16_size_change(samples: Samples, name: str) -> None:
    sample = samples[name]
    with Video(sample.path) as video:
        clip = video[:]
        assert clip.images.shape[1:] == (64, 96, 3)
        assert numbers(clip) == list(sample.truth.numbers)
        across = video.read([len(video) - 1, 0, len(video) // 2])
        assert numbers(across) == [sample.truth.numbers[k] for k in (-1, 0, len(video) // 2)]


def test_row_17_bombs(tmp_path: Path) -> None:
    picture = struct.pack("<BHHHHB", 0x2C, 0, 0, 30_000, 30_000, 0) + bytes([2, 2, 0x4C, 0x01, 0])
    gif = b"GIF89a" + struct.pack("<HHBBB", 30_000, 30_000, 0x80, 0, 0) + bytes(6) + picture + b";"
    bomb = tmp_path / "bomb.gif"
    bomb.write_bytes(gif)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitExceeded):
        _ = Video(bomb)[0]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kilobytes; one such picture is 2.7 GB
    huge = tmp_path / "huge.mp4"
    huge.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 30_000, 30_000) + b"\x08\x02\0\0\0")
    with pytest.raises((UnsupportedMedia, LimitExceeded)):
        _ = Video(huge)[0]


def test_row_17_limits_come_before_the_memory(samples: Samples) -> None:
    path = samples["h264_bframes"].path
    for limits, name in (
        (Limits(pixels=96 * 64 - 1), "pixels"),
        (Limits(height=63), "height"),
        (Limits(file_bytes=1000), "file_bytes"),
        (Limits(duration=1.0), "duration"),
        (Limits(memory_bytes=48 * 96 * 64 * 3 - 1), "memory_bytes"),
    ):
        with Video(path, limits=limits) as video, pytest.raises(LimitExceeded) as caught:
            video[:]
        assert caught.value.limit == name
    with Video(samples["many_streams"].path, limits=Limits(streams=3)) as video, pytest.raises(LimitExceeded) as caught:
        len(video)
    assert caught.value.limit == "streams"


# --- streams ----------------------------------------------------------------------------------------------------


def test_row_18_the_real_video_among_many(samples: Samples) -> None:
    sample = samples["many_streams"]
    with Video(sample.path) as video:
        assert numbers(video[:]) == list(sample.truth.numbers)
        assert (video.info.width, video.info.height) == (96, 64)
        assert len(video.info.ignored_streams) >= 2
        assert video.info.has_audio


def test_row_19_no_video_stream(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    with pytest.raises(UnsupportedMedia, match="no video"):
        len(Video(path))


def test_row_19_no_sound_stream(samples: Samples) -> None:
    with Video(samples["h264_bframes"].path) as video:
        assert not video.info.has_audio
        sound = video.sound(rate=8000)
        assert sound.samples.shape == (round(video.index.end * 8000), 1)
        assert not sound.samples.any()
        assert not sound.mask.any()


def _with_sound(path: Path, seconds: float, start: float = 0.0) -> None:
    """Two seconds of numbered video and a loud 1 kHz tone of `seconds` from `start` on."""
    recipe = Recipe(frames=50)
    with av.open(str(path), "w", options=BITEXACT) as output:
        stream = add_stream(output, recipe)
        tone = output.add_stream("aac", rate=48_000, layout="mono")
        packets = list(encoded(stream, recipe))
        wave_ = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * 48_000)) / 48_000)
        frame = av.AudioFrame.from_ndarray(wave_[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, round(start * 48_000), Fraction(1, 48_000)
        for packet in [*packets, *tone.encode(frame), *tone.encode(None)]:
            output.mux(packet)


def test_row_20_corrupt_sound(tmp_path: Path) -> None:
    path = tmp_path / "crackle.mp4"
    _with_sound(path, 2.0)
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    data = bytearray(path.read_bytes())
    for pos, size in places[20:60]:
        data[pos : pos + size] = np.random.default_rng(1).bytes(size)
    path.write_bytes(bytes(data))
    with Video(path) as video:
        assert numbers(video[:]) == list(range(50))
        sound = video.sound(rate=16_000)
        damaged = sound.mask[round(0.55 * 16_000) : round(1.15 * 16_000)]
        assert damaged.mean() < 0.7  # most noise cannot be decoded, and is told apart from sound
        assert sound.mask[: round(0.3 * 16_000)].all()
        assert np.isfinite(sound.samples).all()


def test_row_20_unknown_sound_codec(tmp_path: Path) -> None:
    path = tmp_path / "alien.mp4"
    _with_sound(path, 2.0)
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"yyyy"))
    with Video(path) as video:
        assert numbers(video[:]) == list(range(50))
        sound = video.sound(rate=16_000)
        assert not sound.mask.any()
        facts = (*video.info.warnings, *video.info.ignored_streams)
        assert any("sound" in fact or "audio" in fact for fact in facts), facts


def test_row_21_sound_and_pictures_of_different_length(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    _with_sound(path, 1.0, start=0.5)
    with Video(path) as video:
        sound = video.sound(rate=16_000, start=0.0, end=2.0)
    assert len(sound) == 32_000
    loud = np.abs(sound.samples[:, 0]) > 0.2
    begin, end = np.flatnonzero(loud)[[0, -1]] / 16_000
    assert begin == pytest.approx(0.5, abs=0.03)  # an AAC frame is 21 ms
    assert end == pytest.approx(1.5, abs=0.05)
    assert not sound.mask[: round(0.45 * 16_000)].any()
    assert not sound.mask[round(1.6 * 16_000) :].any()
    assert sound.mask[round(0.55 * 16_000) : round(1.45 * 16_000)].all()


@pytest.mark.parametrize("kind", ["black", "frozen", "noise"])
def test_row_22_black_frozen_and_noise(tmp_path: Path, kind: str) -> None:
    def paint(number: int, width: int, height: int) -> np.ndarray:
        if kind == "black":
            return np.zeros((height, width, 3), np.uint8)
        seed = 0 if kind == "frozen" else number
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

    path = tmp_path / f"{kind}.mp4"
    write_video(path, Recipe(paint=paint, bframes=2))
    with Video(path) as video:
        clip = video[:]
    assert len(clip) == 48
    assert (clip.status == OK).all()
    assert np.isfinite(clip.times).all()
    differences = np.abs(np.diff(clip.images.astype(np.int16), axis=0)).mean()
    assert clip.images.max() < 5 if kind == "black" else clip.images.std() > 20
    assert differences > 15 if kind == "noise" else differences < 6


@pytest.mark.parametrize("name", ["one_frame", "one_frame_gif"])
def test_row_23_one_frame(samples: Samples, name: str) -> None:
    sample = samples[name]
    with Video(sample.path) as video:
        assert len(video) == 1
        assert read(video[0].image).upright == read(video[-1].image).upright == sample.truth.numbers[0]
        clip = video.clip(0, frames=16)
        assert numbers(clip) == [sample.truth.numbers[0]] * 16
        assert clip.indices.tolist() == [0] * 16  # the padding is on record: the frame repeats
        assert np.isfinite(clip.durations).all()
        assert [len(chunk) for chunk in video.chunks(size=16)] == [1]


def test_row_23_shorter_than_the_clip(samples: Samples) -> None:
    sample = samples["one_pixel"]
    with Video(sample.path) as video:
        clip = video.clip(0, frames=32)
        assert len(clip) == 32
        assert (np.diff(clip.indices) >= 0).all()
        assert set(clip.indices.tolist()) == set(range(8))


@pytest.mark.slow
def test_row_24_a_day_of_video_in_constant_memory(tmp_path: Path) -> None:
    path = hour("mp4", 86_250, 32, 32, tmp_path, rate=Fraction(1))
    began = time.monotonic()
    levels = []
    with Video(path) as video:
        assert len(video) == 86_250
        for number, clip in enumerate(video.chunks(size=256)):
            assert clip.indices[0] == 256 * number
            if number % 32 == 0:
                levels.append(_resident_megabytes())
        assert read(video.at(80_000.5).image).upright == 80_000 % 250
    assert max(levels[2:]) - levels[1] < 20, levels
    assert time.monotonic() - began < 120


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
