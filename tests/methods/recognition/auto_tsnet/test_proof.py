"""The experiment compares networks of equal cost on clips that are what it says."""

from __future__ import annotations

import pytest
import torch

from onlooker.methods.recognition.auto_tsnet.model import AutoTSNet
from onlooker.methods.recognition.auto_tsnet.progressive import Schedule
from onlooker.methods.recognition.auto_tsnet.proof import (
    BASE,
    CLAIM,
    CLASSES,
    SPACE,
    TARGET,
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


@pytest.mark.parametrize("cost", [200_000, 300_000, 400_000])
def test_the_hand_made_network_never_costs_less(cost: int) -> None:
    config = widened(cost)
    assert cost <= cost_of(config) < 1.15 * cost
    assert config.slow_widths[0] // 4 == config.fast_widths[0]


def test_networks_drawn_at_random_cost_about_as_much() -> None:
    assert cost_of(random_network(TARGET, 0)) == pytest.approx(TARGET, rel=0.1)
    assert random_network(TARGET, 0) == random_network(TARGET, 0)


def test_clips_hold_a_still_figure_and_a_dot() -> None:
    clips, labels = make_clips(40, 0)
    assert clips.shape == (40, BASE.frames, 1, BASE.size, BASE.size)
    assert set(labels.tolist()) <= set(range(CLASSES))
    still = (clips > 0.5).all(dim=1).sum(dim=(1, 2, 3))
    moving = (clips > 0.5).any(dim=1).sum(dim=(1, 2, 3))
    assert (still >= 8).all()
    assert (moving > still + 8).all()


def test_a_search_stays_in_its_space() -> None:
    clips, labels = make_clips(1600, 0)
    found = find(clips, labels, 0, schedule=Schedule(steps=1, warmup=0.0))
    assert set(found.probabilities) == set(SPACE.free())
    assert found.cost == cost_of(found.config)


def test_the_claim_is_about_networks_of_equal_cost() -> None:
    assert (CLAIM.mechanism, CLAIM.baseline) == ("searched", "hand_made")
    clips, labels = make_clips(1600, 0)
    assert 0 <= accuracy(widened(200_000), clips, labels, 0, steps=1) < 0.3
