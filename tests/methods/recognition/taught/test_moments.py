"""What is cut from trajectories followed once is what following the part alone would give."""

from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
import torch

from onlooker.methods.recognition.dense_trajectories import CHANNELS, Config, Extractor
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
from onlooker.methods.recognition.taught.model import Head
from onlooker.methods.recognition.taught.moments import Followed, spans, views

torch.set_num_threads(1)


def drifting(frames: int, height: int = 60, width: int = 80) -> np.ndarray:
    """Two textures side by side that go by in different directions, RGB."""
    rng = np.random.default_rng(0)
    left, right = (cv2.GaussianBlur(rng.uniform(0, 255, (150, 200)), (0, 0), 2.0) for _ in range(2))
    left, right = (((part - part.mean()) * 6 + 128).clip(0, 255).astype(np.uint8) for part in (left, right))
    images = np.empty((frames, height, width, 3), np.uint8)
    for t in range(frames):
        images[t, :, : width // 2] = np.roll(left, (t, 2 * t), (0, 1))[40 : 40 + height, 40 : 40 + width // 2, None]
        images[t, :, width // 2 :] = np.roll(right, -2 * t, 0)[40 : 40 + height, 40 : 40 + width - width // 2, None]
    return images


def follow(images: np.ndarray) -> Followed:
    extractor = Extractor(Config(compensate=False, scales=1))
    found, _ = extractor.step(images, extractor.init_state())
    return Followed(found, len(images), images.shape[2], images.shape[1])


@pytest.fixture(scope="module")
def whole() -> Followed:
    return follow(drifting(40))


def test_a_window_holds_what_begins_and_ends_in_it(whole: Followed) -> None:
    part = whole.window(8, 30)
    assert part.frames == 22
    assert part.found.frame.min() == 8 + 15
    assert part.found.frame.max() == 29
    born = part.found.frame - 15
    assert born.min() >= 8
    ends = whole.found.frame
    assert len(part.found) == int(((ends >= 23) & (ends < 30)).sum()) > 20


def test_squares_share_out_the_long_side(whole: Followed) -> None:
    parts = list(views(whole, flip=False))
    assert [(part.width, part.height) for part in parts] == [(60, 60)] * 3
    for part, start in zip(parts, (10, 4, 16), strict=True):
        x = part.found.mean[:, 0]
        assert start <= x.min()
        assert x.max() < start + 60
    upright = replace(whole, width=60, height=62)
    assert len(list(views(upright, flip=False))) == 1
    assert len(list(views(whole, flip=True))) == 6


def test_a_mirrored_video_gives_mirrored_trajectories(whole: Followed) -> None:
    """80 pixels are sixteen whole cells, so that points start at mirrored places too."""
    ours, theirs = whole.mirrored().found, follow(np.ascontiguousarray(drifting(40)[:, :, ::-1])).found
    assert len(ours) == pytest.approx(len(theirs), rel=0.15)  # flow has less to go by at the right border

    keys = [
        {tuple(key): at for at, key in enumerate(np.column_stack((f.frame, f.points[:, 0].round())).tolist())}
        for f in (ours, theirs)
    ]
    both = sorted(set(keys[0]) & set(keys[1]))
    assert len(both) > 0.6 * len(theirs)
    a, b = (f.pick(np.array([key[k] for k in both])) for f, key in zip((ours, theirs), keys, strict=True))
    for name in CHANNELS:
        apart = np.abs(a.channel(name) - b.channel(name))
        assert np.median(apart) < 0.01, name
        unturned = np.abs(whole.found.pick(np.array([keys[0][k] for k in both])).channel(name) - b.channel(name))
        assert apart.mean() < 0.5 * unturned.mean(), name


def test_a_mirror_in_a_mirror_shows_the_thing_itself(whole: Followed) -> None:
    twice = whole.mirrored().mirrored().found
    for field in fields(Trajectories):
        np.testing.assert_allclose(getattr(twice, field.name), getattr(whole.found, field.name), atol=1e-4)


def test_nothing_is_cut_from_nothing() -> None:
    nothing = Followed(Trajectories.none(), 40, 80, 60)
    assert [len(part.found) for part in views(nothing.window(0, 20), flip=True)] == [0] * 6


def test_windows_overlap_by_half_or_are_spread() -> None:
    assert spans(128, 64, 9) == [(0, 64), (32, 96), (64, 128)]
    assert spans(1000, 64, 3) == [(0, 64), (468, 532), (936, 1000)]
    assert spans(64, 64, 3) == [(0, 64)]
    assert all(0 <= a < b <= 70 for a, b in spans(70, 64, 9))


def test_where_nothing_moves_there_is_no_action() -> None:
    head = Head(6, 2, 0)
    head.centre.copy_(torch.ones(6) / 6)
    head.means.copy_(-head.project(torch.zeros(1, 6) + 1e-3))
    head.threshold.fill_(0.1)
    assert head.cosines(torch.zeros(1, 6)).abs().max() == 0
    assert int(head(torch.zeros(1, 6)).argmax()) == 2
