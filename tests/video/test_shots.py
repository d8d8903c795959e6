"""Cuts, dissolves and fades: real clips whose truth was read off the pictures, and synthetic ones with exact truth."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.video import Video
from onlooker.video.shot_features import difference, is_plain, mixture, thumbnail
from onlooker.video.shots import LOOKAHEAD, Boundary, find_shots, finish, init_state, step

SIZE = (90, 160)


def scene(seed: int, count: int, speed: float = 0.5) -> np.ndarray:
    """Frames of a textured place with a few coloured things moving in it."""
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.uniform(0, 255, (*SIZE, 3)).astype(np.float32), (0, 0), rng.uniform(3, 9))
    ground = (ground - ground.mean()) / ground.std() * 45 + rng.uniform(60, 190, 3)
    things = rng.uniform([10, 10, -1, -1, 6, 0, 0, 0], [80, 150, 1, 1, 20, 255, 255, 255], (4, 8))
    frames = np.empty((count, *SIZE, 3), np.uint8)
    for i in range(count):
        image = ground + rng.normal(0, 3, ground.shape)
        for y, x, dy, dx, radius, *colour in things:
            centre = (round(x + dx * speed * i) % SIZE[1], round(y + dy * speed * i) % SIZE[0])
            cv2.circle(image, centre, round(radius), [float(c) for c in colour], -1)
        frames[i] = np.clip(image, 0, 255)
    return frames


def dissolve(before: np.ndarray, after: np.ndarray, length: int) -> np.ndarray:
    weight = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
    mixed = before[-length:] * (1 - weight) + after[:length] * weight
    return np.concatenate([before[:-length], mixed.round().astype(np.uint8), after[length:]])


def fade_out(frames: np.ndarray, length: int, level: int = 0) -> np.ndarray:
    weight = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
    faded = frames.astype(np.float32)
    faded[-length:] = faded[-length:] * (1 - weight) + level * weight
    return faded.round().astype(np.uint8)


def find(images: np.ndarray, rate: float = 25.0, cuts: list[int] | None = None) -> list[Boundary]:
    """Boundaries of frames given in chunks that end at `cuts`."""
    state, found = init_state(), []
    edges = [0, *sorted(cuts or []), len(images)]
    for a, b in pairwise(edges):
        some, state = step(state, images[a:b], np.arange(a, b) / rate, np.arange(a, b))
        found += some
    return found + finish(state)


def in_video(path: Path, **options: Any) -> list[Boundary]:
    with Video(path, **options) as video:
        return find_shots(video.chunks(size=48, scale=180))


@pytest.mark.real
def test_the_four_cuts_of_the_montage(clips: Path) -> None:
    found = in_video(clips / "cuts_people_montage.mp4")
    assert [(b.index, b.kind) for b in found] == [(75, "cut"), (135, "cut"), (235, "cut"), (315, "cut")]
    assert [b.time for b in found] == pytest.approx([3.0, 5.4, 9.4, 12.6])
    assert all(b.start == b.end == b.index and b.score > 0.9 for b in found)


@pytest.mark.real
def test_cuts_and_fades_of_the_nature_clip(clips: Path) -> None:
    """Read off the pictures one by one: at 30 a leaf follows black with a caption, at 180 black follows the leaf; the
    deer fades in from 211 until 240 and out from 331 until 360; a second leaf fades in from 394 until 423 and dissolves
    into a grille from 529 until 558; the grille fades out from 664 until 693."""
    found = in_video(clips / "cuts_fades_nature.mp4")
    assert [b.kind for b in found] == ["cut", "cut", "fade", "fade", "fade", "dissolve", "fade"]
    truth = [(30, 30), (180, 180), (211, 240), (331, 360), (394, 423), (529, 558), (664, 693)]
    np.testing.assert_allclose([(b.start, b.end) for b in found], truth, atol=2)
    assert [b.index for b in found][:2] == [30, 180]
    np.testing.assert_allclose([b.index for b in found[2:]], [211, 360, 394, 543, 693], atol=2)


@pytest.mark.real
def test_a_dissolve_and_a_cut_elsewhere(clips: Path) -> None:
    found = in_video(clips / "multistream_nasa.mp4")
    assert [b.kind for b in found] == ["dissolve", "cut"]
    np.testing.assert_allclose([found[0].start, found[0].end, found[1].index], [150, 179, 240], atol=2)
    assert found[1].index == 240


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [
        "action_basketball.mp4",
        "action_cleaning_pool.mp4",
        pytest.param("action_ball_juggling_720p.mp4", marks=pytest.mark.slow),
        pytest.param("action_eye_makeup.avi", marks=pytest.mark.slow),
        pytest.param("action_pouring_coffee_720p.mp4", marks=pytest.mark.slow),
        "person_with_speech.mp4",
        "sign_again.mkv",
        pytest.param("street_faces_1080p.mp4", marks=pytest.mark.slow),
        "odd_vfr_people.mp4",
        pytest.param("pedestrians_vtest.mp4", marks=pytest.mark.slow),
        pytest.param("hands_bottles.mp4", marks=pytest.mark.slow),
        pytest.param("one_by_one_people.mp4", marks=pytest.mark.slow),
    ],
)
def test_one_shot_stays_one(clips: Path, name: str) -> None:
    assert in_video(clips / name, on_corrupt="hold_last") == []


@pytest.mark.real
def test_noise_size_and_coding_change_nothing(clips: Path) -> None:
    with Video(clips / "cuts_people_montage.mp4") as video:
        images = video.read(range(len(video)), size=120).images
    rng = np.random.default_rng(0)
    jpeg = [cv2.imdecode(cv2.imencode(".jpg", i, [cv2.IMWRITE_JPEG_QUALITY, 12])[1], 1) for i in images]
    for name, changed in {
        "noise": np.clip(images + rng.normal(0, 20, images.shape), 0, 255).astype(np.uint8),
        "coding": np.array(jpeg),
        "size": np.array([cv2.resize(i, (97, 61)) for i in images]),
        "dark": (images * 0.35).astype(np.uint8),
        "gamma": (255 * (images / 255.0) ** 0.6).astype(np.uint8),
        "mirrored": images[:, :, ::-1],
        "bars": np.pad(images, ((0, 0), (20, 20), (0, 0), (0, 0))),
        "grey": images.mean(axis=3, keepdims=True).repeat(3, 3).astype(np.uint8),
    }.items():
        assert [b.index for b in find(changed)] == [75, 135, 235, 315], name


@settings(max_examples=8, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=2, max_size=5, unique=True),
    lengths=st.lists(st.integers(12, 40), min_size=5, max_size=5),
)
def test_hard_cuts_are_found_exactly(seeds: list[int], lengths: list[int]) -> None:
    parts = [scene(seed, length) for seed, length in zip(seeds, lengths, strict=False)]
    found = find(np.concatenate(parts))
    assert [(b.index, b.kind) for b in found] == [(int(i), "cut") for i in np.cumsum(lengths[: len(seeds) - 1])]


@pytest.mark.parametrize("length", [4, 7, 12, 20, 33, 50, 70])
@pytest.mark.parametrize("seed", [1, 2])
def test_dissolves(length: int, seed: int) -> None:
    """The longer a dissolve, the slower what moves in it: nothing may leave its place while the pictures mix."""
    speed = min(0.5, 6 / length)
    frames = dissolve(scene(seed, 110, speed), scene(seed + 50, 110, speed), length)
    (found,) = find(frames)
    assert found.kind == "dissolve"
    np.testing.assert_allclose([found.start, found.end], [110 - length, 110], atol=1 + length // 12)
    assert abs(found.index - (110 - length / 2)) <= 2 + length // 12


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize(("out", "plain", "back"), [(10, 3, 10), (20, 0, 12), (25, 8, 25), (6, 4, 30)])
def test_short_fade_through_a_plain_colour_is_one_boundary(level: int, out: int, plain: int, back: int) -> None:
    first, second = fade_out(scene(3, 60), out, level), fade_out(scene(4, 60)[::-1], back, level)[::-1]
    frames = np.concatenate([first, np.full((plain, *SIZE, 3), level, np.uint8), second])
    (found,) = find(frames)
    assert found.kind == "fade"
    np.testing.assert_allclose([found.start, found.end], [60 - out, 60 + plain + back], atol=3)
    assert 58 <= found.index <= 60 + plain + 3


def test_a_long_plain_stretch_is_a_shot_of_its_own() -> None:
    first, second = fade_out(scene(3, 60), 15), fade_out(scene(4, 60)[::-1], 15)[::-1]
    frames = np.concatenate([first, np.zeros((40, *SIZE, 3), np.uint8), second])
    found = find(frames)
    assert [b.kind for b in found] == ["fade", "fade"]
    np.testing.assert_allclose([b.index for b in found], [60, 100], atol=2)


@pytest.mark.parametrize("frames_long", [1, 2, 3])
@pytest.mark.parametrize("level", [0, 255])
def test_flashes_and_blackouts_are_no_boundaries(level: int, frames_long: int) -> None:
    frames = scene(5, 80)
    frames[30 : 30 + frames_long] = level
    frames[55:57] = (255 - (255 - frames[55:57].astype(int)) // 3).astype(np.uint8)
    assert find(frames) == []


def test_a_lamp_is_no_boundary() -> None:
    frames = scene(6, 120)
    frames[40:80] = (frames[40:80] * 0.45).astype(np.uint8)
    frames[80:] = np.clip(frames[80:] * np.array([1.1, 1.0, 0.7]) + 10, 0, 255).astype(np.uint8)
    assert find(frames) == []


def test_camera_motion_is_no_boundary() -> None:
    """Pans up to a quarter of the picture width in a frame, a zoom, and a shake."""
    rng = np.random.default_rng(7)
    wide = cv2.GaussianBlur(rng.uniform(0, 255, (300, 1600, 3)).astype(np.float32), (0, 0), 6)
    wide = np.clip((wide - wide.mean()) / wide.std() * 50 + 120, 0, 255).astype(np.uint8)
    at = np.cumsum(np.concatenate([np.zeros(30), np.hanning(30) * 40, np.zeros(30)])).astype(int)
    assert find(np.array([wide[50:140, x : x + 160] for x in at])) == []
    zoom = [cv2.resize(wide[150 - h // 2 : 150 + h // 2, 400 - h : 400 + h], (160, 90)) for h in range(60, 240, 2)]
    assert find(np.array(zoom)) == []
    shake = rng.integers(-5, 6, (80, 2))
    assert find(np.array([wide[100 + y : 190 + y, 500 + x : 660 + x] for y, x in shake])) == []


def test_something_walking_through_is_no_boundary() -> None:
    frames = scene(8, 90)
    for i in range(90):
        left = round((i - 20) * 5)
        frames[i, 5:, max(left, 0) : max(left + 90, 0)] = (40, 30, 60)
    assert find(frames) == []


def test_damaged_frames_make_no_boundary() -> None:
    frames = scene(9, 80)
    status = np.zeros(80, np.uint8)
    frames[30:50] = scene(77, 20)
    status[30:50] = 1
    found, state = step(init_state(), frames, np.arange(80) / 25, np.arange(80), status)
    assert found + finish(state) == []
    assert [b.index for b in find(frames)] == [30, 50]


MIXED = np.concatenate(
    [
        dissolve(scene(11, 70), scene(12, 60), 16),
        fade_out(scene(13, 50), 12),
        np.zeros((6, *SIZE, 3), np.uint8),
        fade_out(scene(14, 60)[::-1], 9)[::-1],
        scene(15, 30),
    ]
)


WHOLE = find(MIXED)


def test_all_kinds_in_a_row() -> None:
    assert [b.kind for b in WHOLE] == ["dissolve", "cut", "fade", "cut"]


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(1, len(MIXED) - 1), max_size=12, unique=True))
def test_chunks_change_nothing(cuts: list[int]) -> None:
    assert find(MIXED, cuts=cuts) == WHOLE


def test_the_state_is_plain_bounded_and_can_be_used_again() -> None:
    state, found = init_state(), []
    sizes = []
    for a in range(0, len(MIXED), 7):
        b = min(a + 7, len(MIXED))
        stored = pickle.dumps(state)
        some, after = step(state, MIXED[a:b], np.arange(a, b) / 25, np.arange(a, b))
        assert pickle.dumps(state) == stored, "the state that was given must stay as it was"
        assert all(b.index <= a + 7 and a - b.index <= LOOKAHEAD for b in some)
        found += some
        state = pickle.loads(pickle.dumps(after))
        sizes.append(len(pickle.dumps(state)))
    assert found + finish(state) == WHOLE
    assert max(sizes) < 1_500_000
    assert _is_plain_data(state)


def _is_plain_data(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain_data(v) for k, v in value.items())
    if isinstance(value, list):
        return all(_is_plain_data(v) for v in value)
    return type(value) in (int, float, str, bool, np.ndarray)


def test_empty_and_tiny_videos() -> None:
    assert finish(init_state()) == []
    assert find(scene(1, 1)) == []
    assert find(np.zeros((5, 4, 6, 3), np.uint8)) == []
    assert [b.index for b in find(np.concatenate([scene(1, 2), scene(2, 2)]))] == [2]


def test_indices_and_times_are_those_given() -> None:
    frames = np.concatenate([scene(1, 20), scene(2, 20)])
    found, state = step(init_state(), frames, 100 + np.arange(40) / 10, 500 + 2 * np.arange(40))
    assert [(b.index, b.time) for b in found + finish(state)] == [(540, 102.0)]


def test_features() -> None:
    one, other = thumbnail(scene(1, 1)[0]), thumbnail(scene(2, 1)[0])
    assert difference(one, one) < 0.01
    assert difference(one, other) > 1.0
    assert difference(one, (one * 0.5).astype(np.uint8)) < 0.1
    assert difference(one, np.roll(one, 3, axis=1)) < 0.4
    plain = np.full_like(one, 17)
    assert is_plain(plain, one)
    assert not is_plain(one, other)
    a, b = one.ravel().astype(np.float32), other.ravel().astype(np.float32)
    alpha, rest = mixture(a, b, np.array([a, 0.75 * a + 0.25 * b, b]))
    np.testing.assert_allclose(alpha, [0, 0.25, 1], atol=1e-5)
    np.testing.assert_allclose(rest, 0, atol=1e-3)
    half = np.where(np.arange(len(a)) % 2, a, b)
    assert mixture(a, b, half[None])[1][0] > 0.9
