"""Clips for measuring speed: textured motion with a number in every frame, and an hour made by copying packets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from onlooker.video.conformance.corpus import default_cache
from onlooker.video.conformance.encode import BITEXACT, Recipe, write_video
from onlooker.video.conformance.numbers import Image, draw

VERSION = 1
RATE = Fraction(25)


@dataclass(frozen=True)
class SpeedClip:
    """A clip to be read: its frames carry the numbers 0, 1, 2, ..."""

    name: str
    width: int
    height: int
    frames: int
    gop: int

    def make(self, cache: Path | None = None) -> Path:
        """The file, encoded if the cache does not hold it yet."""
        return _kept(f"{self.name}.mp4", cache, self._write)

    def _write(self, path: Path) -> None:
        # B-frames, CABAC and deblocking, as in files from the net; the texture keeps the decoder busy
        options = (("preset", "veryfast"), ("crf", "24"), ("threads", "0"))
        scene = _Scene(self.width, self.height)
        write_video(
            path,
            Recipe(
                width=self.width,
                height=self.height,
                frames=self.frames,
                rate=RATE,
                gop=self.gop,
                bframes=2,
                options=options,
                paint=scene.paint,
            ),
        )


def hour(kind: str, seconds: int, width: int, height: int, cache: Path | None = None, *, rate: Fraction = RATE) -> Path:
    """A video of `seconds`, made by copying 250 frames again and again into a container of `kind`."""
    name = f"hour_{seconds}_{width}x{height}_{rate.numerator}_{rate.denominator}.{kind}"
    return _kept(name, cache, lambda path: _loop(path, kind, seconds, width, height, rate))


class _Scene:
    """A coloured texture that drifts behind the number."""

    def __init__(self, width: int, height: int) -> None:
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (height // 8 + 2, width // 4, 3), np.uint8)
        self._wide = cv2.resize(coarse, (4 * width, height), interpolation=cv2.INTER_CUBIC)

    def paint(self, number: int, width: int, height: int) -> Image:
        left = number * 3 % (3 * width)
        behind = self._wide[:, left : left + width]
        return np.asarray(cv2.addWeighted(draw(number, width, height), 0.7, behind, 0.3, 0), np.uint8)


def _loop(path: Path, kind: str, seconds: int, width: int, height: int, rate: Fraction) -> None:
    block = path.with_name("block.mp4")
    frames = 250
    scene = _Scene(width, height)
    options = (("preset", "veryfast"), ("crf", "30"))
    recipe = Recipe(width=width, height=height, frames=frames, rate=rate, gop=frames, bframes=2, options=options)
    write_video(block, recipe.with_(paint=scene.paint))
    form = {"mkv": "matroska", "ts": "mpegts"}.get(kind, kind)
    with av.open(str(block)) as source, av.open(str(path), "w", format=form, options=BITEXACT) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        base = stream.time_base
        packets = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in source.demux(stream) if p.size]
        length = round(frames / rate / base)
        for turn in range(round(seconds * rate / frames)):
            for data, pts, dts, duration, key in packets:
                packet = av.Packet(data)
                packet.pts, packet.dts, packet.duration = pts + turn * length, dts + turn * length, duration
                packet.time_base, packet.stream, packet.is_keyframe = base, copy, key
                target.mux(packet)
    block.unlink()


def _kept(name: str, cache: Path | None, write: Callable[[Path], None]) -> Path:
    folder = (cache or default_cache()) / f"speed-v{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        unfinished = folder / f".making-{os.getpid()}-{name}"
        write(unfinished)
        os.replace(unfinished, path)
    return path
