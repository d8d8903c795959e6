"""All ways to drop time steps cost the same, about half of dropping none; the clips show what their truth says."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.vidtr import VidTr
from onlooker.methods.recognition.vidtr.convert import inflate
from onlooker.methods.recognition.vidtr.proof import (
    CLAIM,
    CONFIG,
    IMAGE,
    MODELS,
    SHOWN,
    cost,
    make_alike,
    make_clips,
    pretrain,
    recall,
)

torch.set_num_threads(1)
KEPT = CONFIG.time_steps[-1] / CONFIG.frames


def test_costs() -> None:
    costs = {name: cost(name) for name in ("std", "uniform", "staggered", "full")}
    assert costs["std"] == costs["uniform"] == costs["staggered"]
    assert 0.45 < costs["std"] / costs["full"] < 0.6
    assert (CLAIM.mechanism, CLAIM.baseline) == ("std", "uniform")


def test_models_start_from_the_same_image_transformer() -> None:
    image = pretrain(0, alike=True, steps=1)
    states = [inflate(image, config, generator=torch.Generator().manual_seed(0)) for config in MODELS.values()]
    assert all(torch.equal(states[0][key], state[key]) for state in states for key in states[0])
    tables = states[0]["position_table"][0, 1:].view(CONFIG.frames, -1)
    assert torch.equal(tables[0], tables[-1])


def test_alike_makes_keys_of_queries_and_leaves_the_rest() -> None:
    before, after = (VidTr(IMAGE, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    make_alike(after)
    old = before.state_dict()
    for name, weight in after.state_dict().items():
        if name.endswith("attention.qkv.weight"):
            (query, key, value), (old_query, old_key, old_value) = weight.chunk(3), old[name].chunk(3)
            assert torch.equal(query, key)
            assert not torch.equal(old_query, old_key)
            assert torch.equal(query, old_query)
            assert torch.equal(value, old_value)
        else:
            assert torch.equal(weight, old[name])


@pytest.mark.parametrize(("frames", "shown"), [(CONFIG.frames, SHOWN), (1, 1)])
def test_the_glyph_shows_where_the_truth_says(frames: int, shown: int) -> None:
    clips, labels, marks = make_clips(40, 0, frames=frames, shown=shown)
    assert marks.sum((1, 2)).tolist() == [shown] * 40
    assert torch.equal(clips, make_clips(40, 0, frames=frames, shown=shown)[0])
    assert not torch.equal(clips, make_clips(40, 1, frames=frames, shown=shown)[0])
    assert int(labels.max()) == CONFIG.classes - 1
    side, patch = CONFIG.grid, CONFIG.patch
    patches = clips.view(40, frames, 3, side, patch, side, patch).transpose(4, 5).flatten(3, 4)
    glyphs = patches.permute(0, 1, 3, 2, 4, 5)[marks > 0].view(40, shown, -1)
    for label in range(CONFIG.classes):
        same = glyphs[labels == label].flatten(0, 1)
        assert float((same - same[0]).abs().max()) < 1


def test_recall_of_evenly_kept_steps_is_the_share_kept() -> None:
    clips, _, marks = make_clips(200, 0)
    for name in ("uniform", "staggered"):
        model = VidTr(MODELS[name], generator=torch.Generator().manual_seed(0)).eval()
        with torch.no_grad():
            assert abs(recall(model, clips, marks) - KEPT) < 0.05
            assert abs(recall(model, clips, torch.ones_like(marks)) - KEPT) < 1e-6


def test_deviation_finds_the_glyph_before_any_training_where_like_looks_at_like() -> None:
    clips, _, marks = make_clips(100, 0)
    apart, alike = (VidTr(CONFIG, generator=torch.Generator().manual_seed(0)).eval() for _ in range(2))
    make_alike(alike)
    with torch.no_grad():
        assert recall(alike, clips, marks) > 2 * KEPT
        assert recall(alike, clips, marks) > recall(apart, clips, marks) + 0.2
