"""The experiment's data carries its label only in the order of frames, and the models start equal."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.timesformer import TimeSformer
from onlooker.methods.recognition.timesformer.proof import CLAIM, CONFIG, accuracy, make_clips, scale_to_width

torch.set_num_threads(1)


def test_the_two_classes_hold_the_same_frames() -> None:
    clips, labels = make_clips("reversal", 20, seed=0)
    assert torch.equal(clips[::2], clips[1::2].flip(1))
    assert labels.tolist() == [0, 1] * 10
    assert not torch.equal(clips[0], clips[1])


def test_seeds_give_other_clips_and_the_same_seed_the_same() -> None:
    first = make_clips("reversal", 4, seed=0)[0]
    assert torch.equal(first, make_clips("reversal", 4, seed=0)[0])
    assert not torch.equal(first, make_clips("reversal", 4, seed=1)[0])


def test_textures_have_equal_brightness_and_stand_still() -> None:
    torch.manual_seed(0)
    clips, _ = make_clips("texture", 400, seed=0)
    by_class = clips.mean((1, 2, 3, 4)).view(-1, 2).mean(0)
    assert abs(float(by_class[0] - by_class[1])) < 0.002
    assert float((clips.mean((2, 3, 4)).std(dim=1)).max()) < 0.03


def test_scaling_gives_the_standard_deviation_of_the_base_width() -> None:
    model = TimeSformer(CONFIG)
    before = float(model.blocks[0].mlp.fc1.weight.detach().std())
    scale_to_width(model)
    assert float(model.blocks[0].mlp.fc1.weight.detach().std()) / before == pytest.approx(
        (768 / CONFIG.dim) ** 0.5, rel=1e-4
    )


def test_space_only_cannot_do_better_than_chance_however_it_is_trained() -> None:
    assert accuracy("space", "reversal", seed=0, steps=2) == 0.5
    assert accuracy("divided", "reversal", seed=0, steps=2, ordered=False) == 0.5


@pytest.mark.slow
def test_the_mechanism_beats_the_baseline() -> None:
    assert (CLAIM.mechanism, CLAIM.baseline) == ("divided", "space")
    assert accuracy("divided", "reversal", seed=0) > 0.9
