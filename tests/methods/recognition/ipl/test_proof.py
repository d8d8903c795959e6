"""The experiment's clips are what it says, and all models see the same."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from onlooker.methods.recognition.ipl.proof import (
    CLAIM,
    CONFIG,
    NOUNS,
    SIDE,
    TEST,
    TRAIN,
    VERBS,
    Interactive,
    accuracy,
    fit,
    look_at,
    make_clips,
    make_lone_clips,
    make_model,
    pretrain,
)

torch.set_num_threads(1)


def test_clips_hold_a_hand_and_the_object_above_it() -> None:
    data = make_clips(30, 0)
    assert data.clips.shape == (30, CONFIG.frames, 3, CONFIG.size, CONFIG.size)
    assert set(data.verbs.tolist()) <= set(range(len(VERBS)))
    assert set(data.nouns.tolist()) <= set(range(NOUNS))
    # the bare hand is the only thing that is much redder than it is blue, once the noise is smoothed away
    redder = (data.clips[:, :, 0] - data.clips[:, :, 2]).flatten(0, 1)[:, None]
    red = (functional.avg_pool2d(redder, 3, 1, 1) > 0.5).view(30, CONFIG.frames, CONFIG.size, CONFIG.size)
    assert red.any(dim=(2, 3)).float().mean() > 0.98
    rows = torch.arange(CONFIG.size).float()[:, None]
    hand = (red * rows).sum(dim=(2, 3)) / red.sum(dim=(2, 3)).clamp_min(1)
    below = hand - data.places[..., 0]
    assert 2 < float(below.median()) < 2 + SIDE


def test_holding_still_only_sways() -> None:
    data = make_clips(200, 0)
    travel = (data.places.amax(dim=1) - data.places.amin(dim=1)).sum(dim=1)
    hold = data.verbs == VERBS.index("hold")
    assert float(travel[hold].mean()) < float(travel[~hold].mean()) - 1


def test_another_hand_wears_a_blue_glove() -> None:
    bluer = make_clips(30, 0).clips
    blue = functional.avg_pool2d((bluer[:, :, 2] - bluer[:, :, 0]).flatten(0, 1)[:, None], 3, 1, 1) > 0.5
    assert blue.any(dim=(1, 2, 3)).float().mean() > 0.9  # at times it lies below the bare one


def test_no_other_objects_leave_the_ground_empty() -> None:
    crowded, alone = make_clips(20, 0), make_clips(20, 0, others=False)
    assert crowded.clips.mean() > alone.clips.mean() + 0.02


def test_models_start_with_the_same_backbone() -> None:
    states = [make_model(name, CONFIG, 3).state_dict() for name in ("ipl", "linear", "cosine")]
    for key, value in states[1].items():
        if key.startswith("backbone"):
            assert torch.equal(value, states[0][f"model.{key}"])
            assert torch.equal(value, states[2][key])


def test_lone_objects_are_in_one_of_two_hands_or_none() -> None:
    clips, answers = make_lone_clips(90, 0)
    redder = (clips[:, :, 0] - clips[:, :, 2]).flatten(0, 1)[:, None]
    smooth = functional.avg_pool2d(redder, 3, 1, 1).view(90, -1)
    for hand, colour in ((0, smooth.amax(dim=1) > 0.6), (1, smooth.amin(dim=1) < -0.6)):
        held = answers[:, 2] == hand
        assert colour[held].float().mean() > 0.9
        assert colour[~held].float().mean() < 0.6  # the ground is coloured too
    assert [len(column.unique()) for column in answers.unbind(dim=1)] == [len(VERBS), NOUNS, 3]


def test_all_models_start_from_the_pretrained_backbone() -> None:
    start = pretrain(0, count=40, steps=2)
    fresh = make_model("linear", CONFIG, 0).state_dict()
    assert any(not torch.equal(value, fresh[f"backbone.{key}"]) for key, value in start.items())
    for name, prefix in (("ipl", "model.backbone."), ("linear", "backbone."), ("cosine", "backbone.")):
        state = make_model(name, CONFIG, 0, start).state_dict()
        assert all(torch.equal(state[prefix + key], value) for key, value in start.items())


def test_an_untrained_model_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onlooker.methods.recognition.ipl.proof.TRAIN", 40)
    data = make_clips(100, 0)
    model = fit(make_model("ipl", CONFIG, 0), data, 0, steps=1)
    verb, noun, action = accuracy(model, data)
    assert action <= min(verb, noun)
    assert max(verb, noun) < 0.5
    assert isinstance(model, Interactive)
    assert 0.3 < look_at(model.model, data) < 3


@pytest.mark.slow
def test_the_mechanism_learns_verbs_and_nouns() -> None:
    # that it learns them better than the baseline is not shown: the card says so
    data = make_clips(TRAIN + TEST, 103)
    assert (CLAIM.mechanism, CLAIM.baseline) == ("verb", "verb_linear")
    verb, noun, _ = accuracy(fit(make_model("ipl", CONFIG, 103, pretrain(103)), data, 103), data)
    assert verb > 0.7
    assert noun > 0.35
