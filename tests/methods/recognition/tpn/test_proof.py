"""The baselines cost no less, movements take as long as the truth says, and every level learns."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.tpn import proof
from onlooker.methods.recognition.tpn.proof import CLAIM, CONFIG, MODELS, SLOWEST, answers, cost, make_clips, train

torch.set_num_threads(1)


@pytest.mark.parametrize("name", ["plain", "single"])
def test_a_baseline_costs_no_less_than_the_pyramid(name: str) -> None:
    assert cost("pyramid") <= cost(name) < 1.15 * cost("pyramid")
    assert MODELS[name].time_kernels == CONFIG.time_kernels


def test_a_movement_takes_its_frames_and_nothing_moves_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "NOISE", 0.0)
    clips, labels, taken = make_clips(200, seed=0)
    assert sorted(labels.unique().tolist()) == list(range(CONFIG.classes))
    assert int(taken.min()) == 2
    assert int(taken.max()) == SLOWEST
    changes = (clips[:, 1:] != clips[:, :-1]).flatten(2).any(dim=2)
    when = changes.long().cumsum(1)
    first = (when == 0).sum(1)
    last = CONFIG.frames - 2 - (when == when[:, -1:]).sum(1) + 1
    assert bool((last - first + 1 <= taken).all())
    assert bool((first >= 0).all())
    right = clips[labels == 0]
    assert torch.equal(right[:, 0], right[:, -1].roll(-proof.WAY, dims=-1))


def test_the_same_seed_gives_the_same_clips_and_another_one_others() -> None:
    first = make_clips(4, seed=0)[0]
    assert torch.equal(first, make_clips(4, seed=0)[0])
    assert not torch.equal(first, make_clips(4, seed=1)[0])


def test_training_moves_the_earlier_levels_classifier_and_leaves_evaluation_mode() -> None:
    clips, labels, _ = make_clips(16, seed=0)
    before, after = (train("pyramid", clips, labels, seed=0, steps=steps) for steps in (2, 3))
    assert not torch.equal(before.auxiliary[0].weight, after.auxiliary[0].weight)
    assert not after.training
    assert answers(after, clips).shape == labels.shape
    assert len(train("single", clips, labels, seed=0, steps=2).auxiliary) == 0


def test_a_run_scores_what_the_claim_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRAIN", 16), ("TEST", 64)):
        monkeypatch.setattr(proof, name, value)
    monkeypatch.setattr(proof, "STEPS", 2)
    scores = proof.run(0)
    assert {CLAIM.mechanism, CLAIM.baseline} <= set(scores)
    assert all(0 <= score <= 1 for score in scores.values())
