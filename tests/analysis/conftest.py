"""A small moving scene as a video file, and a runner for the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from onlooker.video.sound import Sound
from onlooker.video.writer import VideoWriter


def write_scene(path: Path, *, frames: int, rate: float = 10.0, size: tuple[int, int] = (160, 120)) -> Path:
    """Two bright figures that cross a textured ground, with a tone that grows louder."""
    width, height = size
    ground = np.random.default_rng(3).integers(60, 120, (height, width, 3), dtype=np.uint8)
    seconds = frames / rate
    time = np.arange(int(seconds * 16_000)) / 16_000
    tone = (np.sin(2 * np.pi * 440 * time) * time / seconds / 2).astype(np.float32)[:, None]
    with VideoWriter(
        path, width, height, rate=rate, sound=Sound(tone, 16_000, 0.0, np.ones(len(tone), bool))
    ) as writer:
        for k in range(frames):
            image = ground.copy()
            for phase, color in ((0.0, (220, 40, 40)), (0.5, (40, 60, 220))):
                x = int(((k / 60 + phase) % 1.0) * (width - 16))
                image[height // 3 : height - 20, x : x + 16] = color
            writer.write(image)
    return path


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Path:
    """Sixty seconds: several units of work."""
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.mp4", frames=600)


@pytest.fixture(scope="session")
def short(tmp_path_factory) -> Path:
    """Three seconds."""
    return write_scene(tmp_path_factory.mktemp("short") / "short.mp4", frames=30)


@pytest.fixture
def onlooker():
    """Runs the command line; gives the finished process."""

    def call(*arguments, **options):
        command = [sys.executable, "-m", "onlooker", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    return call
