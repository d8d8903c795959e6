"""Live sources that drop, stall, refuse, jump and lie, on the loopback interface and with short time-outs."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, SourceLost
from onlooker.video import Video
from onlooker.video.limits import Limits
from onlooker.video.stream import Stream, StreamFrame, StreamState
from onlooker.video.stream.connect import masked
from onlooker.video.stream.machine import Machine
from onlooker.video.stream.timeline import FrozenPicture, Timeline

QUICK = {"stall_s": 0.3, "lost_s": 0.8, "retry_s": 0.05, "retry_most_s": 0.2, "denied_s": 0.3, "seed": 1}
WRAP = (1 << 33) / 90_000


@lru_cache
def transport_stream(
    frames: int = 50, start: float = 10.0, size: tuple[int, int] = (64, 48), still: bool = False
) -> bytes:
    """MPEG-TS at 25 frames a second; the red value of frame i is 4 i."""
    target = io.BytesIO()
    with av.open(target, "w", format="mpegts") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency", "g": "5"}
        )
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for i in range(frames):
            image = np.full((size[1], size[0], 3), (0 if still else 4 * (i % 60), 90, 90), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round((start + i / 25) * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


Behaviour = Callable[[socket.socket], None]
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


class Camera:
    """A server on the loopback interface; the n-th connection meets the n-th behaviour, later ones the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.requests: list[bytes] = []
        self.gone = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self._workers: list[threading.Thread] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/live.ts"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            behaviour = self.behaviours[min(len(self.requests), len(self.behaviours) - 1)]
            self.requests.append(b"")
            worker = threading.Thread(target=self._answer, args=(connection, behaviour, len(self.requests) - 1))
            self._workers.append(worker)
            worker.start()

    def _answer(self, connection: socket.socket, behaviour: Behaviour, number: int) -> None:
        with connection:
            try:
                self.requests[number] = connection.recv(65536)
                behaviour(connection)
            except OSError:
                pass

    def close(self) -> None:
        self.gone.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        for worker in self._workers:
            worker.join(5)


@pytest.fixture
def camera() -> Iterator[Callable[..., Camera]]:
    cameras: list[Camera] = []

    def make(*behaviours: Behaviour) -> Camera:
        cameras.append(Camera(*behaviours))
        return cameras[-1]

    before = set(threading.enumerate())
    yield make
    for one in cameras:
        one.close()
    left = [t for t in threading.enumerate() if t not in before and t.name.startswith("stream")]
    assert not left, "a stream left a thread behind"


