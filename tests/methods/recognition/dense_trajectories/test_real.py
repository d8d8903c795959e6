"""Real clips: copies changed in speed, crop, light and noise stay nearest to their originals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from onlooker.methods.loading import load
from onlooker.methods.recognition.dense_trajectories import Config, Extractor
from onlooker.video import Video

torch.set_num_threads(1)

ACTIONS = (
    "action_arm_wrestling.mp4",
    "action_cleaning_pool.mp4",
    "action_basketball.mp4",
    "action_eye_makeup.avi",
    "action_ball_juggling_720p.mp4",
    "action_pouring_coffee_720p.mp4",
    "sign_again.mkv",
    "sign_walk.mkv",
)
WIDTH, FRAMES = 160, 60

Images = NDArray[np.uint8]


def read(path: Path, start: int = 0) -> Images:
    with Video(path) as video:
        scale = 1.5 * WIDTH / max(video.info.width, video.info.height)
        size = (round(video.info.height * scale), round(video.info.width * scale))
        return video.read(range(start, min(start + FRAMES, len(video))), size=size).images


def faster(images: Images) -> Images:
    """Half as fast again: of each three frames two."""
    return images[np.arange(len(images)) % 3 != 2]


def cropped(images: Images) -> Images:
    """A window of 80 %, off the centre."""
    height, width = images.shape[1:3]
    return np.ascontiguousarray(images[:, height // 20 : height // 20 + height * 4 // 5, width // 8 : width * 37 // 40])


def darker(images: Images) -> Images:
    """Gamma 1.6 and two thirds of the light."""
    table = np.rint(255 * 0.67 * (np.arange(256) / 255) ** 1.6).astype(np.uint8)
    return table[images]


def noisy(images: Images) -> Images:
    """Gaussian noise of 8 grey levels, new in each frame."""
    noise = np.random.default_rng(0).normal(0, 8, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


CHANGES = {"faster": faster, "cropped": cropped, "darker": darker, "noisy": noisy}


def nearest(originals: torch.Tensor, copies: torch.Tensor) -> list[int]:
    """For each copy the original with the greatest cosine."""
    unit = [vectors / vectors.norm(dim=1, keepdim=True) for vectors in (originals, copies)]
    return (unit[1] @ unit[0].T).argmax(dim=1).tolist()


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_stays_nearest_to_its_original(clips: Path, change: str) -> None:
    model = load("dense_trajectories", settings={"width": WIDTH})
    videos = [read(clips / name) for name in ACTIONS]
    originals = torch.stack([model.features(video) for video in videos])
    copies = torch.stack([model.features(CHANGES[change](video)) for video in videos])
    assert nearest(originals, copies) == list(range(len(ACTIONS)))


@pytest.mark.real
def test_compensation_drops_the_ground_and_keeps_the_water_of_a_hand_held_clip(clips: Path) -> None:
    """The tiled edge of the pool moves with the camera alone, the rippled water with the net by itself."""
    images = read(clips / "action_cleaning_pool.mp4", 100)[:32]
    assert images.shape[1:3] == (181, 240)
    tiles, water = [], []
    for compensate in (False, True):
        extractor = Extractor(Config(compensate=compensate, scales=1))
        found, _ = extractor.step(images, extractor.init_state())
        x, y = found.mean.T
        tiles.append(int(((x > 139) & (x < 232) & (y > 109) & (y < 131)).sum()))
        water.append(int(((x > 52) & (x < 120) & (y > 98) & (y < 165)).sum()))
    assert tiles[0] > 100
    assert tiles[1] < 0.5 * tiles[0]
    assert water[1] > 0.9 * water[0] > 200


@pytest.mark.real
def test_a_still_camera_keeps_its_trajectories(clips: Path) -> None:
    images = read(clips / "pedestrians_vtest.mp4", 100)[:24]
    counts = []
    for compensate in (False, True):
        extractor = Extractor(Config(compensate=compensate, scales=1))
        counts.append(len(extractor.step(images, extractor.init_state())[0]))
    assert counts[0] > 20
    assert counts[1] > 0.9 * counts[0]
