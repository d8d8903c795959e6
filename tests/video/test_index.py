"""The frame index: what it holds, how it is kept, which moments make a clip, what H.264 slices tell."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, PermissionDenied, StorageError
from onlooker.video import FrameIndex, Video
from onlooker.video.h264 import SliceReader, parse_sequence
from onlooker.video.index import steps_vary
from onlooker.video.scan import _gaps
from onlooker.video.sniff import detected_type, is_cut, matroska_segment_end, mp4_boxes
from onlooker.video.views import clip_times, stride_offset


def encode(path: Path, codec: str = "libx264", count: int = 40, **options: str) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options={"g": "10", **options})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(count):
            image = np.full((32, 48, 3), 5 * number % 256, np.uint8)
            image[:, number % 48] = 255
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("index") / "a.mp4", bf="2", sc_threshold="0")


def test_fields(path: Path) -> None:
    with Video(path) as video:
        index = video.index
    assert len(index) == 40
    assert np.allclose(index.time, np.arange(40) / 25)
    assert np.allclose(index.duration, 1 / 25)
    assert np.flatnonzero(index.key).tolist() == [0, 10, 20, 30]
    assert sorted(index.ordinal.tolist()) == list(range(40))
    assert (np.diff(index.ordinal) < 0).any()  # reordered pictures
    assert index.frame_of[index.ordinal].tolist() == list(range(40))
    assert np.array_equal(index.group[index.ordinal], np.arange(40) // 10)
    assert (index.start, index.end, index.average_rate) == (0.0, pytest.approx(1.6), pytest.approx(25))
    assert not index.is_vfr
    assert index.between(0.4, 0.8).tolist() == list(range(10, 20))


def test_a_saved_index_is_the_same(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "a.index"
    with Video(path, index=kept) as video:
        built = video.index
    loaded = FrameIndex.load(kept)
    assert [p.name for p in tmp_path.iterdir()] == ["a.index"]
    for name in ("pts", "time", "duration", "ordinal", "packet_pts", "packet_pos", "packet_size", "packet_key"):
        assert np.array_equal(getattr(loaded, name), getattr(built, name)), name
    assert (loaded.time_base, loaded.origin, loaded.fingerprint) == (built.time_base, built.origin, built.fingerprint)
    with Video(path, index=kept) as video:
        assert video[25].index == 25
    with Video(path, index=loaded) as video:
        assert len(video) == 40


def test_an_index_of_another_file_is_not_used(path: Path, tmp_path: Path) -> None:
    kept, other = tmp_path / "a.index", encode(tmp_path / "b.mp4", count=7)
    with Video(path, index=kept) as video:
        first = video.index
    with Video(other, index=kept) as video:
        assert len(video) == 7
    assert len(FrameIndex.load(kept)) == 7
    with Video(other, index=first) as video, pytest.raises(ConfigError, match="another file"):
        len(video)


def test_a_broken_cache_is_rebuilt(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "a.index"
    kept.write_bytes(b"not an index")
    with pytest.raises(StorageError, match="rebuilt"):
        FrameIndex.load(kept)
    with Video(path, index=kept) as video:
        assert len(video) == 40
    assert len(FrameIndex.load(kept)) == 40


def test_an_index_that_cannot_be_written_leaves_nothing(path: Path, tmp_path: Path) -> None:
    with Video(path) as video:
        index = video.index
    with pytest.raises(StorageError):
        index.save(tmp_path / "none" / "a.index")
    assert list(tmp_path.iterdir()) == []
    assert issubclass(PermissionDenied, StorageError)


@given(st.integers(1, 60), st.floats(0.5, 1000), st.sampled_from([1000, 90_000, 600]))
def test_rounded_constant_rates_are_not_variable(count: int, rate: float, ticks: int) -> None:
    if rate > ticks / 10:
        return
    times = np.round(np.arange(count + 1) / rate * ticks) / ticks
    assert not steps_vary(times[:-1], np.diff(times), 1 / ticks)


def test_a_dropped_frame_is_a_variable_rate() -> None:
    times = np.delete(np.arange(50) / 25, 20)
    assert steps_vary(times[:-1], np.diff(times), 1 / 90_000)


@given(st.floats(0, 100), st.floats(0.01, 50), st.integers(1, 64), st.integers(0, 2**31))
def test_moments_lie_in_their_parts(start: float, length: float, frames: int, seed: int) -> None:
    end = start + length
    for generator in (None, seed, np.random.default_rng(seed)):
        times = clip_times(start, end, frames=frames, generator=generator)
        assert len(times) == frames
        parts = (times - start) / length * frames
        assert np.all(parts >= np.arange(frames) - 1e-6)
        assert np.all(parts <= np.arange(frames) + 1 + 1e-6)
        assert np.all((times >= start) & (times < end))


def test_stride_offsets() -> None:
    assert stride_offset(4, 100) == 0
    assert {stride_offset(4, 100, seed) for seed in range(60)} == {0, 1, 2, 3}
    assert {stride_offset(50, 3, seed) for seed in range(60)} == {0, 1, 2}
    with pytest.raises(ConfigError):
        clip_times(0, 1, frames=2, generator="seed")


@pytest.mark.parametrize("form", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("options", [{}, {"bf": "3", "b-pyramid": "normal"}, {"profile": "baseline"}])
def test_h264_losses_are_found_and_nothing_else(tmp_path: Path, form: str, options: dict[str, str]) -> None:
    file = encode(tmp_path / f"a.{form}", sc_threshold="0", **options)
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata or b""
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    reader = SliceReader(extradata)
    lost, disposable = zip(*(reader.read(packet) for packet in packets), strict=True)
    assert not any(lost)
    assert disposable[1:] == tuple(_disposable(packet, form) for packet in packets[1:])  # the first has a preface
    reader = SliceReader(extradata)
    reference = next(k for k in range(13, 18) if not _disposable(packets[k], form))
    found = [reader.read(packet)[0] for k, packet in enumerate(packets) if k != reference]
    assert any(found)
    assert set(np.flatnonzero(found)) <= set(range(reference, reference + 4))


def _disposable(packet: bytes, form: str) -> bool:
    """Whether the first slice is of a picture that none refers to."""
    at = packet.rfind(b"\0\0\1") + 3 if form == "ts" else 4
    return packet[at] >> 5 & 3 == 0


@pytest.mark.parametrize("codec", ["mpeg4", "libvpx-vp9"])
def test_frames_that_vanish_without_a_trace_are_told_by_the_clock(tmp_path: Path, codec: str) -> None:
    whole = encode(tmp_path / "whole.mkv", codec, count=120)
    lost = tmp_path / "lost.mkv"
    with av.open(str(whole)) as source, av.open(str(lost), "w") as target:
        out = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if packet.dts is not None and number not in (70, 71):
                packet.stream = out
                target.mux(packet)
    with Video(whole) as video:
        assert not [note for note in video.info.warnings if "missing" in note]
        step = video.index.time[1] - video.index.time[0]
    with Video(lost) as video:
        assert len(video) == 118
        (note,) = [note for note in video.info.warnings if "missing" in note]
        gaps = np.diff(video.index.time) > 1.5 * step
    assert note.startswith("about 2 frames seem to be missing")
    assert gaps.any()


def test_a_rate_that_varies_is_not_called_a_loss() -> None:
    steps = np.random.default_rng(1).choice([3000, 3000, 6000], 200)
    assert _gaps(np.cumsum(steps), Fraction(1, 90_000)) == []
    assert _gaps(np.arange(200) * 3000, Fraction(1, 90_000)) == []


def test_cut_parameter_sets_are_refused_quietly() -> None:
    with pytest.raises(IndexError):
        parse_sequence(b"\x67\x64")
    assert SliceReader(b"\x01").read(b"\0\0\0\1\x41\x9a") == (False, False)
    assert SliceReader(b"").read(b"") == (False, False)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"  <!DOCTYPE html><html>", "HTML"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "SVG"),
        (b'{"a": 1}', "JSON"),
        ("Grüße aus Köln".encode(), "text"),
        (b"#EXTM3U\n", "playlist"),
        (b"\x00\x00\x00\x20ftypheic", "HEIC"),
        (b"PK\x03\x04", "ZIP"),
    ],
)
def test_content_is_named(head: bytes, words: str) -> None:
    assert words in str(detected_type(head))


def test_media_is_not_named_something_else(path: Path) -> None:
    assert detected_type(path.read_bytes()[:4096]) is None
    assert detected_type(bytes(range(256)) * 8) is None


def test_missing_ends_are_seen(path: Path, tmp_path: Path) -> None:
    with path.open("rb") as file:
        size = path.stat().st_size
        assert next(name for name, _ in mp4_boxes(file, size)) == b"ftyp"
        assert not is_cut(file, size)
        assert is_cut(file, size - 10)
    matroska = encode(tmp_path / "a.mkv")
    data = matroska.read_bytes()
    assert matroska_segment_end(data[:200]) == len(data)
    with matroska.open("rb") as file:
        assert is_cut(file, len(data) - 1)


def test_time_base_is_exact(path: Path) -> None:
    with Video(path) as video:
        assert isinstance(video.index.time_base, Fraction)
        assert video.index.pts.dtype == np.int64


@pytest.mark.slow
def test_an_hour_is_indexed_quickly(tmp_path: Path) -> None:
    import time

    file = encode(tmp_path / "hour.mp4", count=3600 * 25, preset="ultrafast")
    began = time.process_time()
    with Video(file) as video:
        assert len(video) == 3600 * 25
    assert time.process_time() - began < 4  # two seconds on a free core; twice that on a shared one
