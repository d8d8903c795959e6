"""The whole pipeline as a model: Fisher vectors of videos, codebooks, classifiers, files."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.loading import load
from onlooker.methods.recognition.dense_trajectories import VARIANTS, Config, DenseTrajectories
from onlooker.methods.recognition.dense_trajectories import __name__ as package
from onlooker.methods.recognition.dense_trajectories.frames import target_size
from onlooker.methods.recognition.dense_trajectories.model import build, measure
from onlooker.video import Clip, Video
from onlooker.video.writer import VideoWriter
from onlooker.weights.card import Card
from onlooker.weights.header import read_header

torch.set_num_threads(1)

SMALL = Config(compensate=False, scales=1, gaussians=4)


def test_the_published_length_of_a_fisher_vector() -> None:
    assert VARIANTS["improved_256"].dim == 109_056
    assert VARIANTS["plain"].dim == 27_264
    codes = sum(64 * (1 + 2 * half) for half in (15, 48, 54, 48, 48))
    projections = sum(2 * half * half + 2 * half for half in (15, 48, 54, 48, 48))
    assert measure("improved")["parameters"] == codes + projections


def test_the_codebook_that_is_included() -> None:
    path = Path(str(resources.files(package) / "codebook.safetensors"))
    assert path.stat().st_size < 1_500_000
    card = Card.from_metadata(read_header(path).metadata, path.name)
    assert card is not None
    assert card.method == "dense_trajectories"
    assert card.forbids_commercial() == ()
    first, second = build(VARIANTS["improved"]), build(VARIANTS["plain"])
    random = DenseTrajectories(VARIANTS["improved"])
    for name, table in first.state_dict().items():
        assert torch.isfinite(table).all(), name
        assert torch.equal(table, second.state_dict()[name])
    assert not torch.equal(first.codebook["hog"].pca.components, random.codebook["hog"].pca.components)
    for channel in first.codebook.values():
        assert float(channel.gmm.weights.sum()) == pytest.approx(1, abs=1e-4)
        own = channel.pca.components
        torch.testing.assert_close(own @ own.T, torch.eye(len(own)), atol=1e-4, rtol=0)


def test_features_do_not_depend_on_how_the_video_is_given(make: Any, tmp_path: Path) -> None:
    frames = make["moving"](20, 2, 1)
    model = DenseTrajectories(SMALL)
    wanted = model.features(frames)
    assert wanted.shape == (SMALL.dim,)
    assert float(wanted.norm()) == pytest.approx(5**0.5, abs=1e-4)
    times = np.arange(20) / 10
    clip = Clip(frames, np.arange(20), times, np.full(20, 0.1), np.zeros(20, np.uint8))
    for given in (clip, torch.from_numpy(frames).movedim(-1, 1)):
        assert torch.equal(model.features(given), wanted)
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 80, 64, rate=10.0) as writer:
        for frame in frames:
            writer.write(frame)
    with Video(path) as video:
        decoded = video[:].images
        assert torch.equal(model.features(video), model.features(decoded))
    assert torch.equal(model.features(path), model.features(decoded))
    assert torch.equal(model.features(str(path)), model.features(decoded))


def test_a_batch_of_normalised_clips_gives_a_row_each(make: Any) -> None:
    frames = np.stack([make["moving"](20, 2, 1), make["moving"](20, -1, 2, seed=3)])
    model = DenseTrajectories(SMALL)
    mean, std = (np.array(values, np.float32) for values in (model.spec.mean, model.spec.std))
    clips = torch.from_numpy((frames / np.float32(255) - mean) / std).movedim(-1, 2).float()
    found = model.features(clips)
    torch.testing.assert_close(found, torch.stack([model.features(clip) for clip in frames]))
    with pytest.raises(ConfigError, match="axes"):
        model.features(clips[0])


def test_nothing_that_moves_gives_zeros() -> None:
    for count in (1, 10, 20):
        assert not DenseTrajectories(SMALL).features(np.full((count, 40, 40, 3), 90, np.uint8)).any()


def test_large_video_is_scaled_and_boxes_with_it(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target_size(640, 480, 320) == (320, 240)
    assert target_size(320, 240, 0) == (320, 240)
    assert target_size(1000, 40, 320) == (800, 32)
    model = DenseTrajectories(replace(SMALL, width=64))
    frames = make["moving"](20, 3, 0, height=96, width=128)
    seen = []
    from onlooker.methods.recognition.dense_trajectories.extractor import Extractor

    real = Extractor.stream

    def spy(self: Extractor, images: Any, state: Any, boxes: Any) -> Any:
        images = list(images)
        seen.append((images[0].shape, boxes[0].tolist()))
        return real(self, images, state, boxes)

    monkeypatch.setattr(Extractor, "stream", spy)
    model.features(frames, boxes=[np.array([[10, 20, 30, 40]])] * 20)
    assert seen == [((48, 64, 3), [[5, 10, 15, 20]])]


def test_other_arrays_are_refused() -> None:
    model = DenseTrajectories(SMALL)
    for wrong in (np.zeros((4, 40, 40), np.uint8), np.zeros((0, 40, 40, 3), np.uint8), np.zeros((4, 40, 40, 3))):
        with pytest.raises(ConfigError, match="a clip is uint8 RGB"):
            model.features(wrong)


def test_fit_teach_save_load_predict(make: Any, tmp_path: Path) -> None:
    def clip(angle: float, seed: int) -> np.ndarray:
        frames: np.ndarray = make["moving"](22, 2 * np.cos(angle), 2 * np.sin(angle), seed=seed)
        return frames

    lessons = [(clip(angle, seed), name) for seed in range(3) for angle, name in ((0, "right"), (np.pi / 2, "down"))]
    model = DenseTrajectories(SMALL)
    with pytest.raises(ConfigError, match="no classes yet"):
        model.predict(lessons[0][0])
    used = model.fit([video for video, _ in lessons], samples=200)
    assert used == 200
    taught = model.fit_classifier(
        torch.stack([model.features(video) for video, _ in lessons]), [name for _, name in lessons]
    )
    assert taught.labels == ("down", "right")
    path = tmp_path / "mine.safetensors"
    taught.save(path, data_licence="CC0-1.0")
    again = load("dense_trajectories", path)
    assert again.config == taught.config
    assert again.labels == taught.labels
    for angle, name in ((0.1, "right"), (np.pi / 2 - 0.1, "down")):
        prediction = again.predict(clip(angle, 50))
        assert prediction.top(1)[0][0] == name
        assert prediction.scores.sum() == pytest.approx(1, abs=1e-5)
        assert np.array_equal(prediction.scores, taught.predict(clip(angle, 50)).scores)
    with pytest.raises(IncompatibleCheckpoint):
        load("dense_trajectories", path, settings={"classes": 3})


def test_the_same_seed_gives_the_same_codebook(make: Any) -> None:
    videos = [make["moving"](20, 2, 1, seed=seed) for seed in range(2)]
    states = []
    for seed in (0, 0, 1):
        model = DenseTrajectories(SMALL)
        model.fit(videos, seed=seed, samples=100)
        states.append(model.state_dict())
    assert all(torch.equal(table, states[1][name]) for name, table in states[0].items())
    assert not torch.equal(states[0]["hog.gmm.means"], states[2]["hog.gmm.means"])


def test_too_little_motion_to_learn_from_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 trajectories are too few"):
        DenseTrajectories(SMALL).fit([np.zeros((20, 40, 40, 3), np.uint8)])


def test_impossible_configurations() -> None:
    with pytest.raises(ConfigError, match="choose orb"):
        Config(matcher="surf")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="impossible"):
        Config(step=0)
