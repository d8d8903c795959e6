"""Small videos, tiny weights that tell red pictures from blue ones, and a runner for the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from onlooker.video.sound import Sound
from onlooker.video.writer import VideoWriter
from onlooker.weights.inputs import InputSpec


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


COLOUR_SPEC = InputSpec(frames=4, stride=5, rate=10.0, short_side=32, crop=32, views=1)


def save_colours(path: Path) -> Path:
    """A TimeSformer whose last layer tells a red picture from a blue one, by least squares on its own features."""
    import torch

    from onlooker.methods.loading import load
    from onlooker.methods.recognition.contract import tiny_settings
    from onlooker.methods.registry import find
    from onlooker.weights.card import Card
    from onlooker.weights.saving import save_weights

    torch.manual_seed(0)
    settings = {**tiny_settings(find("timesformer")), "classes": 2}
    model = load("timesformer", settings=settings)
    generator = torch.Generator().manual_seed(1)
    clips, wanted = [], []
    for k in range(60):
        clip = torch.rand(4, 3, 32, 32, generator=generator)
        clip[:, 0 if k % 2 else 2] += 1.0
        clips.append((clip.clamp(0, 1.6) / 1.6 - 0.45) / 0.225)
        wanted.append([-6.0, 6.0] if k % 2 else [6.0, -6.0])
    with torch.no_grad():
        seen = model.features(torch.stack(clips))
        fit = torch.linalg.lstsq(torch.cat((seen, torch.ones(60, 1)), 1), torch.tensor(wanted)).solution
        model.head.weight.copy_(fit[:-1].T)
        model.head.bias.copy_(fit[-1])
    config = json.dumps(asdict(model.config))
    save_weights(
        path, model.state_dict(), Card("timesformer", "tiny", config=config, spec=COLOUR_SPEC, labels=("blue", "red"))
    )
    return path


def picture(red: bool, k: int, figure: bool | None = None) -> np.ndarray:
    """Noise of one colour; with `figure` a person-like block of the other or the same colour walks through."""
    image = np.random.default_rng(7).integers(0, 120, (72, 96, 3), dtype=np.uint8)
    image[..., 0 if red else 2] += 120 + k % 5 * 3
    if figure is not None:
        block = np.random.default_rng(5).integers(0, 120, (40, 40, 3), dtype=np.uint8)
        block[..., 0 if figure else 2] += 120
        image[16:56, 4 + k % 40 : 44 + k % 40] = block
    return image


@pytest.fixture(scope="session")
def colour_weights(tmp_path_factory) -> Path:
    """Classes blue and red; windows of two seconds, four frames of 32 pixels."""
    return save_colours(tmp_path_factory.mktemp("weights") / "colours.safetensors")


@pytest.fixture(scope="session")
def paint():
    """The function `picture`."""
    return picture


@pytest.fixture(scope="session")
def colours(tmp_path_factory) -> Path:
    """Four seconds of red, then four of blue."""
    path = tmp_path_factory.mktemp("colours") / "colours.mp4"
    with VideoWriter(path, 96, 72, rate=10.0) as writer:
        for k in range(80):
            writer.write(picture(k < 40, k))
    return path
