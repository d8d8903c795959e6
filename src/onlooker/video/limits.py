"""What an input may cost before it is refused; every limit is checked before memory of that size is taken."""

from __future__ import annotations

from dataclasses import dataclass

from onlooker.errors import LimitExceeded

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one input. The defaults are meant for files from strangers; raise them for your own.

    Seconds, bytes, pixels and Hz. `memory_bytes` bounds one answer (a `Clip` or a `Sound`), `wall_factor` and
    `wall_seconds` bound one pass of decoding: at most `wall_factor` times the media time plus `wall_seconds`.

    >>> Limits(width=1920, height=1080).height
    1080
    """

    width: int = 8192
    height: int = 8192
    pixels: int = 40_000_000
    duration: float = 24 * 3600.0
    file_bytes: int = 20 * GIB
    streams: int = 16
    memory_bytes: int = GIB
    wall_factor: float = 10.0
    wall_seconds: float = 60.0
    audio_channels: int = 8
    audio_rate: int = 192_000

    def check_picture(self, width: int, height: int, name: str) -> None:
        """Refuse a picture size. Raises LimitExceeded."""
        _refuse("width", width, self.width, name, "pixels wide")
        _refuse("height", height, self.height, name, "pixels high")
        _refuse("pixels", width * height, self.pixels, name, f"pixels in a frame ({width}x{height})")

    def check_file(self, size: int, name: str) -> None:
        """Refuse a file size in bytes. Raises LimitExceeded."""
        _refuse("file_bytes", size, self.file_bytes, name, "bytes")

    def check_streams(self, count: int, name: str) -> None:
        """Refuse a number of streams. Raises LimitExceeded."""
        _refuse("streams", count, self.streams, name, "streams")

    def check_duration(self, seconds: float, name: str) -> None:
        """Refuse a length in seconds. Raises LimitExceeded."""
        _refuse("duration", seconds, self.duration, name, "seconds long")

    def check_audio(self, channels: int, rate: int, name: str) -> None:
        """Refuse a sound layout. Raises LimitExceeded."""
        _refuse("audio_channels", channels, self.audio_channels, name, "sound channels")
        _refuse("audio_rate", rate, self.audio_rate, name, "sound samples per second")

    def check_memory(self, size: int, name: str, hint: str) -> None:
        """Refuse an answer of `size` bytes. Raises LimitExceeded."""
        _refuse("memory_bytes", size, self.memory_bytes, name, f"bytes in one answer; {hint}")


def _refuse(limit: str, value: float, bound: float, name: str, unit: str) -> None:
    if value > bound:
        raise LimitExceeded(
            f"{name}: {value:g} {unit}; the limit is {bound:g}. Pass Limits({limit}=...) if you trust this file.",
            limit=limit,
            value=float(value),
        )
