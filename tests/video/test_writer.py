"""Files that VideoWriter writes: exact times, sound in step, whole or not there, the same bytes each time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError, MediaError, PermissionDenied, StorageError
from onlooker.video import Video
from onlooker.video.writer import VideoWriter, concatenate

TICK = 1 / 90_000


@dataclass
class Samples:
    samples: np.ndarray
    rate: int
    start: float


def grey(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    return [np.full((height, width, 3), 20 + (7 * i) % 200, np.uint8) for i in range(count)]


def write(path: Path, images: list[np.ndarray], times: list[float] | None = None, **options: object) -> Path:
    height, width = images[0].shape[:2]
    with VideoWriter(path, width, height, **options) as writer:  # type: ignore[arg-type]
        for i, image in enumerate(images):
            writer.write(image, None if times is None else times[i])
    return path


def decode(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [float(f.time) for f in frames], [f.to_ndarray(format="rgb24") for f in frames]


def decode_sound(path: Path) -> tuple[np.ndarray, int]:
    """Samples placed on the file's clock, from zero on, first channel."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    rate = frames[0].sample_rate
    line = np.zeros(round((frames[-1].time + 1) * rate), np.float32)
    for frame in frames:
        at = round(frame.time * rate)
        block = frame.to_ndarray()[0][max(0, -at) :]
        line[max(0, at) : max(0, at) + len(block)] = block
    return line, rate


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.floats(0.001, 3.0), min_size=1, max_size=12),
    start=st.floats(0, 100),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
)
def test_any_times_and_sizes_come_back(
    tmp_path_factory: pytest.TempPathFactory, steps: list[float], start: float, height: int, width: int
) -> None:
    times = list(np.cumsum([start, *steps]))
    path = write(tmp_path_factory.mktemp("w") / "v.mp4", grey(len(times), height, width), times)
    got, images = decode(path)
    np.testing.assert_allclose(got, times, atol=TICK / 2 + 1e-9, rtol=0)
    assert images[0].shape == (height + height % 2, width + width % 2, 3)
    for wanted, image in zip(grey(len(times), height, width), images, strict=True):
        assert abs(float(image.mean()) - float(wanted.mean())) < 4


@pytest.mark.parametrize("rate", [24, 25, 30, Fraction(30000, 1001), 29.97002997, Fraction(24000, 1001), 7.5, 144])
def test_even_rate_is_exact(tmp_path: Path, rate: float) -> None:
    got, _ = decode(write(tmp_path / "v.mp4", grey(50), rate=rate))
    exact = Fraction(rate).limit_denominator(1001)
    assert got == [float(i / exact) for i in range(50)]
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert abs(container.duration / 1e6 - 50 / float(exact)) < 1e-5


def test_colours_survive_and_are_declared(tmp_path: Path) -> None:
    patches = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40]], np.uint8)
    image = np.repeat(np.repeat(patches[None], 32, 0), 32, 1)
    path = write(tmp_path / "v.mp4", [image] * 3, rate=25, quality=10)
    _, images = decode(path)
    centres = images[1][16, 16::32].astype(int)
    assert np.abs(centres - patches.astype(int)).max() <= 6
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_index_lies_in_front(tmp_path: Path) -> None:
    data = write(tmp_path / "v.mp4", grey(30), rate=25).read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    noise = list(np.random.default_rng(1).integers(0, 255, (40, 120, 160, 3), np.uint8))
    sound = Samples(np.random.default_rng(2).normal(0, 0.1, (80_000, 2)).astype(np.float32), 48_000, 0.0)
    one = write(tmp_path / "one.mp4", noise, rate=25, sound=sound)
    two = write(tmp_path / "two.mp4", noise, rate=25, sound=sound)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("rate", "channels", "start"), [(48_000, 2, 0.0), (44_100, 1, 0.3), (10_000, 1, -0.25), (16_000, 6, 0.1)]
)
def test_sound_is_in_step(tmp_path: Path, rate: int, channels: int, start: float) -> None:
    """Beeps at 0.5, 1.0, 1.5 s of media time are heard there, whatever the rate and the start of the samples."""
    times = np.arange(int(2.2 * rate)) / rate + start
    beep = sum(np.where((times > at) & (times < at + 0.05), 0.5, 0.0) for at in (0.5, 1.0, 1.5))
    wave = (beep * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)
    sound = Samples(np.repeat(wave[:, None], channels, 1), rate, start)
    path = write(tmp_path / "v.mp4", grey(50), rate=25, sound=sound)
    line, out_rate = decode_sound(path)
    loud = np.abs(line) > 0.08
    onsets = np.flatnonzero(loud & ~np.array([loud[max(0, i - 2000) : i].any() for i in range(len(loud))])) / out_rate
    np.testing.assert_allclose(onsets, [0.5, 1.0, 1.5], atol=0.004)


