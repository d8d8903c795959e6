"""What must hold for activity-specific features: where softmaxes sum to one, symmetries, limits, who gets gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.activity_correlation import (
    SPECS,
    VARIANTS,
    ActivityCorrelation,
    ActivityHead,
    Config,
)
from onlooker.methods.recognition.activity_correlation.config import TINY
from onlooker.methods.recognition.activity_correlation.model import measure
from onlooker.methods.recognition.attention_maps import attend
from onlooker.nn.backbones3d import Backbone3d
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)

ACTIVITIES, OBSERVATIONS, INNER, CHANNELS = 5, 3, 4, 6


def head(**changes: Any) -> ActivityHead:
    """Every parameter drawn at random, so that no part is silent."""
    torch.manual_seed(0)
    made = ActivityHead(CHANNELS, **{"activities": ACTIVITIES, "observations": OBSERVATIONS, "inner": INNER, **changes})
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape))
    return made.eval()


def maps(seed: int = 1) -> torch.Tensor:
    return torch.randn(2, CHANNELS, 3, 4, 4, generator=torch.Generator().manual_seed(seed))


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_the_head_adds_less_than_a_million_parameters() -> None:
    assert set(VARIANTS) == set(SPECS)
    config = VARIANTS["csn152"]
    with torch.device("meta"):
        model = ActivityCorrelation(config)
        backbone = count_parameters(Backbone3d("csn", depths=(3, 8, 36, 3)))
    n, d, a, c = config.observations, config.inner, config.classes, 2048
    expected = 2 * (c * d + d) + n * d + a * d + d * d + (d * d + d) + 3 * d * d + a * a + a * (d + 1)
    assert count_parameters(model) - backbone == expected == 679_782
    assert measure("csn152")["parameters"] == backbone + expected


def test_more_rates_cost_no_parameters() -> None:
    with torch.device("meta"):
        one, three = (count_parameters(ActivityCorrelation(VARIANTS[name])) for name in ("csn152", "csn152_rates"))
    assert one == three


# --- the head ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["learned", "clip"])
def test_attentions_weights_and_relations_sum_to_one(query: str) -> None:
    found = head(query=query)([maps()])
    assert_close(found.attention[0].sum(dim=(2, 3, 4)), torch.ones(2, OBSERVATIONS))
    assert_close(found.weights.sum(dim=2), torch.ones(2, ACTIVITIES))
    assert found.relations is not None
    assert_close(found.relations.sum(dim=2), torch.ones(2, ACTIVITIES))
    assert_close(found.where().sum(dim=(2, 3, 4)), torch.ones(2, ACTIVITIES))


@pytest.mark.parametrize("query", ["learned", "clip"])
def test_the_head_does_not_know_where_things_are(query: str) -> None:
    made, given = head(query=query), maps()
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    moved = given.flatten(2)[..., order].view_as(given)
    assert_close(made([moved]).logits, made([given]).logits)


def test_observations_may_be_numbered_in_any_way() -> None:
    made = head()
    before = made([maps()]).logits
    assert made.observe.query is not None
    with torch.no_grad():
        made.observe.query.copy_(made.observe.query[[2, 0, 1]])
    assert_close(made([maps()]).logits, before)


def test_one_observation_gives_all_activities_the_same_feature() -> None:
    found = head(observations=1, correlations=False)([maps()])
    assert_close(found.features, found.features[:, :1].expand(-1, ACTIVITIES, -1))
    assert not torch.allclose(found.logits[:, :1], found.logits[:, 1:])


def test_observations_are_means_under_their_attention() -> None:
    made, given = head(), maps()
    observed, attention = made.observe(given)
    values = made.observe.value(given.movedim(1, -1))
    assert_close(observed, torch.einsum("bnthw,bthwc->bnc", attention, values))


def test_silent_queries_average_over_the_clip() -> None:
    made, given = head(), maps()
    torch.nn.init.zeros_(made.observe.query)
    observed, _ = made.observe(given)
    mean = made.observe.value(given.mean(dim=(2, 3, 4)))
    assert_close(observed, mean[:, None].expand(-1, OBSERVATIONS, -1))


def test_each_logit_has_its_own_weights() -> None:
    made = head()
    made([maps()]).logits[:, 2].sum().backward()
    gradient = made.classify.weight.grad
    assert gradient is not None
    assert gradient[2].any()
    assert not gradient[[0, 1, 3, 4]].any()


def test_without_correlations_an_activity_depends_on_its_own_embedding_alone() -> None:
    made = head(correlations=False)
    made([maps()]).logits[:, 2].sum().backward()
    gradient = made.mix.embed.grad
    assert gradient is not None
    assert gradient[2].any()
    assert not gradient[[0, 1, 3, 4]].any()


def test_with_correlations_it_hears_of_the_others() -> None:
    made = head()
    made([maps()]).logits[:, 2].sum().backward()
    gradient = made.mix.embed.grad
    assert gradient is not None
    assert all(row.any() for row in gradient)


def test_new_correlations_change_nothing_until_they_learn() -> None:
    made, without = head(), head(correlations=False)
    without.load_state_dict({k: v for k, v in made.state_dict().items() if not k.startswith("correlate")})
    assert not torch.allclose(made([maps()]).logits, without([maps()]).logits)
    torch.nn.init.zeros_(made.correlate.v.weight)
    assert torch.equal(made([maps()]).logits, without([maps()]).logits)
    fresh = ActivityCorrelation(Config(**TINY)).head.correlate
    assert not fresh.v.weight.any()


def test_the_table_of_who_goes_with_whom_can_decide_alone() -> None:
    made = head()
    torch.nn.init.zeros_(made.correlate.q.weight)
    with torch.no_grad():
        made.correlate.bias.copy_(1e4 * torch.eye(ACTIVITIES)[[1, 0, 2, 3, 4]])
    relations = made([maps()]).relations
    assert_close(relations, torch.eye(ACTIVITIES)[[1, 0, 2, 3, 4]].expand(2, -1, -1))
    assert head(static=False).correlate.bias is None


def test_observations_of_all_rates_are_put_together() -> None:
    made = head()
    found = made([maps(1), maps(2)])
    assert found.weights.shape == (2, ACTIVITIES, 2 * OBSERVATIONS)
    total = found.where(0).sum(dim=(2, 3, 4)) + found.where(1).sum(dim=(2, 3, 4))
    assert_close(total, torch.ones(2, ACTIVITIES))
    # twice the same maps say nothing new
    assert_close(made([maps(), maps()]).logits, made([maps()]).logits)


# --- the network ------------------------------------------------------------------------------------------------------


def tiny(**changes: Any) -> ActivityCorrelation:
    torch.manual_seed(0)
    return ActivityCorrelation(replace(Config(**TINY), **changes)).eval()


def test_scores_are_of_each_activity_on_its_own() -> None:
    model = tiny()
    scores = model.predict(torch.zeros(6, 3, 20, 24, dtype=torch.uint8)).scores
    assert model.multi_label
    assert scores.shape == (5,)
    assert abs(float(scores.sum()) - 1) > 0.05


def test_frozen_observations_leave_the_rest_to_learn() -> None:
    model = tiny(rates=(1, 2))
    model.freeze_observations()
    model(torch.rand(2, 4, 3, 16, 16)).sum().backward()
    learning = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learning == {
        name for name, _ in model.named_parameters() if name.split(".")[1] in ("mix", "correlate", "classify")
    }


@pytest.mark.parametrize("changes", [{"observations": 0}, {"rates": ()}, {"query": "text"}, {"backbone": "vit"}])
def test_impossible_networks_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Config(**{**TINY, **changes})


def test_the_model_says_what_supports_the_likeliest_activity() -> None:
    model = ActivityCorrelation(Config(**TINY)).eval()
    clips = torch.rand(3, 4, 3, 16, 16)
    with torch.no_grad():
        model.head.classify.bias.copy_(torch.tensor([0.0, 0, 50, 0, 0]))
        maps, expected = model.attention_map(clips), model.find(clips).where()[:, 2]
    assert maps.shape[:2] == (3, 4)
    assert_close(maps, expected)
    assert_close(maps.sum(dim=(1, 2, 3)), torch.ones(3))
    found = attend(model, np.zeros((9, 24, 24, 3), np.uint8))
    assert found.shares.shape[0] == 4
    assert found.prediction.top(1)[0][1] > 0.99