def sends(data: bytes, *, then: float = 0.0, pace: float = 0.0) -> Behaviour:
    """Answer with `data`, in twenty parts `pace` seconds apart, and keep the line open for `then` seconds."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        if pace:
            step = len(data) // 20 + 1
            for a in range(0, len(data), step):
                connection.sendall(data[a : a + step])
                time.sleep(pace)
        else:
            connection.sendall(data)
        connection.settimeout(then or 0.01)
        with suppress(TimeoutError):
            connection.recv(1)

    return behave


def says(status: str, extra: str = "") -> Behaviour:
    return lambda connection: connection.sendall(f"HTTP/1.0 {status}\r\n{extra}Content-Length: 0\r\n\r\n".encode())


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def take(stream: Stream, count: int, within: float = 10.0) -> list[StreamFrame]:
    frames: list[StreamFrame] = []
    until = time.monotonic() + within
    while len(frames) < count and time.monotonic() < until:
        frame = stream.read(timeout=0.1)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count, f"only {len(frames)} frames; {stream.metrics}"
    return frames


def wait_for(stream: Stream, state: StreamState, within: float = 5.0) -> None:
    until = time.monotonic() + within
    while stream.state is not state:
        assert time.monotonic() < until, f"never {state}: {stream.history}"
        time.sleep(0.01)


def states(stream: Stream) -> list[StreamState]:
    return [t.state for t in stream.history]


def test_frames_come_with_times_and_pictures(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(50), then=5))
    with Stream(server.address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 40)
        metrics = stream.metrics
    np.testing.assert_allclose([f.time for f in frames], np.arange(40) / 25, atol=1e-4)
    assert [f.index for f in frames] == list(range(40))
    assert {f.epoch for f in frames} == {0}
    assert all(abs(int(f.image[20, 20, 0]) - 4 * i) < 8 for i, f in enumerate(frames))
    assert frames[0].image.shape == (48, 64, 3)
    assert (metrics.state, metrics.dropped, metrics.reconnects_1h) == (StreamState.LIVE, 0, 0)
    assert metrics.last_frame_age is not None
    assert states(stream) == [StreamState.CONNECTING, StreamState.LIVE, StreamState.STOPPED]


def test_a_drop_is_mended(camera: Callable[..., Camera]) -> None:
    """The line breaks, the camera reboots (refuses three times), and comes back with its clock at zero."""
    back = transport_stream(30, start=0.5)
    server = camera(sends(transport_stream(30)), resets, says("503 Busy"), resets, sends(back, then=5))
    with Stream(server.address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 50)
        metrics = stream.metrics
    assert [f.epoch for f in frames[:30]] == [0] * 30
    assert {f.epoch for f in frames[30:]} == {1}
    assert (np.diff([f.time for f in frames]) > 0).all()
    assert metrics.reconnects_1h == 4
    assert metrics.state is StreamState.LIVE
    assert StreamState.RECONNECTING in states(stream)


def test_recovery_is_quick_with_default_delays(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(30)), sends(transport_stream(30), then=10))
    with Stream(server.address, queue_size=100, seed=3) as stream:
        take(stream, 30)
        began = time.monotonic()
        take(stream, 1)
        assert time.monotonic() - began < 10


def test_a_stall_is_told_and_ends_in_a_reconnect(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(30), then=30), sends(transport_stream(30), then=30))
    with Stream(server.address, queue_size=100, **QUICK) as stream:
        take(stream, 20)
        wait_for(stream, StreamState.STALLED)
        assert "no frame for" in stream.metrics.message
        wait_for(stream, StreamState.RECONNECTING)
        wait_for(stream, StreamState.LIVE)
    order = [s for s in states(stream) if s is not StreamState.CONNECTING]
    assert order[:4] == [StreamState.LIVE, StreamState.STALLED, StreamState.RECONNECTING, StreamState.LIVE]


def test_a_stall_that_ends_is_the_same_epoch(camera: Callable[..., Camera]) -> None:
    data = transport_stream(60)
    half = len(data) // 2 // 188 * 188

    def hiccup(connection: socket.socket) -> None:
        connection.sendall(HEAD + data[:half])
        time.sleep(0.5)
        connection.sendall(data[half:])
        time.sleep(1)

    with Stream(camera(hiccup).address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 50)
    assert {f.epoch for f in frames} == {0}
    assert StreamState.STALLED in states(stream)
    assert StreamState.RECONNECTING not in states(stream)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_wrong_credentials(camera: Callable[..., Camera], status: str) -> None:
    server = camera(says(status), sends(transport_stream(30), then=5))
    address = server.address.replace("http://", "http://admin:hunter2@") + "?token=s3cret"
    with Stream(address, queue_size=100, **QUICK) as stream:
        wait_for(stream, StreamState.FAILED_AUTH)
        message = stream.metrics.message
        assert "credentials" in message
        take(stream, 10)  # it is tried again, rarely
        waits = np.diff([t.at for t in stream.history if t.state in (StreamState.FAILED_AUTH, StreamState.LIVE)])
    assert waits[0] > 0.2
    assert "hunter2" not in repr(stream.history) + stream.name + message
    assert "s3cret" not in stream.name
    assert b"Authorization: Basic YWRtaW46aHVudGVyMg==" in server.requests[0]


def test_unknown_host() -> None:
    with Stream("http://user:pw@camera.invalid/live", **QUICK) as stream:
        wait_for(stream, StreamState.FAILED_DNS)
        assert "host name" in stream.metrics.message
        assert "pw" not in repr(stream.history)
    with Stream("rtsp://camera.invalid/live", **QUICK) as stream:
        wait_for(stream, StreamState.FAILED_DNS)


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_refused(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Stream(f"{scheme}://me:pw@127.0.0.1:{port}/a", attempts=3, **QUICK) as stream:
        with pytest.raises(SourceLost, match="refuse") as caught:
            list(stream)
        assert "pw" not in str(caught.value)
        assert states(stream)[-1] is StreamState.FAILED
        assert stream.metrics.reconnects_1h == 2


def test_rtsp_without_credentials(camera: Callable[..., Camera]) -> None:
    def deny(connection: socket.socket) -> None:
        connection.sendall(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nContent-Length: 0\r\n\r\n")

    server = camera(deny)
    with Stream(f"rtsp://me:pw@127.0.0.1:{server.port}/a", **QUICK) as stream:
        wait_for(stream, StreamState.FAILED_AUTH)
        assert "pw@" not in repr(stream.history)


def test_what_is_no_video(camera: Callable[..., Camera]) -> None:
    page = camera(sends(b"<html>" + b"please log in " * 500 + b"</html>"))
    with Stream(page.address, attempts=2, **QUICK) as stream, pytest.raises(SourceLost):
        list(stream)


@pytest.mark.parametrize("path", ["live.ts", "live.m3u8"])
def test_a_playlist_cannot_name_local_files(camera: Callable[..., Camera], film: Path, path: str) -> None:
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{film}\n#EXT-X-ENDLIST\n"
    server = camera(sends(text.encode()))
    address = server.address.replace("live.ts", path)
    with Stream(address, attempts=1, **QUICK) as stream, pytest.raises(SourceLost):
        list(stream)


def test_motion_jpeg_in_parts(camera: Callable[..., Camera]) -> None:
    """What most web cameras send: JPEG pictures without time stamps."""
    pictures = []
    for level in range(30):
        encoded = cv2.imencode(".jpg", np.full((48, 64, 3), 8 * level, np.uint8))[1].tobytes()
        pictures.append(
            b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(encoded) + encoded + b"\r\n"
        )

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=part\r\n\r\n")
        for picture in pictures:
            connection.sendall(picture)
            time.sleep(0.02)
        time.sleep(0.5)

    with Stream(camera(behave).address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 20)
    levels = [int(f.image[20, 20, 0]) for f in frames]
    assert levels == sorted(levels)
    assert abs(levels[-1] - levels[0] - 8 * 19) < 30
    assert (np.diff([f.time for f in frames]) > 0).all()


@pytest.mark.real
@pytest.mark.parametrize("name", ["odd_rotated_person.mp4", "sign_eat.mkv"])
def test_a_file_gives_the_pictures_that_video_gives(clips: Path, name: str) -> None:
    with Video(clips / name) as video:
        clip = video[:]
    with Stream(clips / name, play_live=False) as stream:
        frames = list(stream)
    assert len(frames) == len(clip)
    assert all(np.array_equal(f.image, image) for f, image in zip(frames, clip.images, strict=True))
    np.testing.assert_allclose([f.time for f in frames], clip.times - clip.times[0], atol=1e-6)


def test_a_picture_over_the_limit_is_refused_for_good(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(30), then=5))
    with (
        Stream(server.address, limits=Limits(width=32), **QUICK) as stream,
        pytest.raises(SourceLost, match="limit"),
    ):
        list(stream)


def test_a_slow_consumer_loses_the_oldest(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(50), then=10))
    with Stream(server.address, queue_size=5, **QUICK) as stream:
        deadline = time.monotonic() + 5
        while stream.metrics.frames < 40 and time.monotonic() < deadline:
            time.sleep(0.02)
        frames = take(stream, 5)
        metrics = stream.metrics
    assert metrics.frames == metrics.dropped + 5 + metrics.queue_depth
    assert metrics.dropped >= 35
    assert frames[-1].index == metrics.frames - 1 - metrics.queue_depth
    assert [f.index for f in frames] == list(range(frames[0].index, frames[0].index + 5))


@pytest.mark.parametrize("second", [4000.0, 0.2, WRAP - 5])
def test_jumping_time_stamps_start_an_epoch(camera: Callable[..., Camera], second: float) -> None:
    server = camera(sends(transport_stream(30, start=1000.0) + transport_stream(30, start=second), then=5))
    with Stream(server.address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 50)
    times = np.array([f.time for f in frames])
    assert (np.diff(times) > 0).all()
    assert times[-1] < 10
    assert max(f.epoch for f in frames) >= 1


def test_another_picture_size_is_a_new_epoch(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(30), then=0.1), sends(transport_stream(30, size=(96, 64)), then=5))
    with Stream(server.address, queue_size=100, **QUICK) as stream:
        frames = take(stream, 50)
    shapes = {f.epoch: f.image.shape for f in frames}
    assert shapes == {0: (48, 64, 3), 1: (64, 96, 3)}


def test_a_frozen_picture_is_told(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(100, still=True), pace=0.05, then=5))
    with Stream(server.address, frozen_s=0.3, queue_size=200, **QUICK) as stream:
        deadline = time.monotonic() + 5
        while not stream.metrics.frozen:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert stream.state is StreamState.LIVE


def test_stop_ends_a_waiting_read_at_once(camera: Callable[..., Camera]) -> None:
    server = camera(sends(transport_stream(30), then=60))
    stream = Stream(server.address)
    take(stream, 10)
    began = time.monotonic()
    stream.stop()
    stream.stop()
    assert time.monotonic() - began < 2
    assert list(stream) == []
    assert stream.state is StreamState.STOPPED


def test_many_reconnects_leak_nothing(camera: Callable[..., Camera]) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list open files")
    server = camera(*[sends(transport_stream(10)), resets, says("500 Oops")] * 8, sends(transport_stream(50), then=5))
    before = len(list(descriptors.iterdir()))
    with Stream(server.address, queue_size=500, **QUICK | {"retry_most_s": 0.05}) as stream:
        deadline = time.monotonic() + 20
        while stream.metrics.reconnects_1h < 24:
            assert time.monotonic() < deadline, stream.metrics
            time.sleep(0.02)
        take(stream, 60)
        assert len(list(descriptors.iterdir())) <= before + 6  # the line and the server's end of it
    assert stream.metrics.epoch == 8


def test_one_dead_camera_does_not_touch_the_others(camera: Callable[..., Camera]) -> None:
    alive, dead = camera(sends(transport_stream(50), then=5)), camera(resets)
    with Stream(dead.address, **QUICK) as bad, Stream(alive.address, queue_size=100, **QUICK) as good:
        assert len(take(good, 45)) == 45
        assert bad.state in (StreamState.RECONNECTING, StreamState.CONNECTING)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.ts"
    path.write_bytes(transport_stream(25, start=3.0))
    return path


def test_a_file_played_live_keeps_its_pace(film: Path) -> None:
    began = time.monotonic()
    with Stream(film, queue_size=100) as stream:
        frames = list(stream)
        took = time.monotonic() - began
        assert stream.state is StreamState.STOPPED
    assert len(frames) == 25
    assert 0.9 < took < 3
    np.testing.assert_allclose([f.time for f in frames], np.arange(25) / 25, atol=1e-4)


def test_a_file_read_at_once_loses_nothing(film: Path) -> None:
    with Stream(film, play_live=False, queue_size=2) as stream:
        frames = []
        for frame in stream:
            time.sleep(0.005)
            frames.append(frame)
    assert [f.index for f in frames] == list(range(25))
    assert stream.metrics.dropped == 0


def test_wrong_requests(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Stream(tmp_path / "absent.mp4")
    with pytest.raises(ConfigError):
        Stream("http://a/b", stall_s=5, lost_s=1)
    with pytest.raises(ConfigError):
        Stream("http://a/b", queue_size=0)
    with Stream("/dev/video99", attempts=1) as stream, pytest.raises(SourceLost):
        list(stream)


def test_masks() -> None:
    text = "rtsp://admin:p%40ss@cam:554/x?user=me&password=abc&token=t0ken1 failed; http://u@h/ ok"
    hidden = masked(text)
    for secret in ("admin", "p%40ss", "abc", "t0ken1", "u@h"):
        assert secret not in hidden
    assert "cam:554/x" in hidden


# --- the parts, with a clock of our own ---------------------------------------------------------------------------


def test_delays_double_with_jitter_and_start_anew() -> None:
    machine = Machine(0.0, stall=5, seed=7)
    now, delays = 0.0, []
    for _ in range(9):
        delay = machine.fail(now, StreamState.RECONNECTING, "gone")
        assert delay is not None
        delays.append(delay)
        now += delay
    assert all(abs(d / min(60, 2**k) - 1) <= 0.2 for k, d in enumerate(delays))
    assert len({round(d / min(60, 2**k), 6) for k, d in enumerate(delays)}) == 9
    for second in range(70):
        machine.frame(now + second)
    again = machine.fail(now + 70, StreamState.RECONNECTING, "gone")
    assert again is not None
    assert again <= 1.2
    assert machine.reconnects(now + 70) == 10
    assert machine.reconnects(now + 4000) == 0


def test_a_short_life_does_not_reset_the_delay() -> None:
    machine = Machine(0.0, stall=5, jitter=0.0)
    delays = []
    for attempt in range(4):
        machine.frame(10.0 * attempt)
        delays.append(machine.fail(10.0 * attempt + 5, StreamState.RECONNECTING, "gone"))
    assert delays == [1, 2, 4, 8]
    assert machine.fail(100, StreamState.FAILED_AUTH, "no") == 300
    assert machine.fail(500, StreamState.FAILED_DNS, "no") == 300


def test_stalls_follow_the_clock() -> None:
    machine = Machine(0.0, stall=5)
    machine.frame(1.0)
    assert machine.look(5.9) is StreamState.LIVE
    assert machine.look(6.1) is StreamState.STALLED
    machine.frame(7.0)
    assert machine.look(7.0) is StreamState.LIVE
    machine.stop(8.0)
    machine.frame(9.0)
    assert machine.look(100.0) is StreamState.STOPPED
    assert machine.fail(100.0, StreamState.RECONNECTING, "x") is None


def run(timeline: Timeline, stamps: list[float], arrivals: list[float]) -> list[tuple[int, float, int]]:
    out = []
    for i, (stamp, arrival) in enumerate(zip(stamps, arrivals, strict=True)):
        out += timeline.add(i, Fraction(round(stamp * 90_000), 90_000), arrival)
    return out + timeline.flush()


def test_a_33_bit_wrap_goes_on() -> None:
    count = 50
    stamps = [(WRAP - 1 + i / 25) % WRAP for i in range(count)]
    out = run(Timeline(), stamps, [i / 25 for i in range(count)])
    np.testing.assert_allclose([t for _, t, _ in out], np.arange(count) / 25, atol=1e-4)
    assert {e for _, _, e in out} == {0}


def test_disorder_and_duplicates() -> None:
    order = [0, 2, 1, 3, 3, 5, 4, 6, 7, 2, 8]
    timeline = Timeline(window=2)
    out = run(timeline, [i / 25 for i in order], [k / 25 for k in range(len(order))])
    np.testing.assert_allclose([t for _, t, _ in out], np.arange(9) / 25, atol=1e-9)
    assert timeline.counts.duplicates == 2
    assert timeline.counts.reordered == 2
    assert timeline.counts.late == 0
    late = Timeline(window=1)
    run(late, [0.0, 0.04, 0.08, 0.12, 0.02], [0, 0.04, 0.08, 0.12, 0.16])
    assert late.counts.late == 1


def test_a_gap_in_real_time_is_no_jump() -> None:
    out = run(Timeline(), [0.0, 0.04, 8.0, 8.04], [0.0, 0.04, 8.0, 8.04])
    assert {e for _, _, e in out} == {0}
    out = run(Timeline(), [0.0, 0.04, 8.0, 8.04], [0.0, 0.04, 0.08, 0.12])
    assert [e for _, _, e in out] == [0, 0, 1, 1]


def test_sources_without_time_stamps_use_the_clock() -> None:
    timeline = Timeline(window=0)
    out = [t for i in range(5) for t in timeline.add(i, None, 100 + i * 0.1)]
    np.testing.assert_allclose([t for _, t, _ in out], np.arange(5) * 0.1, atol=1e-9)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0.04, 0.04, 0.04, 0.0, -0.04, 0.08, 30.0, -30.0, 3600.0, WRAP, -WRAP, -1e5]),
            st.floats(0, 3),
            st.booleans(),
        ),
        max_size=60,
    ),
    window=st.integers(0, 4),
)
def test_times_never_go_back(steps: list[tuple[float, float, bool]], window: int) -> None:
    timeline = Timeline(window=window)
    stamp, arrival, out = 50_000.0, 0.0, []
    for i, (step, wait, cut) in enumerate(steps):
        stamp, arrival = (stamp + step) % WRAP, arrival + wait
        if cut and step == 0.08:
            out += timeline.cut()
        out += timeline.add(i, Fraction(round(stamp * 90_000), 90_000), arrival)
    out += timeline.flush()
    assert all(b > a for a, b in zip([t for _, t, _ in out], [t for _, t, _ in out][1:], strict=False))
    assert all(b >= a for a, b in zip([e for _, _, e in out], [e for _, _, e in out][1:], strict=False))
    counts = timeline.counts
    assert len(out) + counts.late + counts.duplicates == len(steps)


def test_frozen() -> None:
    frozen = FrozenPicture(5.0)
    image = np.zeros((9, 9, 3), np.uint8)
    assert not frozen.look(image, 0.0)
    assert not frozen.look(image, 4.9)
    assert frozen.look(image, 5.1)
    assert not frozen.look(image + 1, 5.2)
