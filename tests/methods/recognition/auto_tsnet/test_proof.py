"""The experiment compares networks of equal cost on clips that are what it says."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.auto_tsnet.model import AutoTSNet
from onlooker.methods.recognition.auto_tsnet.progressive import Schedule
from onlooker.methods.recognition.auto_tsnet.proof import (
    BASE,
    CLAIM,
    COLOURS,
    GAP,
    LENGTH,
    SPACE,
    TARGET,
    TRAIN,
    accuracy,
    cost_of,
    find,
    make_clips,
    random_network,
    widened,
)
from onlooker.nn.counting import count_multiply_adds

torch.set_num_threads(1)


def test_costs_are_counted_multiply_adds() -> None:
    shape = (1, BASE.frames, BASE.channels, BASE.size, BASE.size)
    assert cost_of(BASE) == count_multiply_adds(lambda: AutoTSNet(BASE), shape)


@pytest.mark.parametrize("cost", [150_000, 190_000, 300_000])
def test_the_hand_made_network_never_costs_less(cost: int) -> None:
    config = widened(cost)
    assert cost <= cost_of(config) < 1.15 * cost
    assert config.slow_widths[0] // 4 == config.fast_widths[0]


def test_networks_drawn_at_random_cost_about_as_much() -> None:
    assert cost_of(random_network(TARGET, 0)) == pytest.approx(TARGET, rel=0.1)
    assert random_network(TARGET, 0) == random_network(TARGET, 0)


def test_clips_hold_two_flashes_in_the_order_of_the_label() -> None:
    clips, labels = make_clips(40, 0)
    assert clips.shape == (40, BASE.frames, 3, BASE.size, BASE.size)
    for clip, label in zip(clips, labels.tolist(), strict=True):
        lit = (clip > 1).any(dim=(1, 2, 3)).nonzero().flatten().tolist()
        assert len(lit) == 2 * LENGTH
        assert GAP[0] <= lit[LENGTH] - lit[0] <= GAP[1]
        for frame, colour in ((lit[0], label // 3), (lit[-1], label % 3)):
            assert torch.equal((clip[frame] > 1).any(dim=(1, 2)).float(), COLOURS[colour])


def test_a_search_stays_in_its_space() -> None:
    clips, labels = make_clips(TRAIN, 0)
    found = find(clips, labels, 0, schedule=Schedule(steps=1, warmup=0.0))
    assert set(found.probabilities) == set(SPACE.free())
    assert found.cost == cost_of(found.config)


def test_the_claim_is_about_networks_of_equal_cost() -> None:
    assert (CLAIM.mechanism, CLAIM.baseline) == ("searched", "hand_made")
    clips, labels = make_clips(TRAIN + 64, 0)
    assert 0 <= accuracy(widened(200_000), clips, labels, 0, steps=1) < 0.3
