"""The two classes hold the same tubelets, and a model that sees time steps one by one cannot tell them apart."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from onlooker.methods.recognition.videomae import proof
from onlooker.methods.recognition.videomae.proof import CLAIM, CONFIG, MODELS, cost, make_clips, make_model, train

torch.set_num_threads(1)
TIMES = CONFIG.grid[0]


def tubelets(clips: torch.Tensor) -> torch.Tensor:
    return clips.view(len(clips), TIMES, CONFIG.tubelet, *clips.shape[2:])


def test_a_clip_and_its_reversal_hold_the_same_still_tubelets() -> None:
    clips, labels = make_clips(20, seed=0)
    parts = tubelets(clips)
    assert torch.equal(parts[:, :, 0], parts[:, :, 1])
    assert torch.equal(parts[::2], parts[1::2].flip(1))
    assert not torch.equal(parts[0], parts[1])
    assert labels.tolist() == [0, 1] * 10
    assert not torch.equal(clips, make_clips(20, seed=1)[0])


def test_the_square_jumps_to_the_right_in_the_first_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "NOISE", 0.0)
    parts = tubelets(make_clips(40, seed=0)[0])[::2, :, 0, 0]
    for before, after in zip(parts[:, :-1].flatten(0, 1), parts[:, 1:].flatten(0, 1), strict=True):
        assert torch.equal(after, before.roll(proof.JUMP, dims=1))


@pytest.mark.parametrize("name", ["slots", "timed"])
def test_a_baseline_costs_no_less(name: str) -> None:
    assert cost("joint") <= cost(name) < 1.05 * cost("joint")
    assert MODELS[name].depth == CONFIG.depth


def test_slots_ignore_the_order_of_time_steps_and_timed_ones_and_joint_do_not() -> None:
    clips, _ = make_clips(8, seed=0)
    answers = {name: make_model(name, torch.Generator().manual_seed(0)).eval()(clips).detach() for name in MODELS}
    assert_close(answers["slots"][::2], answers["slots"][1::2], atol=1e-5, rtol=0)
    for name in ("timed", "joint"):
        assert float((answers[name][::2] - answers[name][1::2]).abs().max()) > 1e-2


def test_a_token_of_slots_sees_its_own_time_step_alone() -> None:
    clips, _ = make_clips(2, seed=0)
    other = clips.clone()
    other[:, -CONFIG.tubelet :] = 0
    for name, alone in (("slots", True), ("timed", True), ("joint", False)):
        encoder = make_model(name, torch.Generator().manual_seed(0)).eval().encoder
        before, after = (encoder(encoder.embed(part)).detach().unflatten(1, (TIMES, -1)) for part in (clips, other))
        assert torch.allclose(before[:, :-1], after[:, :-1], atol=1e-6) == alone
        assert not torch.allclose(before[:, -1], after[:, -1])


def test_averaged_time_steps_stay_at_chance_however_they_are_trained() -> None:
    clips, labels = make_clips(64, seed=0)
    model = train("slots", clips, labels, seed=0, steps=3)
    assert not model.training
    assert proof.accuracy(model, clips, labels) == pytest.approx(0.5, abs=0.05)


def test_a_run_scores_what_the_claim_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "TRAIN", 16)
    monkeypatch.setattr(proof, "TEST", 8)
    monkeypatch.setattr(proof.train, "__kwdefaults__", {"steps": 2})
    scores = proof.run(0)
    assert {CLAIM.mechanism, CLAIM.baseline} <= set(scores)
    assert all(0 <= score <= 1 for score in scores.values())
