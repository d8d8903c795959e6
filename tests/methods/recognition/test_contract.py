"""Every registered recognition method keeps the contract of `ClipModel`, tried on a tiny random model of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.loading import load
from onlooker.methods.recognition.contract import ClipModel, tiny_settings
from onlooker.methods.recognition.prediction import multi_label
from onlooker.methods.registry import METHODS, Method, discover, find
from onlooker.video.writer import VideoWriter
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

torch.set_num_threads(1)

METHOD_NAMES = [name for name, method in discover().items() if method.task == "recognition"]


@pytest.fixture(scope="module", params=METHOD_NAMES)
def method(request: pytest.FixtureRequest) -> Method:
    return find(request.param)


@pytest.fixture(scope="module")
def model(method: Method) -> Any:
    torch.manual_seed(0)
    return load(method.name, settings=tiny_settings(method))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a square that moves over noise."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    ground = np.random.default_rng(0).integers(40, 90, (72, 96, 3), dtype=np.uint8)
    with VideoWriter(path, 96, 72, rate=10.0) as writer:
        for k in range(20):
            image = ground.copy()
            image[20:40, 3 * k : 3 * k + 20] = 230
            writer.write(image)
    return path


def clip_of(model: Any, batch: int = 2) -> torch.Tensor:
    shape = (batch, model.spec.frames, 3, model.spec.crop, model.spec.crop)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_it_is_a_clip_model_in_evaluation_mode(model: Any) -> None:
    assert isinstance(model, ClipModel)
    assert not model.training
    assert model.labels == ()


def test_a_clip_of_its_specification_gives_logits_and_finite_features(model: Any) -> None:
    with torch.no_grad():
        logits, features = model(clip_of(model)), model.features(clip_of(model))
    assert logits.shape == (2, model.config.classes)
    assert features.ndim == 2
    assert features.shape[0] == 2
    assert torch.isfinite(logits).all()
    assert torch.isfinite(features).all()
    assert not torch.equal(features[0], features[1])


def test_a_clip_alone_gives_what_it_gives_in_a_batch(model: Any) -> None:
    with torch.no_grad():
        together, alone = model(clip_of(model)), model(clip_of(model)[:1])
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)


def test_it_predicts_from_a_file_and_from_frames(model: Any, video: Path) -> None:
    for given in (video, np.random.default_rng(2).integers(0, 255, (12, 60, 80, 3), dtype=np.uint8)):
        scores = model.predict(given).scores
        assert scores.shape == (model.config.classes,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        assert (scores >= 0).all()
        if not multi_label(model):
            assert scores.sum() == pytest.approx(1, abs=1e-4)


def test_weights_with_their_card_come_back_as_they_were(method: Method, model: Any, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    labels = tuple(f"action {i}" for i in range(model.config.classes))
    config = json.dumps(asdict(model.config))
    save_weights(path, model.state_dict(), Card(method.name, config=config, spec=model.spec, labels=labels))
    again = load(method.name, path)
    assert again.config == model.config
    assert again.spec == model.spec
    assert again.labels == labels
    assert not again.training
    with torch.no_grad():
        assert torch.equal(again(clip_of(model)), model(clip_of(model)))


def test_a_missing_and_an_extra_tensor_are_refused(method: Method, model: Any, tmp_path: Path) -> None:
    card = Card(method.name, config=json.dumps(asdict(model.config)), spec=model.spec)
    state = dict(model.state_dict())
    first = next(iter(state))
    for name, wrong in (
        ("short", {key: value for key, value in state.items() if key != first}),
        ("long", {**state, "nobody.knows.this": torch.zeros(1)}),
    ):
        path = tmp_path / f"{name}.safetensors"
        save_weights(path, wrong, card)
        with pytest.raises(IncompatibleCheckpoint):
            load(method.name, path)


def test_its_first_variant_is_measured(method: Method) -> None:
    size = method.load("model").measure(method.variants[0])
    assert set(size) >= {"parameters", "multiply_adds"}
    assert all(isinstance(value, int) and value > 0 for value in size.values())


def test_a_folder_without_a_tiny_model_is_told_what_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    module = find("timesformer").load("model")
    monkeypatch.delattr(module, "TINY")
    with pytest.raises(ConfigError, match=r"timesformer offers no tiny model: add `TINY"):
        tiny_settings(METHODS["timesformer"])
