"""The experiment's clips are what it says, and all heads see the same."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from onlooker.methods.recognition.ipl.proof import (
    CLAIM,
    RATES,
    TRAIN,
    Interactive,
    accuracy,
    active_places,
    fit,
    look_at,
    make_network,
    object_cells,
    pretrain,
)
from onlooker.methods.recognition.ipl.proof_clips import (
    FRAMES,
    GLYPHS,
    NOUNS,
    SIDE,
    SIZE,
    STILL,
    VERBS,
    make_clips,
    make_lone_clips,
)

torch.set_num_threads(1)


def test_clips_are_small_and_repeatable() -> None:
    data = make_clips(40, 0)
    assert data.clips.shape == (40, FRAMES, 3, SIZE, SIZE)
    assert set(data.verbs.tolist()) == set(range(len(VERBS)))
    assert set(data.nouns.tolist()) == set(range(NOUNS))
    assert torch.equal(make_clips(40, 0).clips, data.clips)
    assert not torch.equal(make_clips(40, 1).clips, data.clips)
    assert data[:7].places.shape == (7, FRAMES, 2)


def test_every_kind_looks_another_way_when_it_is_turned() -> None:
    assert GLYPHS.shape == (NOUNS, SIDE, SIDE)
    # by an eighth, the turn from frame to frame
    angle = torch.tensor(0.785)
    turn = torch.stack((torch.stack((angle.cos(), -angle.sin())), torch.stack((angle.sin(), angle.cos()))))
    grid = functional.affine_grid(
        torch.cat((turn, torch.zeros(2, 1)), dim=1).expand(NOUNS, 2, 3), [NOUNS, 1, SIDE, SIDE], align_corners=False
    )
    turned = functional.grid_sample(GLYPHS[:, None], grid, align_corners=False)[:, 0]
    assert ((turned - GLYPHS).abs().mean(dim=(1, 2)) > 0.15).all()
    apart = (GLYPHS[:, None] - GLYPHS).abs().mean(dim=(2, 3)) + torch.eye(NOUNS)
    assert apart.min() > 0.1


def test_more_objects_cover_more_of_the_ground() -> None:
    bright = [
        float((functional.avg_pool2d(make_clips(60, 0, others=n).clips.flatten(0, 1), 3, 1) > 0.6).float().mean())
        for n in range(4)
    ]
    steps = torch.tensor(bright).diff()
    assert (steps > 0.01).all()
    assert steps.max() < 2 * steps.min()


def test_the_hand_is_right_below_the_active_object() -> None:
    held, free = make_clips(60, 0), make_clips(60, 0, hand=False)
    hand = (held.clips - free.clips).abs().amax(dim=2) > 0.3
    rows = torch.arange(SIZE).float()[:, None] + 0.5
    seen = hand.sum(dim=(2, 3))
    below = (hand * rows).sum(dim=(2, 3)) / seen.clamp_min(1) - held.places[..., 0]
    assert 3 < float(below[seen > 6].median()) < 3 + SIDE / 2
    assert (seen > 6).float().mean() > 0.7


@pytest.mark.parametrize(("verb", "axis"), [("nod", 0), ("shake", 1)])
def test_verbs_move_the_object_their_way(verb: str, axis: int) -> None:
    data = make_clips(200, 0)
    travel = data.places.amax(dim=1) - data.places.amin(dim=1)
    chosen = data.verbs == VERBS.index(verb)
    others = data.verbs >= VERBS.index("turn")
    assert float(travel[chosen, axis].mean()) > float(travel[others, axis].mean()) + 3
    assert float(travel[chosen, 1 - axis].mean()) < float(travel[chosen, axis].mean()) - 2


def test_lone_objects_may_stand_still() -> None:
    data = make_lone_clips(80, 0)
    assert set(data.verbs.tolist()) == set(range(STILL + 1))
    alone = make_clips(80, 0, others=0, hand=False).clips
    assert data.clips.mean() == pytest.approx(float(alone.mean()), abs=0.02)


def test_the_object_touches_its_cells() -> None:
    data = make_clips(50, 0, others=0, hand=False)
    inside = object_cells(data, 4, 8)
    assert inside.shape == (50, 4, 8, 8)
    assert 6 <= float(inside.sum(dim=(2, 3)).median()) <= 16
    bright = functional.avg_pool2d(data.clips.mean(dim=2), 4).view(50, 4, 2, 8, 8).mean(dim=2)
    assert float((bright * inside).sum() / inside.sum()) > 3 * float((bright * (1 - inside)).mean()) + 0.1


def test_all_networks_start_from_the_pretrained_backbone() -> None:
    start = pretrain(0, count=40, steps=2)
    fresh = make_network("linear", 0).backbone.state_dict()
    assert any(not torch.equal(value, fresh[key]) for key, value in start.items())
    for name in RATES:
        state = make_network(name, 0, start).backbone.state_dict()
        assert all(torch.equal(state[key], value) for key, value in start.items())


@pytest.mark.parametrize("name", ["ipl", "even", "linear", "cosine"])
def test_an_untrained_network_guesses(name: str) -> None:
    data = make_clips(100, 0)
    network = fit(make_network(name, 0), data, 0, rate=RATES[name], steps=2)
    verb, noun, action = accuracy(network, data)
    assert action <= min(verb, noun)
    assert max(verb, noun) < 0.6
    if name == "ipl":
        assert isinstance(network.head, Interactive)
        assert active_places(network, data.clips).shape == (100, 4, 8, 8)
        assert 0.5 < look_at(network, data) < 2


def test_the_control_makes_no_difference_between_places() -> None:
    network, clips = make_network("even", 0), make_clips(3, 0).clips
    assert_close(active_places(network, clips), torch.full((3, 4, 8, 8), 2 / (len(VERBS) + 1)))
    assert active_places(make_network("ipl", 0), clips).std() > 0.01


@pytest.mark.slow
def test_prototypes_find_the_active_object() -> None:
    assert (CLAIM.mechanism, CLAIM.baseline) == ("noun", "noun_averages")
    data, unseen = make_clips(TRAIN, 103), make_clips(256, 104)
    network = fit(make_network("ipl", 103, pretrain(103)), data, 103, rate=RATES["ipl"])
    verb, noun, _ = accuracy(network, unseen)
    assert min(verb, noun) > 0.75
    assert look_at(network, unseen) > 2
