"""What ships beside taught actions, what it changes, and files that were written without it."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

import onlooker as ol
from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.recognition.dense_trajectories import VARIANTS
from onlooker.methods.recognition.recogniser import open_recogniser
from onlooker.methods.recognition.taught import TINY, Config, learn
from onlooker.methods.recognition.taught.background import SHARES, Background, background_of, scale_of
from onlooker.methods.recognition.taught.model import FEWEST, build, features_of_clip
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

torch.set_num_threads(1)
AXES = np.eye(40)


@pytest.fixture(scope="module")
def shipped() -> Background:
    recogniser = open_recogniser("dense_trajectories", settings={"width": 160})
    found = background_of("dense_trajectories", recogniser.digest, recogniser.model.config)
    assert found is not None, "the codebook changed: make the background again, see taught/rendered.py"
    return found


def test_the_shipped_background_belongs_to_the_shipped_codebook(shipped: Background) -> None:
    config = VARIANTS["improved"]
    assert shipped.mean.shape == shipped.scale.shape == (config.dim,)
    assert 0.2 < np.linalg.norm(shipped.mean) < 1  # the mean of different unit vectors
    assert not shipped.mean[shipped.scale == 0].any()
    digest = open_recogniser("dense_trajectories").digest
    assert background_of("dense_trajectories", digest[::-1], config) is None
    assert background_of("dense_trajectories", digest, VARIANTS["plain"]) is None
    assert background_of("timesformer", digest, config) is None


def test_shares_are_those_of_squared_lengths() -> None:
    scale = scale_of(2)
    edges = np.cumsum([0, *(4 * n for n in (15, 48, 54, 48, 48))])
    assert len(scale) == edges[-1] == replace(VARIANTS["improved"], gaussians=2).dim
    for (a, b), share in zip(itertools.pairwise(edges), SHARES.values(), strict=True):
        assert np.allclose(scale[a:b] ** 2, share)


def some(*axes: int, count: int = 8, common: float = 3.0, seed: int = 0) -> np.ndarray:
    """Vectors with a large part that all of them share, and an own part along some axes."""
    rng = np.random.default_rng(seed)
    own = sum((AXES[axis] for axis in axes), np.zeros(40))
    return common * AXES[30] + 2 * own + 0.15 * rng.normal(size=(count, 40))


def best(lesson: object, vector: np.ndarray) -> int:
    return int(lesson.head(torch.tensor(vector[None], dtype=torch.float32)).argmax())  # type: ignore[attr-defined]


def test_one_action_alone_is_told_from_others_by_the_background() -> None:
    """Without, the part that all share makes the stranger like the action; with it, that part is subtracted."""
    others = np.concatenate([some(axis) for axis in range(10, 30)])
    background = Background((others / np.linalg.norm(others, axis=1, keepdims=True)).mean(0), np.ones(40))
    stranger = some(9)[0]
    lesson = learn({"a": some(1)}, background=background)
    assert lesson.calibrated
    assert best(lesson, some(1, seed=5)[0]) == 0
    assert best(lesson, stranger) == 1
    alone = learn({"a": some(1)})
    assert not alone.calibrated
    assert best(alone, stranger) == 0


def test_what_looks_the_same_each_time_must_be_met_more_closely() -> None:
    background = Background(np.zeros(40), np.ones(40))
    rng = np.random.default_rng(1)
    loose = 1.2 * AXES[2] + rng.normal(size=(8, 40)) / 3
    lesson = learn({"tight": some(1), "loose": loose}, background=background)
    assert lesson.thresholds["tight"] > lesson.thresholds["loose"]
    tight = float(np.median(lesson.genuine["tight"]))
    assert lesson.thresholds["tight"] == pytest.approx(0.2 + 0.2 * (tight - 0.4))
    assert lesson.head.threshold.tolist() == pytest.approx(list(lesson.thresholds.values()))
    single = learn({"a": some(1, count=1)}, background=background)
    assert single.thresholds["a"] == pytest.approx(0.2)
    assert single.genuine == {}


def test_strangers_that_are_given_raise_the_threshold_of_what_they_are_like() -> None:
    background = Background(np.zeros(40), np.ones(40))
    actions = {"a": some(1, common=0.0), "b": some(2, common=0.0)}
    strangers = some(1, 3, common=0.0)
    before, after = learn(actions, background=background), learn(actions, strangers=strangers, background=background)
    assert best(before, strangers[0]) == 0
    assert best(after, some(1, 3, common=0.0, seed=7)[0]) == 2
    assert after.thresholds["a"] > before.thresholds["a"]


def test_features_that_are_scaled_to_nothing_change_nothing() -> None:
    scale = np.ones(40)
    scale[20] = 0
    lesson = learn({"a": some(1), "b": some(2)}, background=Background(np.zeros(40), scale))
    given = torch.tensor(some(1)[:2], dtype=torch.float32)
    other = given.clone()
    other[:, 20] += 50
    assert torch.allclose(lesson.head(given), lesson.head(other))


def _file(path: Path, config: Config, *, without: tuple[str, ...] = ()) -> Path:
    """As it was written before there were backgrounds where the names of `without` are left out."""
    model = build(config)
    state = {name: value for name, value in model.state_dict().items() if name not in without}
    values = {name: value for name, value in asdict(config).items() if config.background or name != "background"}
    card = Card("taught", config=json.dumps(values), labels=(*"abcd", "unknown"), spec=model.spec)
    save_weights(path, state, card)
    return path


def test_files_without_a_background_load_as_before(tmp_path: Path) -> None:
    model = ol.load(str(_file(tmp_path / "old.safetensors", Config(**TINY))))
    assert model.head.scale is None
    assert model.head.threshold.shape == ()
    model.head.threshold.fill_(0.3)
    features = torch.randn(3, 32)
    logits = model.head(features)
    assert torch.allclose(logits[:, :4] - logits[:, 4:], model.head.cosines(features) - 0.3, atol=1e-6)


def test_a_file_that_lacks_its_scale_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path / "cut.safetensors", Config(**TINY, background=True), without=("head.scale",))
    with pytest.raises(IncompatibleCheckpoint, match=r"head\.scale"):
        ol.load(str(path))
    assert ol.load(str(_file(tmp_path / "whole.safetensors", Config(**TINY, background=True)))).head.scale is not None


def test_too_few_trajectories_say_nothing() -> None:
    """A small blob that moves a little is followed, but by fewer points than are needed to tell."""
    backbone = ol.load("dense_trajectories/plain", settings={"scales": 1, "width": 64})
    ground = np.random.default_rng(0).integers(0, 255, (20, 20), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    images = np.stack([ground] * 17)
    for k in range(17):
        images[k, 30:44, 20 + k : 34 + k] = ground[:14, :14]
    clip = (torch.from_numpy(images)[None, :, None].expand(1, 17, 3, 80, 80).float() / 255 - 0.45) / 0.225
    found = sum(len(part) for part in backbone.trajectories(images[..., None].repeat(3, -1)))
    assert 0 < found < FEWEST
    assert features_of_clip(backbone, clip).any()
    assert not features_of_clip(backbone, clip, fewest=FEWEST).any()
    assert features_of_clip(backbone, clip, fewest=found).any()
