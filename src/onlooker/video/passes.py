"""One open container and decoder on its way through the packets of an index."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

import av

from onlooker.errors import SourceTimeout
from onlooker.video.index import FrameIndex
from onlooker.video.limits import Limits
from onlooker.video.packets import choose, detect_damage, number_packet, packets
from onlooker.video.source import Source

SLACK = 8
"""Packets that are rather decoded than jumped over."""
_SEEK_BACK = (0.0, 2.0, 10.0)
"""Seconds before the wanted packet that a seek aims at, in turn, until reading meets the packet."""


@dataclass(slots=True)
class Step:
    """What came of sending one packet (`sent`; None for the final drain): pictures by ordinal, and what went wrong."""

    sent: int | None
    pictures: list[tuple[int, Any]] = field(default_factory=list)
    flagged: set[int] = field(default_factory=set)
    failed: bool = False


class Pass:
    """A decoder that can be placed at any packet and then goes forward, packet by packet.

    Pictures are matched to packets by number, see `number_packet`.
    """

    def __init__(self, source: Source, index: FrameIndex, threads: int, limits: Limits) -> None:
        self._source, self._index, self._threads, self._limits = source, index, threads, limits
        self._container: Any = None
        self._stream: Any = None
        self._reading: Iterator[tuple[int, Any]] | None = None
        self.ready: dict[int, Any] = {}
        """Pictures that came out and were not asked for yet, by frame."""
        self.waiting: dict[int, None] = {}
        """Ordinals that were sent and must still come out, ascending."""
        self.next = -1
        """The ordinal that is sent next; -1 before the first `go_to`."""
        self.drained = True
        self.visits = 0
        """How often `go_to` was called."""
        self._start = 0
        self._sick = False  # after damage, flushing leaves traces in FFmpeg's H.264 decoder: it has to be a new one

    def can_continue(self, frame: int, anchor: int) -> bool:
        """Whether going forward gives `frame`, with no key packet far ahead on the way."""
        ordinal = int(self._index.ordinal[frame])
        if frame in self.ready or ordinal in self.waiting:
            return True
        if self.drained or int(self._index.group[ordinal]) < self._start:
            return False
        return ordinal >= self.next and anchor <= self.next + SLACK

    def go_to(self, ordinal: int) -> None:
        """Make `ordinal` the next packet that is decoded, with a decoder that knows nothing from before."""
        self.visits += 1
        if self._container is not None and not self.drained:
            self.drain()  # what is still on its way may be damaged
        self._stop_reading()
        self.ready.clear()
        self.waiting.clear()
        if self._sick:
            self.close()
        if not (self._container is not None and self._index.seekable and self._seek(ordinal)):
            self._open()
            if not (ordinal > 0 and self._index.seekable and self._seek(ordinal)):
                if ordinal > 0:
                    self._open()
                self._reading = self._numbered(packets(self._container, self._stream), 0, ordinal)
        self.next, self.drained = ordinal, False
        self._start = int(self._index.group[ordinal])
        self._began, self._spent = ordinal, 0.0

    def _open(self) -> None:
        self.close()
        self._container = self._source.open()
        self._stream = choose(self._container, self._index.stream)
        context = self._stream.codec_context
        context.thread_count = self._threads
        context.thread_type = "AUTO"
        detect_damage(context, strict=self._index.strict)

    def _seek(self, ordinal: int) -> bool:
        """Seek until reading meets the packet; where the container lands is compared, not trusted."""
        index = self._index
        place = (int(index.packet_pos[ordinal]), int(index.packet_size[ordinal]))
        for seconds in _SEEK_BACK:
            try:
                self._container.seek(
                    int(index.packet_dts[ordinal]) - round(seconds / index.time_base), stream=self._stream
                )
            except av.FFmpegError:
                return False
            reading = packets(self._container, self._stream)
            for packet in reading:
                if (packet.pos, packet.size) == place:
                    self._reading = self._numbered(reading, ordinal, ordinal, packet)
                    return True
                if packet.pos is not None and packet.pos > place[0]:
                    break
        return False

    @staticmethod
    def _numbered(reading: Iterator[Any], number: int, start: int, first: Any = None) -> Iterator[tuple[int, Any]]:
        """Packets from `start` on with their ordinals; `first` was read already."""
        if first is not None:
            yield number, first
            number += 1
        for count, packet in enumerate(reading, number):
            if count >= start:
                yield count, packet

    def step(self, wanted: Container[int] | None = None) -> Step:
        """Send the next packet, or drain the decoder behind the last one.

        With `wanted` (ordinals) a picture outside it to which no other refers is passed over.
        """
        assert self._reading is not None, "go_to comes first"
        number, packet = next(self._reading, (len(self._index.packet_pts), None))
        if packet is None or number >= len(self._index.packet_pts):
            return self.drain()
        self.next = number + 1
        if packet.size == 0:
            return Step(number)
        index = self._index
        if wanted is not None and index.packet_disposable[number] and number not in wanted:
            return Step(number)
        if not index.packet_skip[number] and index.group[number] >= self._start:
            self.waiting[number] = None
        number_packet(packet, number)
        step = self._decode(packet, number)
        step.failed |= bool(index.packet_damaged[number])
        return step

    def drain(self) -> Step:
        """Give what the decoder still holds. Going forward ends here; `go_to` starts anew."""
        if self.drained:
            return Step(None)
        self.drained = True
        return self._decode(None, None)

    def _decode(self, packet: Any, number: int | None) -> Step:
        step = Step(number)
        began = time.monotonic()
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.FFmpegError:
            frames, step.failed = [], True
        self._spent += time.monotonic() - began
        if self._spent > self._limits.wall_seconds:
            self._check_time()
        for picture in frames:
            ordinal = picture.pts
            if ordinal is None or not 0 <= ordinal < len(self._index.packet_pts):
                step.failed = True
                continue
            self.waiting.pop(ordinal, None)
            if self._index.group[ordinal] < self._start:
                continue  # leads into the key frame we started at: its other reference was never decoded
            step.pictures.append((ordinal, picture))
            if picture.is_corrupt:
                step.flagged.add(ordinal)
        self._sick |= step.failed or bool(step.flagged)
        return step

    def _check_time(self) -> None:
        """Refuse to go on when decoding takes far longer than playing would."""
        pts, limits = self._index.packet_pts, self._limits
        media = abs(int(pts[self.next - 1]) - int(pts[self._began])) * float(self._index.time_base)
        if self._spent > limits.wall_seconds + limits.wall_factor * media:
            raise SourceTimeout(
                f"{self._source.name}: decoding {media:.1f} s of video took {self._spent:.0f} s. "
                "Pass Limits(wall_factor=...) if this file is worth waiting for."
            )

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.close()  # type: ignore[attr-defined]
            self._reading = None

    def close(self) -> None:
        """Free the decoder, its threads and the descriptor."""
        self._stop_reading()
        self.ready.clear()
        self.waiting.clear()
        self.drained, self._sick = True, False
        if self._stream is not None:
            # Frees wait for the decoder's threads with the interpreter locked, and one that has something to log
            # waits for the interpreter: let them finish first, with it unlocked.
            self._stream.codec_context.flush_buffers()
            self._stream = None
        if self._container is not None:
            self._container.close()
            self._container = None
