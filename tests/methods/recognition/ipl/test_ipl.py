"""What must hold for interactive prototypes: assignment, groups and their limits, symmetries, who gets gradients."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.attention_maps import attend
from onlooker.methods.recognition.ipl import IPL, SPECS, VARIANTS, Config, InteractiveHead
from onlooker.methods.recognition.ipl.config import TINY
from onlooker.methods.recognition.ipl.model import best_actions, interaction_loss, measure
from onlooker.nn.backbones3d import Backbone3d
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)

CHANNELS, VERBS, NOUNS = 6, 4, 3


def head(**changes: Any) -> InteractiveHead:
    """Every parameter drawn at random, so that no part is silent."""
    torch.manual_seed(0)
    made = InteractiveHead(CHANNELS, **{"verbs": VERBS, "nouns": NOUNS, "top": 2, **changes})
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name != "log_temperature":
                parameter.add_(0.3 * torch.randn(parameter.shape))
    return made.eval()


def maps(seed: int = 1) -> torch.Tensor:
    return torch.rand(2, CHANNELS, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


def places() -> torch.Tensor:
    return maps().flatten(2).transpose(1, 2)


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["epic100_i3d_r50", "epic55_r2plus1d_34", "egtea_i3d_r50"])
def test_the_head_is_small_but_for_its_fusion(variant: str) -> None:
    assert set(VARIANTS) == set(SPECS)
    config = VARIANTS[variant]
    with torch.device("meta"):
        model = IPL(config)
        backbone = count_parameters(Backbone3d(config.backbone))
    c = model.backbone.widths[-1]
    fusion = c * c * config.top + 2 * c
    assert count_parameters(model) - backbone == (config.verbs + 1) * c + config.nouns * c + fusion + 2


def test_published_numbers_of_verbs_and_nouns() -> None:
    found = {name: (config.verbs, config.nouns) for name, config in VARIANTS.items()}
    assert found["epic100_i3d_r50"] == (97, 300)
    assert found["epic55_i3d_r50"] == (125, 331)
    assert found["egtea_i3d_r50"] == (19, 53)


@pytest.mark.slow
def test_the_smallest_variant_is_measured() -> None:
    size = measure("egtea_i3d_r50")
    assert size["multiply_adds"] == 148_514_160_640
    assert size["parameters"] == 27_223_872 + (20 + 53) * 2048 + 5 * 2048**2 + 2 * 2048 + 2


# --- assignment and groups --------------------------------------------------------------------------------------------


def test_every_place_is_shared_out_among_verbs_and_background() -> None:
    assignment = head().assign(places())
    assert assignment.shape == (2, 48, VERBS + 1)
    assert_close(assignment.sum(dim=-1), torch.ones(2, 48))
    assert (assignment[..., :VERBS].sum(dim=-1) < 1).all()
    assert_close(head(background=False).assign(places()).sum(dim=-1), torch.ones(2, 48))


def test_assignment_is_a_softmax_of_plain_products_with_unit_prototypes() -> None:
    made = head()
    centres = torch.cat((functional.normalize(made.verb_prototypes, dim=1), made.background_prototype))
    assert_close(made.assign(places()), (places() @ centres.T).softmax(dim=-1))


def test_scaled_places_are_those_of_larger_maps() -> None:
    scaled, plain = head(scale=4.0)(maps()), head()(4 * maps())
    assert_close(scaled.assignment, plain.assignment)
    assert_close(scaled.noun_logits, plain.noun_logits)
    assert_close(scaled.verb_logits, head()(maps()).verb_logits)
    assert (scaled.assignment - head()(maps()).assignment).abs().max() > 0.01


def test_what_is_all_background_leaves_the_groups_empty() -> None:
    made = head()
    assert made.background_prototype is not None
    with torch.no_grad():
        made.background_prototype.fill_(1e4)
    shares = made.assign(places())[..., :VERBS]
    assert not made.group(places(), shares).any()


def test_places_at_their_prototype_leave_no_residual() -> None:
    made = head()
    at = made.centres()[2].expand(1, 5, -1)
    shares = functional.one_hot(torch.full((1, 5), 2), VERBS).float()
    assert_close(made.group(at, shares), torch.zeros(1, VERBS, CHANNELS), atol=1e-6, rtol=0)
    plain = head(residual=False).group(at, shares)
    assert_close(plain[0, 2], 5 * made.centres()[2])


def test_groups_are_sums_of_differences() -> None:
    made, shares = head(), torch.rand(2, 48, VERBS)
    difference = places()[:, :, None] - made.centres()
    assert_close(made.group(places(), shares), (shares[..., None] * difference).sum(dim=1))


def test_plain_prototypes_are_the_rows_of_the_classifier() -> None:
    made = head(prototypes="plain")
    assert made.centres() is made.verb_prototypes
    assert_close(head().centres().norm(dim=1), torch.ones(VERBS))


# --- verbs and nouns --------------------------------------------------------------------------------------------------


def test_verbs_do_not_depend_on_the_size_of_the_maps() -> None:
    made = head()
    assert_close(made(maps()).verb_logits, made(7 * maps()).verb_logits)


def test_the_head_does_not_know_where_things_are() -> None:
    made, given = head(), maps()
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    moved = made(given.flatten(2)[..., order].view_as(given))
    assert_close(moved.noun_logits, made(given).noun_logits)
    assert_close(moved.verb_logits, made(given).verb_logits)


def test_the_likeliest_verbs_choose_the_groups() -> None:
    made, given = head(), maps()
    found = made(given)
    assert_close(found.chosen, found.verb_logits.topk(2).indices)
    groups = made.group(places(), made.assign(places())[..., :VERBS])
    picked = torch.stack([groups[i, found.chosen[i]] for i in range(2)])
    assert_close(found.noun_feature, made.fusion(functional.normalize(picked, dim=2)))
    assert_close(
        found.active,
        sum(found.assignment[..., found.chosen[:, k]].diagonal(dim1=0, dim2=4).movedim(-1, 0) for k in range(2)),
    )


def test_more_than_all_verbs_are_all_verbs() -> None:
    made = head(top=9)
    assert made.fusion.conv.kernel_size == (VERBS,)
    assert sorted(made(maps()).chosen[0].tolist()) == list(range(VERBS))


def test_a_new_fusion_is_the_mean_over_the_groups() -> None:
    made = InteractiveHead(CHANNELS, verbs=VERBS, nouns=NOUNS, top=2).eval()
    groups = torch.rand(2, 2, CHANNELS)
    assert_close(made.fusion(groups), groups.mean(dim=1) / (1 + 1e-5) ** 0.5)


def test_nouns_teach_the_background_and_the_prototypes() -> None:
    made = head()
    made(maps()).noun_logits[:, 0].sum().backward()
    for name in ("background_prototype", "verb_prototypes", "noun_weight", "log_temperature"):
        gradient = made.get_parameter(name).grad
        assert gradient is not None, name
        assert gradient.any(), name


def test_each_classifier_has_its_own_temperature() -> None:
    made = head()
    before = made(maps())
    with torch.no_grad():
        made.log_temperature[1] += math.log(4)
    after = made(maps())
    assert torch.equal(after.verb_logits, before.verb_logits)
    assert_close(after.noun_logits, before.noun_logits / 4)


def test_verbs_do_not_teach_the_nouns() -> None:
    made = head()
    made(maps()).verb_logits[:, 0].sum().backward()
    assert made.log_temperature.grad is not None
    assert made.log_temperature.grad[1] == 0
    learning = {name for name, parameter in made.named_parameters() if parameter.grad is not None}
    assert learning == {"verb_prototypes", "log_temperature"}


# --- the network ------------------------------------------------------------------------------------------------------


def test_scores_of_pairs_are_products() -> None:
    found = head()(maps())
    pairs = found.action_logits.softmax(dim=1).view(2, VERBS, NOUNS)
    verbs, nouns = found.verb_logits.softmax(dim=1), found.noun_logits.softmax(dim=1)
    assert_close(pairs, verbs[:, :, None] * nouns[:, None, :])


def test_the_loss_of_a_pair_is_that_of_verb_and_noun() -> None:
    found = head()(maps())
    verbs, nouns = torch.tensor([1, 3]), torch.tensor([2, 0])
    expected = functional.cross_entropy(found.action_logits, verbs * NOUNS + nouns)
    assert_close(interaction_loss(found, verbs, nouns), expected)


def test_pairs_that_never_occurred_can_be_left_out() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0, 2.0, 0.5, 0.1]])
    assert [int(part) for part in best_actions(logits, 3)] == [0, 1]
    seen = torch.tensor([True, False, True, False, True, True])
    assert [int(part) for part in best_actions(logits, 3, seen)] == [0, 2]


def test_verbs_alone() -> None:
    model = IPL(replace(Config(**TINY), classes=4, nouns=1)).eval()
    assert model.config.verbs == 4
    scores = model.predict(np.zeros((6, 20, 24, 3), np.uint8)).scores
    assert scores.shape == (4,)


def test_the_model_says_where_the_active_object_is() -> None:
    torch.manual_seed(0)
    model = IPL(Config(**TINY)).eval()
    with torch.no_grad():
        for table in (model.head.verb_prototypes, model.head.background_prototype):
            assert table is not None
            table.mul_(5)  # so that some places belong to the background
    found = attend(model, np.random.default_rng(0).integers(0, 256, (9, 24, 24, 3), np.uint8))
    assert found.shares.shape == (4, 5, 5)  # clips are shown at 18 x 18
    assert found.shares.mean() == pytest.approx(1, abs=1e-5)
    assert found.shares.std() > 1e-3
    clip = torch.rand(2, 4, 3, 16, 16)
    before = model.attention_map(clip)
    assert_close(before, model.interact(clip).active)
    with torch.no_grad():
        model.head.background_prototype.fill_(1e4)
    silent = model.backbone(clip.transpose(1, 2)).sum(dim=1) == 0  # these places are like every prototype
    assert not model.attention_map(clip)[~silent].any()


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": 7},
        {"top": 0},
        {"temperature": 0.0},
        {"noun_temperature": 0.0},
        {"scale": 0.0},
        {"prototypes": "free"},
    ],
)
def test_impossible_networks_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Config(**{**TINY, **changes})
