"""Teaching on real clips with the Fisher vectors of dense trajectories: copies changed in every way, and strangers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import onlooker as ol
from onlooker.analysis.augment import Change
from onlooker.analysis.teaching import teach
from onlooker.methods.recognition.recogniser import UNKNOWN
from onlooker.video import Video

torch.set_num_threads(1)

ACTIONS = {
    "juggling": "action_ball_juggling_720p.mp4",
    "pouring": "action_pouring_coffee_720p.mp4",
    "arm wrestling": "action_arm_wrestling.mp4",
    "signing help": "sign_help.mkv",
}
STRANGERS = ("action_cleaning_pool.mp4", "hands_bottles.mp4", "action_eye_makeup.avi")
CHANGES = {
    "faster": Change(speed=1.5),
    "slower": Change(speed=0.7),
    "cropped": Change(crop=(0.1, 0.15, 0.95, 1.0)),
    "darker": Change(gain=0.6, gamma=1.2),
    "noisy": Change(noise=10.0, seed=4),
}


def around_the_middle(path: Path, change: Change, seconds: float) -> np.ndarray:
    """A changed stretch of a clip, as frames."""
    with Video(path, on_corrupt="hold_last") as video:
        length = min(seconds * change.speed, video.index.end)
        start = (video.index.end - length) / 2
        return change.of_pictures(video.clip(start, start + length, frames=64, size=160).images)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_real_actions_are_told_apart_in_changed_copies_and_strangers_are_unknown(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    done = teach({label: [str(clips / name)] for label, name in ACTIONS.items()}, out, copies=4, moments=1, flip=False)
    assert done.right > 0.9
    assert done.warnings == ()
    model = ol.load(str(out))
    said = {
        (label, change): model.predict(around_the_middle(clips / name, how, 2.1)).top(1)[0][0]
        for label, name in ACTIONS.items()
        for change, how in CHANGES.items()
    }
    assert all(found in (label, UNKNOWN) for (label, _), found in said.items()), said
    assert sum(found == label for (label, _), found in said.items()) >= 15, said  # of 20
    for name in STRANGERS:
        assert model.predict(around_the_middle(clips / name, Change(), 2.1)).top(1)[0][0] == UNKNOWN, name
