"""The single-scale models are the same blocks and cost no less; the clips show what their labels say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from onlooker.methods.recognition.mvit import proof
from onlooker.methods.recognition.mvit.proof import CLAIM, CONFIG, KINDS, MODELS, cost, make_clips, make_model
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)
BASELINES = [name for name in MODELS if name != "mvit"]


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_costs_no_less_and_is_as_deep(name: str) -> None:
    assert cost("mvit") <= cost(name) < 1.15 * cost("mvit")
    assert MODELS[name].depth == CONFIG.depth
    assert count_parameters(make_model("mvit")) <= count_parameters(make_model(name))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_has_one_scale_and_no_convolution_over_tokens(name: str) -> None:
    model = make_model(name)
    assert len({(block.dim, block.out_dim, block.kv_stride) for block in model.config.blocks()}) == 1
    kernels = {module.kernel_size for module in model.blocks.modules() if isinstance(module, nn.Conv3d)}
    assert kernels == {(1, 1, 1)}


def test_scaling_gives_each_linear_layer_the_same_gain() -> None:
    model = make_model("mvit", torch.Generator().manual_seed(0))
    for block in model.blocks:
        width = block.mlp.fc1.in_features
        assert float(block.mlp.fc1.weight.detach().std()) == pytest.approx(0.02 * (768 / width) ** 0.5, rel=0.05)


def test_all_kinds_are_different_and_equally_many_clips_show_each_class() -> None:
    assert len({tuple(kind.flatten().tolist()) for kind in KINDS}) == len(KINDS) > CONFIG.classes
    labels = make_clips(400, seed=0)[1]
    assert min(labels.bincount().tolist()) > 60


def test_a_clip_shows_the_labels_kind_and_no_other_class(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NOISE", 0.0), ("OTHERS", 0), ("SHOWN", 1)):
        monkeypatch.setattr(proof, name, value)
    clips, labels = make_clips(12, seed=0)
    for clip, label in zip(clips[:, :, 0], labels.tolist(), strict=True):
        for frame in (clip > 0).float():
            rolled = [frame.roll((row, column), (0, 1)) for row in range(24) for column in range(24)]
            assert any(torch.equal(view[:3, :3], KINDS[label]) and view.sum() == KINDS[label].sum() for view in rolled)


def test_shapes_drift_by_a_pixel_a_frame_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NOISE", 0.0), ("OTHERS", 0), ("SHOWN", 1)):
        monkeypatch.setattr(proof, name, value)
    clips = make_clips(20, seed=0)[0][:, :, 0]
    for before, after in zip(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1), strict=True):
        assert any(
            torch.equal(after, before.roll((row, column), (0, 1))) for row in (-1, 0, 1) for column in (-1, 0, 1)
        )


def test_the_same_seed_gives_the_same_clips_and_another_one_others() -> None:
    first = make_clips(4, seed=0)[0]
    assert torch.equal(first, make_clips(4, seed=0)[0])
    assert not torch.equal(first, make_clips(4, seed=1)[0])


def test_a_run_scores_what_the_claim_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRAIN", 16), ("TEST", 8), ("STEPS", 2)):
        monkeypatch.setattr(proof, name, value)
    scores = proof.run(0)
    assert {CLAIM.mechanism, CLAIM.baseline} <= set(scores)
    assert all(0 <= score <= 1 for score in scores.values())
