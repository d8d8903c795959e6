"""Writing videos whose frames carry numbers, in every codec and container that the suite needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from onlooker.video.conformance.numbers import draw

Painter = Callable[[int, int, int], NDArray[np.uint8]]

# the same bytes on every run: no dates, no random identifiers, one encoder thread
BITEXACT = {"fflags": "+bitexact"}


@dataclass(frozen=True)
class Recipe:
    """How a numbered video is made. `ticks` are presentation times in units of `time_base`; empty: constant rate."""

    codec: str = "libx264"
    container: str = "mp4"
    width: int = 96
    height: int = 64
    frames: int = 48
    rate: Fraction = Fraction(25)
    gop: int = 12
    bframes: int = 0
    first: int = 0
    ticks: tuple[int, ...] = ()
    time_base: Fraction = Fraction(1, 12800)
    pix_fmt: str = "yuv420p"
    full_range: bool = False
    rotation: int = 0
    aspect: Fraction | None = None
    options: tuple[tuple[str, str], ...] = ()
    muxer: tuple[tuple[str, str], ...] = ()
    paint: Painter = draw

    def with_(self, **changes: Any) -> Recipe:
        """A copy with other values."""
        return replace(self, **changes)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.first + self.frames))

    def presentation(self) -> tuple[int, ...]:
        """Times of all frames in units of `time_base`."""
        if self.ticks:
            return self.ticks
        return tuple(round(k / self.rate / self.time_base) for k in range(self.frames))

    def times(self) -> tuple[float, ...]:
        """Seconds of all frames, counted from the first."""
        ticks = self.presentation()
        return tuple(float((tick - ticks[0]) * self.time_base) for tick in ticks)


SPEED = {
    "libx264": {"preset": "ultrafast", "crf": "18"},
    "libx265": {"preset": "ultrafast", "crf": "18"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "crf": "20", "b": "0"},
    "libvpx": {"cpu-used": "8", "deadline": "realtime", "crf": "10", "b": "2000000"},
    "libsvtav1": {"preset": "8", "crf": "10", "svtav1-params": "lp=1:aq-mode=0"},
    "mpeg4": {"qscale": "4"},
    "mpeg2video": {"b": "2000000"},
    "mjpeg": {"qscale": "3"},
}


def encoder_options(recipe: Recipe) -> dict[str, str]:
    """The encoder's options: quick settings, group size and B-frames in the encoder's own words, then the recipe's."""
    options = {"g": str(recipe.gop), "threads": "1", "flags": "+bitexact", **SPEED.get(recipe.codec, {})}
    if recipe.codec == "libx264":
        # macroblock trees differ from run to run in the last bits
        options["x264-params"] = (
            f"keyint={recipe.gop}:min-keyint={recipe.gop}:scenecut=0:bframes={recipe.bframes}:mbtree=0"
        )
    elif recipe.codec == "libx265":
        options["x265-params"] = (
            f"keyint={recipe.gop}:min-keyint={recipe.gop}:scenecut=0:bframes={recipe.bframes}"
            ":log-level=none:pools=none:frame-threads=1"
        )
    elif recipe.codec in ("mpeg4", "mpeg2video"):
        options["bf"] = str(recipe.bframes)
    for key, value in recipe.options:
        joined = key in ("x264-params", "x265-params", "flags") and key in options
        options[key] = f"{options[key]}{'' if key == 'flags' else ':'}{value}" if joined else value
    return options


def write_video(path: Path, recipe: Recipe) -> None:
    """Encode the recipe's frames to `path`."""
    with av.open(str(path), "w", format=_format(recipe), options={**BITEXACT, **dict(recipe.muxer)}) as output:
        stream = add_stream(output, recipe)
        for packet in encoded(stream, recipe):
            output.mux(packet)


def add_stream(output: Any, recipe: Recipe) -> Any:
    """A video stream for the recipe in an open output container."""
    stream = output.add_stream(recipe.codec, rate=recipe.rate, options=encoder_options(recipe))
    configure(stream.codec_context, recipe)
    if recipe.rotation:
        stream.set_display_rotation(recipe.rotation)
    if recipe.aspect is not None:
        stream.sample_aspect_ratio = recipe.aspect
    return stream


def configure(context: Any, recipe: Recipe) -> None:
    """Size, pixel format, clock and colour of an encoder."""
    context.width, context.height = recipe.width, recipe.height
    context.pix_fmt = recipe.pix_fmt
    context.time_base = recipe.time_base
    if recipe.full_range:
        context.color_range = 2
    if recipe.aspect is not None:
        context.sample_aspect_ratio = recipe.aspect


def encoded(encoder: Any, recipe: Recipe, ticks: Sequence[int] | None = None) -> Iterator[Any]:
    """Packets of all frames from a stream or a codec context, flushed at the end."""
    for number, tick in zip(recipe.numbers, ticks or recipe.presentation(), strict=True):
        yield from encoder.encode(picture(recipe, number, tick))
    yield from encoder.encode(None)


def picture(recipe: Recipe, number: int, tick: int) -> Any:
    """One frame ready for the encoder."""
    frame = av.VideoFrame.from_ndarray(recipe.paint(number, recipe.width, recipe.height), format="rgb24")
    matrix = {"dst_colorspace": "ITU601", "dst_color_range": "JPEG" if recipe.full_range else "MPEG"}
    if recipe.pix_fmt not in ("rgb24", "rgb8", "bgr8", "pal8", "gbrp", "bgr0"):
        frame = frame.reformat(format=recipe.pix_fmt, **matrix)
    elif recipe.pix_fmt != "rgb24":
        frame = frame.reformat(format=recipe.pix_fmt)
    frame.pts, frame.time_base = tick, recipe.time_base
    return frame


def _format(recipe: Recipe) -> str:
    return {"mkv": "matroska", "ts": "mpegts"}.get(recipe.container, recipe.container)
