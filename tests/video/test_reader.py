"""`Video`: access by index and time, sources of all kinds, policies, hygiene."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onlooker.errors import (
    ConfigError,
    CorruptMedia,
    LimitExceeded,
    SourceLost,
    SourceTimeout,
    TruncatedMedia,
    UnsupportedMedia,
)
from onlooker.video import CONCEALED, MISSING, OK, FrameOutOfRange, Limits, Video
from onlooker.video.probe import probe

COUNT, RATE, GOP = 60, 20, 12
OPTIONS = {"bf": "2", "crf": "12", "sc_threshold": "0"}


def encode(path: Path, *, count: int = COUNT, width: int = 64, height: int = 48, gop: int = GOP) -> Path:
    """H.264 with B-frames whose frame number is its brightness, over a moving pattern."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options=OPTIONS | {"g": str(gop)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            image = np.full((height, width, 3), 20 + 3 * number, np.uint8)
            image[:, (2 * number) % width] = 255
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("reader") / "numbers.mp4")


@pytest.fixture(scope="module")
def sequence(clip_path: Path) -> np.ndarray:
    with Video(clip_path) as video:
        return np.stack([frame.image for frame in video])


@pytest.fixture(scope="module")
def damaged(clip_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The third group's first P-frame is noise."""
    data = bytearray(clip_path.read_bytes())
    with av.open(str(clip_path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    at, size = places[2 * GOP + 1]
    data[at + 8 : at + size] = np.random.default_rng(3).bytes(size - 8)
    path = tmp_path_factory.mktemp("damaged") / "damaged.mp4"
    path.write_bytes(data)
    return path


def brightness(images: np.ndarray) -> list[int]:
    """The frame number that a picture shows."""
    return np.round((np.median(images.reshape(len(images), -1), axis=1) - 20) / 3).astype(int).tolist()


def test_frames_are_the_ones_encoded(sequence: np.ndarray) -> None:
    assert brightness(sequence) == list(range(COUNT))


def test_index_and_time_name_the_same_frames(clip_path: Path, sequence: np.ndarray) -> None:
    with Video(clip_path) as video:
        assert len(video) == COUNT
        last = video[-1]
        assert (last.index, last.key, last.status) == (COUNT - 1, False, OK)
        assert last.time == pytest.approx((COUNT - 1) / RATE)
        assert last.pts * float(last.time_base) == pytest.approx(last.time)
        assert np.array_equal(last.image, sequence[-1])
        assert video.at(0.0).index == 0
        assert video.at(0.0).key
        assert video.at(1 / RATE - 1e-6).index == 0
        assert video.at(1 / RATE).index == 1
        assert video.at(video.index.end).index == COUNT - 1
        for outside in (-0.1, COUNT / RATE + 1, float("nan")):
            with pytest.raises(FrameOutOfRange):
                video.at(outside)
        for outside in (COUNT, -COUNT - 1):
            with pytest.raises(IndexError, match="60 frames"):
                video[outside]


def test_slices_and_lists(clip_path: Path, sequence: np.ndarray) -> None:
    with Video(clip_path) as video:
        assert video[10:20:3].indices.tolist() == [10, 13, 16, 19]
        assert np.array_equal(video[::-7].images, sequence[::-7])
        clip = video.read([5, 3, 5, -1])
        assert clip.indices.tolist() == [5, 3, 5, COUNT - 1]
        assert np.array_equal(clip.images, sequence[[5, 3, 5, -1]])
        assert np.allclose(clip.times, np.array([5, 3, 5, COUNT - 1]) / RATE)
        assert len(video[7:7]) == 0
        assert video[7:7].images.shape == (0, 48, 64, 3)
        part = clip[1:3]
        assert part.indices.tolist() == [3, 5]
        assert part.status.tolist() == [OK, OK]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-COUNT, COUNT - 1), max_size=12), st.integers(1, 3))
def test_any_order_gives_the_same_pixels(
    clip_path: Path, sequence: np.ndarray, wanted: list[int], threads: int
) -> None:
    with Video(clip_path, threads=threads) as video:
        assert np.array_equal(video.read(wanted).images, sequence[wanted])
        for index in wanted:
            assert np.array_equal(video[index].image, sequence[index])


