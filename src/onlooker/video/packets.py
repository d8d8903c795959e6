"""Reading the packets of one stream to the end, past damage in the container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
from av.stream import Discard

_MAX_FAILURES = 64
"""Consecutive read errors after which the rest of the file counts as lost."""


def packets(container: Any, stream: Any, state: dict[str, bool] | None = None) -> Iterator[Any]:
    """The packets of `stream` in file order; empty ones of a damaged container included, flush packets not.

    After a read error reading goes on behind it; where that is impossible `state["broken"]` becomes true.
    """
    failures = 0
    while True:
        reading = container.demux(stream)
        try:
            for packet in reading:
                if packet.size == 0 and packet.pts is None and packet.dts is None:
                    return  # the flush packet: end of file
                failures = 0
                yield packet
            return
        except av.FFmpegError:
            failures += 1
            if failures > _MAX_FAILURES:
                if state is not None:
                    state["broken"] = True
                return
        finally:
            reading.close()


def choose(container: Any, index: int) -> Any:
    """The stream `index` of an open container; the others are not read any more."""
    for stream in container.streams:
        if stream.index != index:
            stream.discard = Discard.all
    return container.streams[index]


def number_packet(packet: Any, number: int) -> None:
    """Send `number` through the decoder in place of the time stamps; the picture comes out with it as its `pts`.

    That matches pictures to packets also where time stamps repeat, are missing or wrong. Decoders don't use them.
    """
    packet.pts = packet.dts = number


def detect_damage(context: Any, *, strict: bool) -> None:
    """Let the decoder report what it can about damage; to be called before it decodes.

    `strict` makes the H.264 decoder refuse slices that don't end where their data ends. Some encoders write such
    slices, see `header.read_header`.
    """
    if strict and context.name == "h264":
        context.options = {"err_detect": "aggressive"}
    elif context.name == "mjpeg":  # else the rest of a damaged picture is whatever lay in memory
        context.options = {"err_detect": "explode"}
