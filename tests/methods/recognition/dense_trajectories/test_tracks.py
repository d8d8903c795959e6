"""Tracks: where they start, what ends them, and that cutting a video in pieces changes nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories import Config, Extractor, Trajectories, draw
from onlooker.methods.recognition.dense_trajectories.descriptors import ENDS, corners, describe
from onlooker.methods.recognition.dense_trajectories.sampling import sample
from onlooker.methods.recognition.dense_trajectories.tracks import Tracks
from onlooker.methods.recognition.dense_trajectories.trials import try_motion, try_tracks

PLAIN = Config(compensate=False, scales=2)


def same(first: Trajectories, second: Trajectories) -> bool:
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name)) for field in fields(Trajectories)
    )


def extract(frames: np.ndarray, config: Config = PLAIN, **more: Any) -> Trajectories:
    extractor = Extractor(config)
    return extractor.step(frames, extractor.init_state(), **more)[0]


# --- sampling ---------------------------------------------------------------------------------------------------------


def test_points_are_the_centres_of_whole_free_cells(make: Any) -> None:
    grey = make["texture"](43, 58).astype(np.uint8)
    free = sample(grey, np.zeros((0, 2), np.float32), quality=0.0)
    assert free.tolist() == [[5 * x + 2, 5 * y + 2] for y in range(8) for x in range(11)]
    taken = np.array([[9.99, 4.99], [57, 42], [3, 41], [-2, 3]], np.float32)  # one cell, and what is no whole cell
    left = sample(grey, taken, quality=0.0)
    assert len(left) == 87
    assert [7, 2] not in left.tolist()


def test_flat_ground_starts_nothing() -> None:
    half = np.full((40, 60), 50, np.uint8)
    half[:, 30:] = np.random.default_rng(0).integers(0, 255, (40, 30))
    found = sample(half, np.zeros((0, 2), np.float32))
    assert len(found) > 20
    assert found[:, 0].min() >= 27
    assert len(sample(np.zeros((40, 60), np.uint8), np.zeros((0, 2), np.float32))) == 0


# --- which are kept ---------------------------------------------------------------------------------------------------


def path(*steps: tuple[float, float]) -> np.ndarray:
    moves = np.zeros((15, 2), np.float32)
    moves[: len(steps)] = steps
    return np.vstack((np.zeros((1, 2), np.float32), np.cumsum(moves, axis=0)))[None].astype(np.float32)


def test_static_erratic_and_jumping_tracks_fail() -> None:
    config = Config()
    assert try_tracks(path(*[(1, 0)] * 15), config).passed.tolist() == [True]
    assert try_tracks(path(*[(0.3, 0.3)] * 15), config).passed.tolist() == [False]
    fast = try_tracks(path(*[(15, 0)] * 15), config)
    assert (fast.passed.tolist(), fast.length.tolist()) == ([False], [0.0])
    jump = try_tracks(path((25, 0), (1, 0)), config)
    assert (jump.passed.tolist(), jump.length.tolist()) == ([False], [26.0])
    assert try_tracks(path((25, 0), *[(1, 0)] * 13), config).passed.tolist() == [True]  # 25 of 38 is under 70 %


def test_a_shape_is_displacements_over_their_length() -> None:
    trial = try_tracks(path(*[(3, 4)] * 6), Config())
    np.testing.assert_allclose(trial.shape[0, :6], [[0.1, 4 / 30]] * 6, atol=1e-6)
    assert trial.length[0] == pytest.approx(30)


def test_what_the_camera_alone_moves_fails() -> None:
    moves = np.full((2, 15, 2), 0.5, np.float32)
    moves[1, 3] = (0.9, 0.9)
    kept, shape = try_motion(moves, Config())
    assert kept.tolist() == [False, True]
    assert not shape[0].any()
    assert np.linalg.norm(shape[1], axis=1).sum() == pytest.approx(1, abs=1e-6)


# --- the live tracks --------------------------------------------------------------------------------------------------


def test_a_track_follows_the_flow_and_averages_what_it_sees(make: Any) -> None:
    """Against the plain definition, one track at a time."""
    rng = np.random.default_rng(0)
    starts = np.array([[20, 30], [41.5, 12.5], [60, 40]], np.float32)
    flow = rng.normal(0, 0.7, (15, 60, 80, 2)).astype(np.float32)
    greys = [make["texture"](60, 80, seed).astype(np.uint8) for seed in range(15)]
    tracks = Tracks()
    tracks.add(starts)
    for grey, field in zip(greys, flow, strict=True):
        done = tracks.advance(describe(grey, field, tracks.patches(80, 60)), field, 2 * field)
    assert len(done) == 3
    assert len(tracks) == 0
    for number, place in enumerate(starts):
        seen = []
        for grey, field in zip(greys, flow, strict=True):
            at = corners(place[None], 80, 60)
            whole = describe(grey, field, at)
            seen.append(np.concatenate([whole[a:b].reshape(-1, 4).T.ravel() for a, b in pairwise(ENDS)]))
            column, row = np.rint(place).astype(int)
            place = place + field[row, column]
        np.testing.assert_allclose(done.points[number, 15], place, atol=1e-4)
        thirds = np.array(seen).reshape(3, 5, -1).mean(axis=1)
        hog, hof, mbh_x, mbh_y = (part[number] for part in tracks.described(done.columns))
        np.testing.assert_allclose(hog, thirds[:, :32].ravel(), atol=1e-5)
        np.testing.assert_allclose(hof, thirds[:, 32:68].ravel(), atol=1e-5)
        np.testing.assert_allclose(mbh_x, thirds[:, 68:100].ravel(), atol=1e-5)
        np.testing.assert_allclose(mbh_y, thirds[:, 100:].ravel(), atol=1e-5)
    np.testing.assert_allclose(done.moves[0, 0], 2 * flow[0, 30, 20])


def test_tracks_end_at_the_border_and_their_columns_serve_again() -> None:
    flow = np.full((40, 50, 2), (0, -6.0), np.float32)
    tracks = Tracks()
    tracks.add(np.array([[10, 5], [10, 30]], np.float32))
    assert len(tracks.advance(np.zeros((132, 2), np.float32), flow, flow)) == 0
    assert tracks.here().tolist() == [[10, 24]]
    tracks.add(np.array([[7, 7]], np.float32))
    assert tracks.here().tolist() == [[10, 24], [7, 7]]
    again = Tracks.from_arrays(tracks.to_arrays())
    for kept in (tracks, again):
        for _ in range(40):
            kept.advance(np.zeros((132, len(kept.patches(50, 40))), np.float32), flow, flow)
            kept.add(np.array([[7, 7]], np.float32))
        assert kept.here().tolist() == [[7, 1], [7, 7]]
        assert len(kept) == 2
        assert kept.capacity <= 2 * 15


def test_memory_is_bounded_by_fifteen_frames_of_starts(make: Any) -> None:
    frames = make["moving"](60, 1, 0.5, height=48, width=64)
    extractor = Extractor(PLAIN)
    state = extractor.init_state()
    sizes = []
    for frame in frames:
        _, state = extractor.step(frame[None], state)
        sizes.append(state.tracks[0].capacity)
    assert sizes[-1] <= 2 * 15 * (64 // 5) * (48 // 5)
    assert sizes[-1] == sizes[29]


# --- whole videos -----------------------------------------------------------------------------------------------------


def test_a_texture_that_goes_by_is_followed(make: Any) -> None:
    found = extract(make["moving"](24, 2, -1))
    assert len(found) > 50
    assert found.frame.min() == 15
    shift = np.median(found.points[:, -1] - found.points[:, 0], axis=0)
    np.testing.assert_allclose(shift, [30, -15], atol=1.5)
    np.testing.assert_allclose(np.median(found.shape, axis=0).reshape(15, 2), [[2 / 33.5, -1 / 33.5]] * 15, atol=0.01)
    np.testing.assert_allclose(found.mean, found.points.mean(1), atol=1e-3)


def test_frames_may_come_in_one_array_that_is_written_again(make: Any) -> None:
    frames = make["moving"](20, 2, -1)

    def stream() -> Any:
        shown = np.empty_like(frames[0])
        for frame in frames:
            shown[:] = frame
            yield shown

    assert same(extract(stream()), extract(frames))


def test_still_or_short_video_has_no_trajectories(make: Any) -> None:
    assert len(extract(make["moving"](20, 0, 0))) == 0
    assert len(extract(make["moving"](15, 2, 0))) == 0
    assert len(extract(make["moving"](1, 2, 0)[:0])) == 0


def test_compensation_drops_what_the_camera_moves_and_keeps_what_moves_by_itself(make: Any) -> None:
    pan = make["moving"](24, 2, 1, height=96, width=128)
    scene = make["patch_over"](pan, -2, 0, size=28)
    without = extract(scene, replace(PLAIN, scales=1))
    compensated = extract(scene, replace(PLAIN, compensate=True, scales=1))

    def on_patch(found: Trajectories) -> np.ndarray:
        moved = found.points[:, -1, 0] - found.points[:, 0, 0]
        return moved < 0

    def far_from_patch(found: Trajectories) -> int:
        """The flow is averaged over 11 pixels: what is nearer than that takes part in the patch's motion."""
        return int((np.abs(found.points[..., 1] - 48).min(axis=1) > 14 + 11).sum())

    assert far_from_patch(without) > 100
    assert far_from_patch(compensated) < 0.1 * far_from_patch(without)
    kept = compensated.pick(np.flatnonzero(on_patch(compensated)))
    assert len(kept) > 0.5 * on_patch(without).sum()
    # relative to the ground it goes (-4, -1) a frame
    direction = np.median(kept.shape.reshape(-1, 15, 2), axis=(0, 1))
    assert direction[1] / direction[0] == pytest.approx(0.25, abs=0.1)


