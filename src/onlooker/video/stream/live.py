"""`Stream`: frames of a live source, through stalls, reconnects and jumps of its clock."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from types import TracebackType
from typing import Any, Self

import av

from onlooker.errors import ConfigError, OnlookerError, SourceLost
from onlooker.video.color import Converter
from onlooker.video.frames import CONCEALED, OK
from onlooker.video.limits import Limits
from onlooker.video.orientation import Orientation
from onlooker.video.stream.connect import Body, Connection, Refused, connect, is_device, is_network, masked, refused
from onlooker.video.stream.machine import Machine, StreamState, Transition
from onlooker.video.stream.records import StreamFrame, StreamMetrics
from onlooker.video.stream.timeline import FrozenPicture, Timeline

_RATE_WINDOW = 10.0
_POLL = 0.2  # seconds between looks at the state while nothing comes


class Stream:
    """Frames of a camera or stream as they come; lost connections are taken up again.

    `source` is an address (rtsp, http(s), rtmp, srt, udp), a camera of this machine (its number, or "/dev/video0"), or
    a file, which is played at its own pace, or with `play_live=False` as fast as it is read and without dropping.
    States: see `StreamState`. A live source without a frame for `stall_s` seconds is STALLED, after `lost_s` it is
    connected to again, with growing delays (`retry_s` first, `retry_most_s` at most, 20 % jitter from `seed`); wrong
    credentials and unknown hosts are tried again every `denied_s`. After `attempts` failures in a row (None: never) the
    stream is FAILED. Each reconnect starts a new epoch. At most `queue_size` frames wait; for live sources the oldest
    is dropped then, and counted. `clock` is monotonic seconds.

    Iterating gives `StreamFrame`s until `stop`, or the end of a file; it raises SourceLost when the stream is FAILED.
    One consumer at a time. Leaving the `with` block stops and leaves no thread behind (a blocked RTSP read or camera
    may take until `lost_s` to end). No message holds credentials.

    >>> from onlooker.video.stream import Stream
    >>> with Stream("rtsp://user:secret@camera/main") as stream:            # doctest: +SKIP
    ...     for frame in stream:
    ...         print(frame.time, stream.metrics.state)
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | int,
        *,
        play_live: bool = True,
        stall_s: float = 5.0,
        lost_s: float = 20.0,
        frozen_s: float = 10.0,
        retry_s: float = 1.0,
        retry_most_s: float = 60.0,
        denied_s: float = 300.0,
        attempts: int | None = None,
        queue_size: int = 32,
        limits: Limits | None = None,
        seed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < stall_s <= lost_s:
            raise ConfigError(f"a stream needs 0 < stall_s <= lost_s, not {stall_s:g} and {lost_s:g}.")
        if queue_size < 1:
            raise ConfigError(f"queue_size is at least 1, not {queue_size}.")
        self._source = source if isinstance(source, int) else os.fspath(source)
        self.name = masked(str(self._source))
        self._is_file = not is_device(self._source) and not is_network(str(self._source))
        if self._is_file and not os.path.isfile(self._source):
            raise ConfigError(f"{os.path.basename(self.name)}: no such file, and no address of a stream either.")
        self._paced = self._is_file and play_live
        self._may_drop = not self._is_file or play_live
        self._lost, self._clock, self._limits = lost_s, clock, limits or Limits()
        self._machine = Machine(
            clock(), stall=stall_s, first=retry_s, longest=retry_most_s, denied=denied_s, attempts=attempts, seed=seed
        )
        self._timeline = Timeline(jump=1e9 if self._is_file else 2.0, window=0 if self._is_file else 2)
        self._frozen = FrozenPicture(frozen_s)
        self._queue: deque[StreamFrame] = deque()
        self._queue_size = queue_size
        self._change = threading.Condition()
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None
        self._body: Body | None = None
        self._connected_at = clock()
        self._size: tuple[int, int] | None = None
        self._converter = Converter()
        self._frames = self._dropped = self._damaged = 0
        self._came: deque[float] = deque(maxlen=10_000)
        self._went: deque[float] = deque(maxlen=10_000)

    # --- for the consumer -------------------------------------------------------------------------------------

    @property
    def state(self) -> StreamState:
        """The state now."""
        with self._change:
            return self._machine.look(self._clock())

    @property
    def history(self) -> list[Transition]:
        """The last changes of state, oldest first."""
        with self._change:
            self._machine.look(self._clock())
            return list(self._machine.history)

    @property
    def metrics(self) -> StreamMetrics:
        """A snapshot of the counters."""
        with self._change:
            now = self._clock()
            state, last, counts = self._machine.look(now), self._machine.last_frame, self._timeline.counts
            return StreamMetrics(
                state=state,
                message=self._machine.current.message,
                epoch=self._timeline.epoch,
                fps_in=_rate(self._came, now),
                fps_processed=_rate(self._went, now),
                frames=self._frames,
                dropped=self._dropped,
                late=counts.late,
                duplicates=counts.duplicates,
                reordered=counts.reordered,
                damaged=self._damaged,
                last_frame_age=None if last is None else now - last,
                reconnects_1h=self._machine.reconnects(now),
                queue_depth=len(self._queue),
                frozen=self._frozen.frozen,
            )

    def read(self, timeout: float | None = None) -> StreamFrame | None:
        """The next frame, or None after `timeout` seconds without one, or at the end. Raises SourceLost when FAILED."""
        self._start()
        until = None if timeout is None else self._clock() + timeout
        with self._change:
            while not self._queue:
                state = self._machine.look(self._clock())
                if state is StreamState.FAILED:
                    raise SourceLost(f"{self.name}: {self._machine.current.message}.")
                left = _POLL if until is None else min(_POLL, until - self._clock())
                if state is StreamState.STOPPED or left <= 0:
                    return None
                self._change.wait(left)
            frame = self._queue.popleft()
            self._went.append(self._clock())
            self._change.notify_all()
            return frame

    def __iter__(self) -> Iterator[StreamFrame]:
        while True:
            frame = self.read(timeout=_POLL)
            if frame is not None:
                yield frame
            elif self.state is StreamState.STOPPED:
                return

    def stop(self) -> None:
        """End the stream: state STOPPED, connection closed, thread gone. May be called from any thread, repeatedly."""
        self._halt.set()
        with self._change:
            self._machine.stop(self._clock(), "stopped")
            self._queue.clear()
            body = self._body
            self._change.notify_all()
        if body is not None:
            body.cut()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._lost + 1.0)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the thread that reads --------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._change:
            if self._thread is None and not self._machine.ended:
                self._thread = threading.Thread(target=self._run, name=f"stream {self.name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._halt.is_set():
            try:
                self._play()
                error = Refused(StreamState.RECONNECTING, "the source ended")
            except Refused as refusal:
                error = refusal
            except OnlookerError as refusal:
                error = Refused(StreamState.FAILED, masked(str(refusal)))
            except (OSError, av.FFmpegError) as problem:
                error = refused(problem)
            with self._change:
                self._deliver(self._timeline.cut())
                delay = self._after(error)
                self._change.notify_all()
            if delay is None:
                return
            self._halt.wait(delay)

    def _after(self, error: Refused) -> float | None:
        now = self._clock()
        if self._halt.is_set():
            return None
        if self._is_file:
            if str(error) == "the source ended":
                self._machine.stop(now, "the end of the file")
                return None
            return self._machine.fail(now, StreamState.FAILED, str(error))
        return self._machine.fail(now, error.kind, str(error))

    def _play(self) -> None:
        """Connect and read until the source ends or breaks."""
        connection = connect(self._source, patience=self._lost, on_open=self._remember)
        try:
            self._connected_at = self._clock()
            video = next(iter(connection.container.streams.video), None)
            if video is None:
                raise Refused(StreamState.RECONNECTING, "what the source sends has no video")
            self._limits.check_picture(video.codec_context.width, video.codec_context.height, self.name)
            video.thread_type = "SLICE"  # threads by frame would hold several frames back
            self._decode(connection, video)
        finally:
            with self._change:
                self._body = None
            connection.close()

    def _remember(self, body: Body) -> None:
        with self._change:
            self._body = body
        if self._halt.is_set():
            body.cut()

    def _decode(self, connection: Connection, video: Any) -> None:
        began: tuple[float, float] | None = None
        for packet in connection.container.demux():
            if self._halt.is_set():
                return
            if packet.stream is not video:
                self._check_silence()
                continue
            try:
                pictures = packet.decode()
            except av.InvalidDataError:
                with self._change:
                    self._damaged += 1
                pictures = []
            for picture in pictures:
                if self._paced and picture.time is not None:
                    began = began or (self._clock(), picture.time)
                    if self._halt.wait(max(0.0, began[0] + picture.time - began[1] - self._clock())):
                        return
                self._take(picture, damaged=picture.is_corrupt or packet.is_corrupt)
            self._check_silence()

    def _check_silence(self) -> None:
        """Packets come but no pictures: as good as nothing."""
        last = self._machine.last_frame
        since = self._connected_at if last is None else max(last, self._connected_at)
        if not self._is_file and self._clock() - since > self._lost:
            raise Refused(StreamState.RECONNECTING, f"no picture for {self._lost:g} s")

    def _take(self, picture: Any, *, damaged: bool) -> None:
        self._limits.check_picture(picture.width, picture.height, self.name)
        image = Orientation.of_picture(picture).apply(self._converter.rgb(picture))
        stamp = None if picture.pts is None else picture.pts * Fraction(picture.time_base)
        wall = datetime.now(UTC)
        with self._change:
            now = self._clock()
            self._came.append(now)
            self._machine.frame(now)
            self._damaged += damaged
            self._frozen.look(image, now)
            ready = []
            if self._size not in (None, image.shape[:2]):
                ready = self._timeline.cut()
            self._size = image.shape[:2]
            frame = StreamFrame(image, 0, 0.0, 0, CONCEALED if damaged else OK, wall)
            self._deliver(ready + self._timeline.add(frame, stamp, now))

    def _deliver(self, ready: list[tuple[StreamFrame, float, int]]) -> None:
        for frame, at, epoch in ready:
            while len(self._queue) >= self._queue_size and not self._may_drop and not self._halt.is_set():
                self._change.wait(_POLL)
            if self._halt.is_set():
                return
            if len(self._queue) >= self._queue_size:
                self._queue.popleft()
                self._dropped += 1
            self._queue.append(replace(frame, index=self._frames, time=at, epoch=epoch))
            self._frames += 1
        self._change.notify_all()


def _rate(moments: deque[float], now: float) -> float:
    recent = [m for m in moments if now - m <= _RATE_WINDOW]
    return (len(recent) - 1) / (now - recent[0]) if len(recent) > 1 and now > recent[0] else 0.0