def test_reading_inside_an_iteration_disturbs_nothing(clip_path: Path, sequence: np.ndarray) -> None:
    with Video(clip_path) as video:
        for position, frame in enumerate(video):
            assert np.array_equal(frame.image, sequence[position])
            other = (position * 37) % COUNT
            assert np.array_equal(video[other].image, sequence[other])
        assert position == COUNT - 1


def test_clips_choose_frames_by_time(clip_path: Path) -> None:
    with Video(clip_path) as video:
        assert video.clip(1.0, 2.0).indices.tolist() == list(range(20, 40))
        assert video.clip(0, 3, frames=3).indices.tolist() == [10, 30, 50]
        assert video.clip(0.5, 1.5, fps=4).indices.tolist() == [10, 15, 20, 25]
        assert video.clip(1, 2, stride=6).indices.tolist() == [20, 26, 32, 38]
        assert video.clip(0, 0.1, frames=5).indices.tolist() == [0, 0, 1, 1, 1]
        assert video.clip(2.9).indices.tolist() == [58, 59]
        one, two = (video.clip(0, 3, frames=8, generator=7).indices.tolist() for _ in range(2))
        assert one == two
        assert all(k * 7.5 - 1 <= i <= (k + 1) * 7.5 for k, i in enumerate(one))
        for wrong in ({"frames": 0}, {"fps": 0}, {"stride": 0}, {"frames": 2, "fps": 3}):
            with pytest.raises(ConfigError):
                video.clip(0, 1, **wrong)
        with pytest.raises(ConfigError):
            video.clip(2, 1)
        with pytest.raises(FrameOutOfRange):
            video.clip(30, 31)


def test_sizes(clip_path: Path) -> None:
    with Video(clip_path) as video:
        assert video.clip(0, 1, frames=2, size=24).images.shape == (2, 24, 32, 3)
        assert video.read([0], size=(10, 20)).images.shape == (1, 10, 20, 3)
        assert video.read([0], size=96).images.shape == (1, 96, 128, 3)
        with pytest.raises(ConfigError):
            video.read([0], size=0)


def test_a_clip_as_a_tensor(clip_path: Path, sequence: np.ndarray) -> None:
    import torch

    with Video(clip_path) as video:
        tensor = video[3:6].torch()
    assert tensor.shape == (3, 3, 48, 64)
    assert tensor.dtype == torch.uint8
    assert np.array_equal(tensor[0, 0].numpy(), sequence[3, :, :, 0])


def test_torch_generators_choose_reproducibly(clip_path: Path) -> None:
    import torch

    with Video(clip_path) as video:
        picks = [video.clip(0, 3, frames=6, generator=torch.Generator().manual_seed(5)).indices for _ in range(2)]
    assert np.array_equal(*picks)


def test_chunks_cover_everything_once(clip_path: Path, sequence: np.ndarray) -> None:
    with Video(clip_path) as video:
        chunks = list(video.chunks(16))
        assert [len(chunk) for chunk in chunks] == [16, 16, 16, 12]
        assert np.array_equal(np.concatenate([chunk.images for chunk in chunks]), sequence)
        assert [chunk.indices[0] for chunk in video.chunks(25, start=5)] == [5, 30, 55]
        assert next(video.chunks(4, scale=24)).images.shape == (4, 24, 32, 3)


def test_a_clip_keeps_its_pixels_while_others_are_read(clip_path: Path, sequence: np.ndarray) -> None:
    with Video(clip_path) as video:
        kept = [chunk.images[1:3] for chunk in video.chunks(4)]
    for number, images in enumerate(kept):
        assert np.array_equal(images, sequence[4 * number + 1 : 4 * number + 3])


def test_one_frame_fills_a_clip(tmp_path: Path) -> None:
    with Video(encode(tmp_path / "one.mp4", count=1)) as video:
        assert len(video) == 1
        assert video.clip(0, 1, frames=8).indices.tolist() == [0] * 8
        assert video.info.num_frames_verified == 1


