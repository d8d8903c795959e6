"""Clips are followed once, at the rate of a classifier's windows, and cut in windows by moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from onlooker.analysis import following
from onlooker.analysis.augment import Change, refilmed
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.video import Video
from onlooker.video.writer import VideoWriter

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return open_recogniser("dense_trajectories", settings={"width": 48, "scales": 1, "compensate": False})


def write(path: Path, rate: int) -> Path:
    """Three seconds of a texture that goes by."""
    ground = np.random.default_rng(0).integers(0, 255, (24, 40), np.uint8).repeat(4, 0).repeat(4, 1)[..., None]
    with VideoWriter(path, 80, 64, rate=float(rate)) as writer:
        for t in range(3 * rate):
            writer.write(np.roll(ground, (t, 3 * t), (0, 1))[:64, :80].repeat(3, -1))
    return path


def test_frames_that_repeat_are_not_followed_and_windows_shrink_with_them(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    with Video(write(tmp_path / "slow.mp4", 10)) as video:
        whole, window = following.follow(recogniser, video, Change(), 0.0, 3.0)
        fast, shorter = following.follow(recogniser, video, Change(speed=5.0, noise=3.0), 0.0, 3.0)
        camera, short = following.follow(recogniser, video, Change(rate=5.0), 0.0, 3.0)
    assert (camera.frames, short) == (15, round(5 * recogniser.seconds))
    share = recogniser.spec.frames / recogniser.seconds * 3.0
    assert whole.frames == 30
    assert window == pytest.approx(recogniser.spec.frames * 30 / share, abs=1)
    assert (min(whole.width, whole.height), whole.width > whole.height) == (recogniser.spec.short_side, True)
    assert len(whole.found) > 20
    assert fast.frames == pytest.approx(share / 5, abs=1)
    assert shorter == recogniser.spec.frames


def test_vectors_by_moment_for_each_version(recogniser: Recogniser, tmp_path: Path) -> None:
    with Video(write(tmp_path / "clip.mp4", 30)) as video:
        versions = list(following.vectors(recogniser, video, refilmed(2, seed=1), 5, flip=True))
    assert len(versions) == 2
    moments = {look.moment for look in versions[0]}
    assert len(moments) > 1
    assert moments <= set(range(round(3.0 / recogniser.seconds) + 1))
    assert all(look.vector.shape == (recogniser.model.config.dim,) for version in versions for look in version)
    assert [look.mirrored for look in versions[0]] == [False, True] * (len(versions[0]) // 2)


def test_versions_follow_from_the_seed() -> None:
    found = refilmed(5, seed=2)
    assert found == refilmed(5, seed=2) != refilmed(5, seed=3)
    assert found[0].is_none
    assert all(change.speed > 1.1 and change.noise > 5 and not change.flip for change in found[1:])
    assert found[1].gain < 1 < found[3].gain
    assert [replace(change, rate=12.0) for change in found[1::2]] == found[2::2]
    assert refilmed(2, seed=2) == found[:2]


def test_of_a_slow_video_more_time_is_looked_at_and_no_slower_camera(tmp_path: Path) -> None:
    recogniser = open_recogniser("dense_trajectories", settings={"width": 48, "scales": 2, "compensate": False})
    changes = [Change(), Change(speed=1.4, rate=12.0)]
    found = {}
    for rate in (10, 30):
        with Video(write(tmp_path / f"{rate}.mp4", rate)) as video:
            found[rate] = list(following.vectors(recogniser, video, changes, 1, flip=False))
    assert found[10][1] == []
    assert found[30][1] != []
    windows = {rate: len(versions[0]) for rate, versions in found.items()}
    assert windows[10] > windows[30] > 0
