"""Tiny videos, made once: two seconds that brighten evenly from black to white."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from onlooker.video import VideoWriter


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Twenty frames at ten a second, frame i of brightness 12 i."""
    path = tmp_path_factory.mktemp("video") / "ramp.mp4"
    with VideoWriter(path, 64, 48, rate=10) as writer:
        for i in range(20):
            writer.write(np.full((48, 64, 3), 12 * i, np.uint8))
    return path


@pytest.fixture(scope="session")
def place(video):
    """`place(path, number)`: a video of its own content at a path."""

    def put(path, number=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        number = sum(str(path.name).encode()) if number is None else number
        # bytes behind the last box of an MP4 are ignored, and make the content another one
        path.write_bytes(video.read_bytes() + bytes(8) + number.to_bytes(4, "little"))
        return path

    return put


@pytest.fixture(scope="session")
def frames():
    """`frames(folder, count, pattern)`: a folder of images, image i of brightness 10 i, wrapped at 250."""

    def put(folder, count, pattern="img_{:05d}.jpg", first=1):
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(np.full((36, 48, 3), 10 * i % 250, np.uint8)).save(folder / pattern.format(i + first))
        return folder

    return put
