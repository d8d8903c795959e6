"""Teaching on real clips with the Fisher vectors of dense trajectories: copies changed in every way, and strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
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
    "by a camera of 15 frames a second": Change(rate=15.0),
    "by a camera of 10 frames a second": Change(rate=10.0),
}
STRANGERS = (
    "hands_bottles.mp4",
    "sign_walk.mkv",
    "action_eye_makeup.avi",
    "action_cleaning_pool.mp4",
    "street_faces_1080p.mp4",
)
SECONDS, RATE, WIDTH = 2.2, 30.0, 240


def changed(source: Path, out: Path, change: Change) -> Path:
    """A file of what is seen in the middle of a clip, changed."""
    with Video(source, on_corrupt="hold_last") as video:
        length = min(SECONDS * change.speed, video.index.end)
        start = (video.index.end - length) / 2
        rate = min(RATE, change.rate)
        frames = round(length / change.speed * rate)
        side = round(WIDTH * min(1.0, video.info.height / video.info.width))
        images = change.of_pictures(video.clip(start, start + length, frames=frames, size=side).images)
    height, width = (size // 2 * 2 for size in images.shape[1:3])
    with VideoWriter(out, width, height, rate=rate) as writer:
        for image in images:
            writer.write(np.ascontiguousarray(image[:height, :width]))
    return out


@pytest.fixture(scope="module")
def weights(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("taught") / "mine.safetensors"
    done = teach({label: [str(clips / name)] for label, name in ACTIONS.items()}, out)
    assert done.right > 0.9
    assert done.warnings == ()
    return out


@pytest.fixture(scope="module")
def taught(weights: Path) -> Any:
    return ol.load(str(weights))


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


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_analysis_finds_the_part_of_a_long_video_that_shows_an_action(
    clips: Path, weights: Path, tmp_path: Path
) -> None:
    """Strangers at first (walkers at ten frames a second), then juggling, without a cut in the file's index."""
    out = tmp_path / "long.mp4"
    with VideoWriter(out, 320, 180, rate=10.0) as writer:
        for name, end in (("pedestrians_vtest.mp4", 5.0), (ACTIONS["juggling"], 5.0)):
            with Video(clips / name) as video:
                for image in video.clip(0.0, end, frames=50, size=180).images:
                    writer.write(cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA))
    run = ol.analyze(out, tmp_path, actions=str(weights), detector="none", annotate=False, report=False)
    ((label, start, end),) = [
        (row["label"], row["start"], row["end"])
        for row in run.segments.to_pylist()
        if row["source"].startswith("taught/")
    ]
    assert label == "juggling"
    assert start == pytest.approx(5.0, abs=0.6)
    assert end == pytest.approx(10.0, abs=1.2)


def _said_of(model: Any, source: Path, moments: int) -> str:
    return str(model.predict(source, clips=moments).top(1)[0][0])
