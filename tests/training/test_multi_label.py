"""Videos with none or several labels: loss, mean average precision, training to the end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from onlooker.errors import ConfigError
from onlooker.methods.loading import load
from onlooker.metrics.multi_label import average_precisions, mean_average_precision
from onlooker.training.evaluation import LabelsScore, summarise
from onlooker.training.mixing import binary_cross_entropy
from onlooker.training.run import train


class TwoColours:
    """Two frames of 16 pixels. Class 0: red is bright, class 1: green is; both, one or none."""

    classes = ("red", "green")
    multi_label = True

    def __init__(self, count, split):
        self.count, self.split = count, split

    def __len__(self):
        return self.count

    def labels(self, index):
        return tuple(i for i in range(2) if index >> i & 1)

    def label(self, index):
        raise AssertionError("a single label makes no sense here")

    def name(self, index):
        return f"{self.split}-{index}"

    def random_clip(self, index, spec, draw):
        rng = np.random.default_rng(index if self.split == "train" else 10_000 + index)
        clip = rng.integers(0, 120, (2, 16, 16, 3), dtype=np.uint8)
        for channel in self.labels(index):
            clip[..., channel] += 110
        return clip

    def clips(self, index, spec, count):
        return [self.random_clip(index, spec, 0)]


@pytest.fixture
def two_colours(monkeypatch):
    sources = {"train": TwoColours(24, "train"), "val": TwoColours(8, "val")}
    monkeypatch.setattr("onlooker.training.run.open_source", lambda data, base: sources[data.path])
    return sources


def test_it_learns_both_labels_at_once(two_colours, recipe, tmp_path):
    asked = recipe(objective="multi_label", loop={"epochs": 8, "batch": 8}, optimizer={"name": "adamw", "lr": 0.02})
    result = train(asked, tmp_path / "run", device="cpu")
    assert result.accuracy.figure == ("mAP", result.best)
    assert result.accuracy.mean_ap > 0.95
    assert result.accuracy.top1 == 1.0
    assert '"mean_ap"' in (tmp_path / "run" / "result.json").read_text()
    assert load("timesformer", tmp_path / "run" / "model.safetensors").multi_label


def test_objective_and_data_must_fit(two_colours, colours, recipe, tmp_path):
    with pytest.raises(ConfigError, match="needs data"):
        train(recipe(objective="multi_label"), tmp_path / "run", device="cpu")


def test_several_labels_need_the_objective(two_colours, recipe, tmp_path):
    with pytest.raises(ConfigError, match="objective: multi_label"):
        train(recipe(), tmp_path / "run", device="cpu")
    with pytest.raises(ConfigError, match="label_smoothing"):
        recipe(objective="multi_label", augment={"label_smoothing": 0.1})


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31), st.booleans())
def test_average_precision_is_scikit_learns_with_ties_too(videos, seed, ties):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (videos, 3)) / 4 if ties else rng.random((videos, 3))
    truth = rng.random((videos, 3)) < 0.4
    order = rng.permutation(videos)
    ours = average_precisions(scores, truth)
    np.testing.assert_allclose(ours, average_precisions(scores[order], truth[order]))
    for i in range(3):
        if truth[:, i].any():
            assert ours[i] == pytest.approx(average_precision_score(truth[:, i], scores[:, i]))
        else:
            assert np.isnan(ours[i])


def test_the_mean_leaves_out_classes_that_no_video_has():
    scores, truth = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.4]]), np.array([[1, 1, 0], [0, 0, 0]], bool)
    assert mean_average_precision(scores, truth) == pytest.approx((1.0 + 0.5) / 2)
    assert np.isnan(mean_average_precision(scores, truth & False))
    with pytest.raises(ConfigError, match="shape"):
        average_precisions(scores, truth[:1])
    with pytest.raises(ConfigError, match="finite"):
        average_precisions(scores * np.nan, truth)


def test_the_summary_does_not_depend_on_order():
    rows = [LabelsScore(0, (True, False), (0.5, 0.25)), LabelsScore(1, (False, False), (0.5, 0.5)),
            LabelsScore(2, (True, True), (0.1, 0.9))]  # fmt: skip
    accuracy = summarise(rows)
    assert accuracy == summarise(rows[::-1])
    assert accuracy.top1 == 1.0
    assert accuracy.loss == pytest.approx(-np.log([0.5, 0.75, 0.5, 0.5, 0.1, 0.9]).mean())
    # red: its two videos come in at 0.5 with another (2/3 would be 1/2 of 2) and at 0.1
    assert accuracy.mean_ap == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1) / 2)


def test_the_loss_is_that_of_each_class_alone():
    logits, targets = torch.tensor([[2.0, -1.0], [0.0, 3.0]]), torch.tensor([[1.0, 0.0], [0.3, 1.0]])
    p = logits.sigmoid()
    expected = -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()
    torch.testing.assert_close(binary_cross_entropy(logits, targets), expected)