def test_sound_ends_with_the_picture(tmp_path: Path) -> None:
    sound = Samples(np.zeros((480_000, 1), np.float32), 48_000, 0.0)
    path = write(tmp_path / "v.mp4", grey(25), rate=25, sound=sound)
    with av.open(str(path)) as container:
        assert abs(container.duration / 1e6 - 1.0) < 0.06


def test_origin_moves_picture_and_sound(tmp_path: Path) -> None:
    times = [100.0, 100.5, 101.0]
    wave = np.zeros(2 * 48_000, np.float32)
    wave[48_000 // 2 : 48_000 // 2 + 2400] = 0.5 * np.sin(np.arange(2400) / 8)
    path = write(tmp_path / "v.mp4", grey(3), times, origin=100.0, sound=Samples(wave, 48_000, 100.0))
    assert decode(path)[0] == [0.0, 0.5, 1.0]
    line, rate = decode_sound(path)
    assert abs(np.flatnonzero(np.abs(line) > 0.1)[0] / rate - 0.5) < 0.003


@pytest.mark.real
def test_packets_of_a_source_are_copied(tmp_path: Path, clips: Path) -> None:
    source = clips / "person_with_speech.mp4"
    with av.open(str(source)) as container:
        times = [float(f.time) for f in container.decode(video=0)]
    path = write(tmp_path / "v.mp4", grey(len(times)), times, sound=source)
    ours, rate = decode_sound(path)
    theirs, their_rate = decode_sound(source)
    count = min(len(ours), len(theirs)) - rate
    assert rate == their_rate
    assert count > 8 * rate
    np.testing.assert_array_equal(ours[:count], theirs[:count])


@pytest.mark.real
@pytest.mark.parametrize("name", ["action_eye_makeup.avi", "speech_jfk.flac", "pedestrians_vtest.mp4"])
def test_sound_of_other_codecs_is_kept(tmp_path: Path, clips: Path, name: str) -> None:
    path = write(tmp_path / "v.mp4", grey(100), rate=25, sound=clips / name)
    ours, rate = decode_sound(path)
    theirs, their_rate = decode_sound(clips / name)
    assert rate == their_rate
    np.testing.assert_allclose(np.abs(ours[: 3 * rate]).mean(), np.abs(theirs[: 3 * rate]).mean(), rtol=0.1, atol=1e-4)


def test_transport_stream_sound_is_encoded_again(tmp_path: Path) -> None:
    source = tmp_path / "s.ts"
    with av.open(str(source), "w", format="mpegts") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        for i in range(100):
            frame = av.AudioFrame.from_ndarray(
                (0.4 * np.sin(np.arange(1024) / 9 + i * 1024 / 9))[None].astype(np.float32),
                format="fltp",
                layout="mono",
            )
            frame.sample_rate, frame.pts = 48_000, i * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(source)) as container:
        begin = container.start_time / 1e6
    path = write(tmp_path / "v.mp4", grey(40), rate=25, sound=source, origin=0.0) if begin < 0.1 else None
    if path is None:
        path = write(tmp_path / "v.mp4", grey(40), [begin + i / 25 for i in range(40)], sound=source, origin=begin)
    line, rate = decode_sound(path)
    assert np.abs(line[rate // 4 : rate]).max() > 0.3


@pytest.mark.real
def test_sound_of_an_open_video_is_on_its_clock(tmp_path: Path, clips: Path) -> None:
    with Video(clips / "person_with_speech.mp4") as video:
        path = write(tmp_path / "v.mp4", grey(len(video)), video.index.time.tolist(), sound=video)
        wanted = video.sound(48_000, mono=False).samples[:, 0]
    with Video(path) as written:
        got = written.sound(48_000, mono=False).samples[:, 0]
    count = min(len(wanted), len(got))
    assert count > 9 * 48_000
    error = wanted[:count] - got[:count]
    assert np.square(error).mean() < 0.05 * np.square(wanted[:count]).mean()


def test_a_source_without_sound_gives_silence_not_an_error(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.mp4", grey(5), rate=25)
    path = write(tmp_path / "v.mp4", grey(5), rate=25, sound=silent)
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_parts_join_to_what_one_writer_gives(tmp_path: Path) -> None:
    times = list(np.cumsum(np.random.default_rng(3).uniform(0.01, 0.3, 45)))
    images = grey(45)
    sound = Samples(np.random.default_rng(4).normal(0, 0.1, 48_000 * 5).astype(np.float32), 48_000, 0.0)
    parts = [write(tmp_path / f"{k}.mp4", images[k : k + 15], times[k : k + 15], rate=8.7) for k in (0, 15, 30)]
    joined = tmp_path / "joined.mp4"
    assert concatenate(parts, joined, sound_from=sound) is None
    got, shown = decode(joined)
    np.testing.assert_allclose(got, times, atol=TICK, rtol=0)
    whole_times, whole = decode(write(tmp_path / "whole.mp4", images, times, rate=8.7, sound=sound))
    assert got == whole_times
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(shown, whole, strict=True)) <= 4
    np.testing.assert_array_equal(decode_sound(joined)[0], decode_sound(tmp_path / "whole.mp4")[0])
    again = tmp_path / "again.mp4"
    concatenate(parts, again, sound_from=sound)
    assert again.read_bytes() == joined.read_bytes()


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.mp4", grey(3), [0.0, 0.1, 0.2])
    other_size = write(tmp_path / "b.mp4", grey(3, 96, 64), [0.3, 0.4, 0.5])
    early = write(tmp_path / "c.mp4", grey(3), [0.1, 0.2, 0.3])
    torn = tmp_path / "d.mp4"
    torn.write_bytes(first.read_bytes()[:200])
    for parts, error in [
        ([first, other_size], ConfigError),
        ([first, early], ConfigError),
        ([first, torn], MediaError),
        ([first, tmp_path / "absent.mp4"], MediaError),
        ([], ConfigError),
    ]:
        with pytest.raises(error):
            concatenate(parts, tmp_path / "joined.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_interrupt_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"the old one")

    def interrupted() -> None:
        with VideoWriter(path, 64, 48, rate=25) as writer:
            for image in grey(30):
                writer.write(image)
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"the old one"
    assert os.listdir(tmp_path) == ["v.mp4"]


def test_nothing_shows_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with VideoWriter(path, 64, 48, rate=25) as writer:
        for image in grey(30):
            writer.write(image)
        assert not path.exists()
    assert path.exists()
    assert os.listdir(tmp_path) == ["v.mp4"]
    writer.close()
    with pytest.raises(ConfigError, match="closed"):
        writer.write(grey(1)[0])


FULL_DISK = """
import sys, os, numpy as np
from onlooker.errors import DiskFull
from onlooker.video import Video
from onlooker.video.writer import VideoWriter
noise = np.random.default_rng(0).integers(0, 255, (8, 240, 320, 3), np.uint8)
{limit}
try:
    with VideoWriter(sys.argv[1], 320, 240, rate=25, quality=5) as writer:
        for i in range(int(sys.argv[2])):
            writer.write(noise[i % 8])
except DiskFull as error:
    assert "v.mp4" in str(error) and "space" in str(error)
    sys.exit(7)
"""


def run_until_full(folder: Path, limit: str, frames: int) -> int:
    script = FULL_DISK.format(limit=limit)
    command = [sys.executable, "-c", script, str(folder / "v.mp4"), str(frames)]
    return subprocess.run(command, timeout=60, check=False).returncode


@pytest.mark.parametrize("frames", [6, 60])
def test_file_size_limit_is_disk_full(tmp_path: Path, frames: int) -> None:
    """The limit is met while frames come (60), or only when the encoder is drained at the end (6)."""
    if not hasattr(resource, "RLIMIT_FSIZE"):
        pytest.skip("this system has no file size limit")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    assert run_until_full(tmp_path, limit, frames) == 7
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("frames", [6, 60])
def test_full_disk(tmp_path: Path, frames: int) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only an administrator may mount the small disk that this test fills")
    try:
        (small / "v.mp4").write_bytes(b"old")
        assert run_until_full(small, "", frames) == 7
        assert os.listdir(small) == ["v.mp4"]
        assert (small / "v.mp4").read_bytes() == b"old"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"v\.mp4.*no such file or folder"):
        VideoWriter(tmp_path / "absent" / "v.mp4", 64, 48, rate=25)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    if os.geteuid() == 0:
        locked = Path("/proc/self")  # where not even an administrator may create a file
        with pytest.raises(StorageError):
            VideoWriter(locked / "v.mp4", 64, 48, rate=25)
        return
    with pytest.raises(PermissionDenied):
        VideoWriter(locked / "v.mp4", 64, 48, rate=25)


def test_wrong_requests(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    for width, height in [(0, 10), (10, -1), (20_000, 10)]:
        with pytest.raises(ConfigError):
            VideoWriter(path, width, height, rate=25)
    for rate in (0, -1, 5000):
        with pytest.raises(ConfigError):
            VideoWriter(path, 64, 48, rate=rate)
    image = grey(1)[0]
    for bad, time, words in [
        (image[:, :, 0], 0.1, "uint8"),
        (image.astype(np.float32), 0.1, "uint8"),
        (image[:10], 0.1, "48"),
        (image, float("nan"), "number"),
        (image, -1.0, "origin"),
        (image, None, "time"),
    ]:
        with pytest.raises(ConfigError, match=words), VideoWriter(path, 64, 48) as writer:
            writer.write(bad, time)
    with pytest.raises(ConfigError, match="come after"):
        write(path, [image, image], [1.0, 1.0])
    with pytest.raises(ConfigError, match="no frame"), VideoWriter(path, 64, 48):
        pass
    with pytest.raises(MediaError, match="sound"):
        VideoWriter(path, 64, 48, sound=tmp_path / "absent.wav")
    assert os.listdir(tmp_path) == []


def test_names_that_ffmpeg_might_misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ["-i.mp4", "http:x.mp4", "a b%03d.mp4", "ünïcode 視频.mp4", "no suffix"]:
        write(Path(name), grey(3), rate=25)
        assert Path(name).stat().st_size > 500


@pytest.mark.browser
def test_plays_in_a_browser(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no /usr/bin/chromium")
    times = [0.5 + t for t in np.cumsum(np.random.default_rng(5).uniform(0.02, 0.1, 60))]
    wave = (0.3 * np.sin(np.arange(48_000 * 5) / 20)).astype(np.float32)
    height, width = 97, 131
    path = write(tmp_path / "v.mp4", grey(60, height, width), times, sound=Samples(wave, 48_000, 0.0))
    page_file = tmp_path / "page.html"
    page_file.write_text(f'<video id=v src="{path.name}" muted></video>')
    flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*flags.split(), "--autoplay-policy=no-user-gesture-required"]
        )
        page = browser.new_page()
        page.goto(page_file.as_uri())
        state = page.evaluate(
            """async () => {
                const v = document.getElementById('v');
                await new Promise((done, fail) => { v.onloadeddata = done; v.onerror = () => fail(v.error.message);
                                                    if (v.readyState >= 2) done(); });
                const seen = [];
                v.requestVideoFrameCallback(function next(_, meta) {
                    seen.push(meta.mediaTime); v.requestVideoFrameCallback(next); });
                await v.play();
                await new Promise(done => { v.onended = done; });
                return {width: v.videoWidth, height: v.videoHeight, duration: v.duration, seen,
                        audio: v.webkitAudioDecodedByteCount};
            }"""
        )
        browser.close()
    assert (state["width"], state["height"]) == (132, 98)
    assert abs(state["duration"] - (times[-1] + times[-1] - times[-2])) < 0.05
    assert state["audio"] > 1000
    shown = np.array(state["seen"])
    assert len(shown) > 10
    # every time that the browser reports is the time of one of our frames
    assert max(np.abs(np.array(times) - t).min() for t in shown) < 1e-3