def test_a_pan_alone_leaves_almost_nothing(make: Any) -> None:
    pan = make["moving"](30, 3, -2, height=96, width=128)
    before = len(extract(pan, replace(PLAIN, scales=1)))
    inside = extract(pan, replace(PLAIN, compensate=True, scales=1))
    assert before > 200
    assert len(inside) < 0.05 * before


@pytest.mark.parametrize("compensate", [True, False])
@settings(max_examples=3, deadline=None)
@given(cuts=st.lists(st.integers(1, 21), max_size=4))
def test_how_a_video_is_cut_changes_nothing(make: Any, compensate: bool, cuts: list[int]) -> None:
    frames = make["patch_over"](make["moving"](22, 1.5, 1, height=64, width=80), -0.8, 0)
    config = replace(PLAIN, compensate=compensate)
    boxes = [np.array([[t, 10, t + 20, 40]], np.float32) for t in range(22)]
    whole = extract(frames, config, boxes=boxes)
    extractor = Extractor(config)
    state, parts = extractor.init_state(), []
    edges = [0, *sorted(set(cuts)), 22]
    for start, end in pairwise(edges):
        found, state = extractor.step(frames[start:end], state, boxes[start:end])
        parts.append(found)
        state = extractor.restore(state.to_dict())
    assert len(whole) > 0
    assert same(whole, Trajectories.join(parts))


def test_frames_of_another_form_are_refused(make: Any) -> None:
    frames = make["moving"](3, 1, 0)
    for wrong in (frames.astype(np.float32), frames[..., 0], frames[:, :20], np.zeros((2, 64, 80, 4), np.uint8)):
        with pytest.raises(ConfigError, match="a frame is RGB"):
            extract(wrong)
    with pytest.raises(ConfigError, match="follows one of"):
        extract([frames[0], frames[1][:50]])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="boxes for 2 frames"):
        extract(frames, boxes=[np.zeros((0, 4), np.float32)] * 2)


def test_paths_are_drawn(make: Any) -> None:
    frames = make["moving"](20, 2, 0)
    found = extract(frames)
    picture = draw(frames[-1], found)
    assert picture.shape == (128, 160, 3)
    plain = draw(frames[-1], Trajectories.none())
    assert (picture != plain).any(axis=-1).mean() > 0.02