class Pipe(io.RawIOBase):
    """Reads forward only, as standard input does."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._data.readinto(buffer)


def test_all_kinds_of_sources(clip_path: Path, tmp_path: Path, sequence: np.ndarray) -> None:
    data = clip_path.read_bytes()
    strange = tmp_path / "-i ünïcode; rm %d.txt"
    strange.write_bytes(data)
    with clip_path.open("rb") as file, contextlib.chdir(tmp_path):
        sources = [str(clip_path), clip_path.as_uri(), data, io.BytesIO(data), file, Pipe(data), strange, strange.name]
        for source in sources:
            with Video(source) as video:
                assert np.array_equal(video.read([31, 2]).images, sequence[[31, 2]]), source


def test_spooled_input_is_removed(clip_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Video(Pipe(clip_path.read_bytes())) as video:
        assert len(video) == COUNT
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LimitExceeded):
        len(Video(Pipe(bytes(5000)), limits=Limits(file_bytes=4000)))
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def serving(folder: Path, location: str = "") -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if self.path.startswith("/elsewhere"):
                self.send_response(302)
                self.send_header("Location", location)
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_addresses(clip_path: Path, sequence: np.ndarray) -> None:
    with serving(clip_path.parent, location=f"file://{clip_path}") as address:
        with Video(f"{address}/{clip_path.name}?token=1") as video:
            assert np.array_equal(video[50].image, sequence[50])
            assert video.name == clip_path.name
        with pytest.raises(SourceLost, match="404"):
            len(Video(f"{address}/none.mp4"))
        with pytest.raises(SourceLost, match="not allowed"):
            len(Video(f"{address}/elsewhere"))
        with pytest.raises(LimitExceeded):
            len(Video(f"{address}/{clip_path.name}", limits=Limits(file_bytes=100)))
    with pytest.raises(SourceLost):
        len(Video(f"{address}/{clip_path.name}"))
    for refused in ("rtsp://127.0.0.1/a", "concat://a|b", "ftp://127.0.0.1/a.mp4"):
        with pytest.raises(ConfigError):
            len(Video(refused))


def test_playlists_do_not_reach_other_files(clip_path: Path, tmp_path: Path) -> None:
    listing = tmp_path / "list.mp4"
    for text in (f"ffconcat version 1.0\nfile {clip_path}\n", f"#EXTM3U\n#EXTINF:3,\n{clip_path}\n"):
        listing.write_text(text)
        with pytest.raises(UnsupportedMedia, match="playlist"):
            len(Video(listing))
    with pytest.raises(ConfigError):
        len(Video(f"concat:{clip_path}"))


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        len(Video(tmp_path / "none.mp4"))
    with pytest.raises(ConfigError, match="folder"):
        len(Video(tmp_path))
    with pytest.raises(ConfigError):
        len(Video(3))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="NUL"):
        len(Video("a\0b.mp4"))
    with pytest.raises(ConfigError, match="binary"):
        len(Video(OnlyText()))  # type: ignore[arg-type]
    for options in ({"on_corrupt": "ignore"}, {"max_bad_ratio": 2}, {"threads": 0}):
        with pytest.raises(ConfigError):
            Video("a.mp4", **options)


class OnlyText:
    def read(self, _: int) -> str:
        return "text"


def test_a_closed_video_says_so(clip_path: Path) -> None:
    video = Video(clip_path)
    assert len(video) == COUNT
    video.close()
    video.close()
    with pytest.raises(ConfigError, match="closed"):
        video[0]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors through /proc")
def test_closing_leaves_no_descriptors_or_threads(clip_path: Path, damaged: Path) -> None:
    def used() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    before = used()
    for _ in range(3):
        with Video(clip_path, threads=3) as video:
            video.read([0, 40])
            next(iter(video))
            next(video.chunks(4))
            video.sound()
        with Video(damaged, on_corrupt="hold_last", threads=3) as video:
            assert sum(1 for _ in video) == COUNT
        with pytest.raises(CorruptMedia), Video(damaged, threads=3) as video:
            list(video)
    assert used() == before


def test_memory_is_limited_before_it_is_taken(clip_path: Path) -> None:
    with Video(clip_path, limits=Limits(memory_bytes=100_000)) as video:
        with pytest.raises(LimitExceeded, match="chunks") as caught:
            video[:]
        assert caught.value.limit == "memory_bytes"
        assert caught.value.value == COUNT * 64 * 48 * 3
        assert max(len(chunk) for chunk in video.chunks()) == 100_000 // (64 * 48 * 3)


def test_decoding_that_takes_too_long_stops(clip_path: Path) -> None:
    with Video(clip_path, limits=Limits(wall_seconds=0.0, wall_factor=0.0)) as video, pytest.raises(SourceTimeout):
        list(video)


def test_damage_raises_by_default_after_the_sound_frames(damaged: Path, sequence: np.ndarray) -> None:
    with Video(damaged) as video:
        seen: list[np.ndarray] = []
        with pytest.raises(CorruptMedia) as caught:
            seen.extend(frame.image for frame in video)
        assert 2 * GOP <= len(seen) < 3 * GOP
        assert np.array_equal(seen, sequence[: len(seen)])
        assert caught.value.recoverable
        assert caught.value.at == pytest.approx(len(seen) / RATE)
        assert np.array_equal(video[3 * GOP].image, sequence[3 * GOP])


@pytest.mark.parametrize("policy", ["skip", "hold_last"])
def test_reading_goes_on_behind_damage(damaged: Path, sequence: np.ndarray, policy: str) -> None:
    with Video(damaged, on_corrupt=policy, max_bad_ratio=1.0) as video:  # type: ignore[arg-type]
        frames = list(video)
        changed = [f.index for f in frames if not np.array_equal(f.image, sequence[f.index])]
        assert changed
        assert all(f.status != OK for f in frames if f.index in changed)
        assert all(2 * GOP <= f.index < 3 * GOP for f in frames if f.status != OK)
        assert all(f.status in (OK, CONCEALED, MISSING) for f in frames)
        (start, end, _), *_ = video.bad_intervals
        assert 2 * GOP / RATE <= start < end <= 3 * GOP / RATE + 1e-9
        again = video.read([f.index for f in reversed(frames)])
        assert np.array_equal(again.images, np.stack([f.image for f in reversed(frames)]))


def test_missing_frames_are_skipped_or_held(clip_path: Path, tmp_path: Path) -> None:
    data = bytearray(clip_path.read_bytes())
    with av.open(str(clip_path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    at, size = places[2 * GOP]
    data[at : at + size] = bytes(size)
    path = tmp_path / "keyless.mp4"
    path.write_bytes(data)
    with Video(path, on_corrupt="skip", max_bad_ratio=1.0) as video:
        skipped = video[:]
    with Video(path, on_corrupt="hold_last", max_bad_ratio=1.0) as video:
        held = video[:]
        alone = video[2 * GOP]
    gone = set(range(COUNT)) - set(skipped.indices.tolist())
    assert 2 * GOP in gone
    assert gone <= set(range(2 * GOP - 2, 3 * GOP))
    assert held.indices.tolist() == list(range(COUNT))
    assert set(np.flatnonzero(held.status == MISSING).tolist()) == gone
    for index in gone:
        assert np.array_equal(held.images[index], held.images[index - 1])
    assert alone.status == MISSING
    assert np.array_equal(alone.image, held.images[2 * GOP])
    with Video(path, on_corrupt="skip", max_bad_ratio=0.0) as video, pytest.raises(CorruptMedia, match="max_bad_ratio"):
        list(video)


def test_a_cut_file_gives_what_is_there(clip_path: Path, tmp_path: Path, sequence: np.ndarray) -> None:
    faststart = tmp_path / "faststart.mp4"
    with av.open(str(clip_path)) as source, av.open(str(faststart), "w", options={"movflags": "faststart"}) as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    path = tmp_path / "cut.mp4"
    path.write_bytes(faststart.read_bytes()[: faststart.stat().st_size * 3 // 4])
    with Video(path, on_corrupt="skip") as video:
        assert video.info.truncated
        there = video[:]
        assert 20 < len(there) < COUNT
        assert video.info.num_frames_header == COUNT
        assert video.bad_intervals[-1][2] == "truncated"
    with Video(path) as video:
        seen = []
        with pytest.raises(TruncatedMedia, match="breaks off"):
            seen.extend(video)
        assert len(seen) == len(there)
        with pytest.raises(TruncatedMedia):
            video[COUNT - 1]
        assert video[-1].index == len(there) - 1
    for index, image in zip(there.indices, there.images, strict=True):
        assert any(np.array_equal(image, sequence[k]) for k in range(index, min(COUNT, index + 3)))


def test_info_before_and_after_the_scan(clip_path: Path) -> None:
    with Video(clip_path) as video:
        before = video.info
        assert before.num_frames_verified is None
        assert before.num_frames_header == COUNT
        assert (before.width, before.height, before.codec, before.container) == (64, 48, "h264", "mov")
        assert before.average_rate == pytest.approx(RATE)
        assert not before.is_vfr
        assert not before.has_audio
        len(video)
        assert video.info.num_frames_verified == COUNT
        assert video.info.duration == pytest.approx(COUNT / RATE)


def test_probe_reports_plain_values(damaged: Path) -> None:
    import json

    report = probe(damaged)
    assert json.loads(json.dumps(report)) == report
    assert report["index"]["frames"] == COUNT
    assert report["groups"]["count"] == COUNT // GOP
    assert report["groups"]["longest"] == GOP
    assert report["index"]["steps_ms"] == [{"step": 50.0, "count": COUNT - 1}]
    assert report["damage"]["concealed"] + report["damage"]["missing"] > 0


def test_importing_the_room_does_not_import_torch() -> None:
    import subprocess

    code = "import sys, onlooker.video; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "count", "size", "rotation"),
    [
        ("pedestrians_vtest.mp4", 795, (480, 360), 0),
        ("odd_irregular_pts_vtest.avi", 795, (480, 360), 0),
        ("action_eye_makeup.avi", 164, (320, 240), 0),
        ("sign_eat.mkv", 47, (640, 480), 0),
        ("odd_rotated_person.mp4", 89, (480, 640), 90),
        ("odd_rotated_90.mov", 3, (320, 568), 270),
        ("odd_unordered.mov", 4, (50, 50), 0),
        ("codec_av1.mkv", 125, (640, 360), 0),
        ("codec_hevc.mp4", 10, (128, 128), 0),
        ("multistream_nasa.mp4", 390, (480, 270), 0),
    ],
)
def test_real_files(clips: Path, name: str, count: int, size: tuple[int, int], rotation: int) -> None:
    with Video(clips / name) as video:
        assert len(video) == count
        assert (video.info.width, video.info.height, video.info.rotation) == (*size, rotation)
        assert np.all(np.diff(video.index.time) > 0)
        picks = [0, count // 3, count // 2, count - 1]
        alone = [video[index].image for index in reversed(picks)][::-1]
    with Video(clips / name) as video:
        for frame in video:
            if frame.index in picks:
                assert np.array_equal(frame.image, alone[picks.index(frame.index)])
    assert frame.index == count - 1


@pytest.mark.real
def test_real_variable_rate_and_damage(clips: Path) -> None:
    with Video(clips / "odd_vfr_people.mp4") as video:
        assert len(video) == 86
        assert video.info.is_vfr
        assert len(np.unique(np.round(video.index.duration, 4))) >= 3
    with Video(clips / "odd_truncated.mp4", on_corrupt="skip") as video:
        assert len(list(video)) == 90
        assert video.info.truncated
    with Video(clips / "odd_corrupted.mp4", on_corrupt="hold_last", max_bad_ratio=1.0) as video:
        status = [frame.status for frame in video]
        assert status[:28] == [OK] * 28
        assert OK not in status[29:]
        assert len(status) == 50
