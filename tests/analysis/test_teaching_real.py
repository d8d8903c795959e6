"""Teaching on real clips with the Fisher vectors of dense trajectories: copies changed in every way, and strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import onlooker as ol
from onlooker.analysis.augment import Change
from onlooker.analysis.teaching import teach
from onlooker.methods.recognition.recogniser import UNKNOWN
from onlooker.video import Video
from onlooker.video.writer import VideoWriter

torch.set_num_threads(1)

ACTIONS = {
    "juggling": "action_ball_juggling_720p.mp4",
    "pouring": "action_pouring_coffee_720p.mp4",
    "arm wrestling": "action_arm_wrestling.mp4",
    "basketball": "action_basketball.mp4",
    "signing help": "sign_help.mkv",
}
CHANGES = {
    "faster": Change(speed=1.25),
    "slower": Change(speed=0.8),
    "cropped": Change(crop=(0.05, 0.15, 0.85, 0.95)),
    "darker": Change(gain=0.8, gamma=1.5),
    "brighter": Change(gain=1.2, gamma=0.75),
    "noisy": Change(noise=10.0, seed=4),
}
STRANGERS = (
    "hands_bottles.mp4",
    "sign_walk.mkv",
    "action_eye_makeup.avi",
    "action_cleaning_pool.mp4",
    "street_faces_1080p.mp4",
)
SECONDS, RATE, WIDTH = 2.2, 30, 240


def changed(source: Path, out: Path, change: Change) -> Path:
    """A file of what is seen in the middle of a clip, changed."""
    with Video(source, on_corrupt="hold_last") as video:
        length = min(SECONDS * change.speed, video.index.end)
        start = (video.index.end - length) / 2
        frames = round(length / change.speed * RATE)
        side = round(WIDTH * min(1.0, video.info.height / video.info.width))
        images = change.of_pictures(video.clip(start, start + length, frames=frames, size=side).images)
    height, width = (size // 2 * 2 for size in images.shape[1:3])
    with VideoWriter(out, width, height, rate=float(RATE)) as writer:
        for image in images:
            writer.write(np.ascontiguousarray(image[:height, :width]))
    return out


@pytest.fixture(scope="module")
def taught(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("taught") / "mine.safetensors"
    done = teach({label: [str(clips / name)] for label, name in ACTIONS.items()}, out)
    assert done.right > 0.9
    assert done.warnings == ()
    return ol.load(str(out))


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_real_actions_are_told_apart_in_changed_copies(clips: Path, taught: Any, tmp_path: Path) -> None:
    """A copy is little longer than a window, so one is enough."""
    wrong = {
        (label, how): said
        for label, name in ACTIONS.items()
        for how, change in CHANGES.items()
        if (said := _said_of(taught, changed(clips / name, tmp_path / "copy.mp4", change), 1)) != label
    }
    assert not wrong


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", STRANGERS)
def test_what_was_not_taught_is_unknown(name: str, clips: Path, taught: Any) -> None:
    assert _said_of(taught, clips / name, 3) == UNKNOWN


def _said_of(model: Any, source: Path, moments: int) -> str:
    return str(model.predict(source, clips=moments).top(1)[0][0])
