"""What must hold for learned aggregation: convex rows, its limits, alignment of both branches, who gets gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.nuta import NUTA, SPECS, VARIANTS, Config, Moments, NonUniformAggregation
from onlooker.methods.recognition.nuta.aggregation import aggregate, band_bias, pool_time, pooled_columns, scatter
from onlooker.methods.recognition.nuta.config import TINY
from onlooker.methods.recognition.nuta.model import measure
from onlooker.methods.recognition.resnet3d import ResNet3d
from onlooker.methods.recognition.resnet3d.config import I3D
from onlooker.methods.recognition.resnet3d.config import Config as ResNetConfig
from onlooker.nn.backbones3d import Backbone3d
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)


def tiny(**changes: Any) -> NUTA:
    """Every parameter drawn at random, so that no part is silent."""
    generator = torch.Generator().manual_seed(0)
    model = NUTA(replace(Config(**TINY), dropout=0.0, **changes), generator=generator).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip(frames: int = 8) -> torch.Tensor:
    return torch.randn(2, frames, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def maps(time: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 4, time, 3, 3, generator=torch.Generator().manual_seed(seed))


def block(**changes: Any) -> NonUniformAggregation:
    torch.manual_seed(0)
    made = NonUniformAggregation(4, frames=6, ratio=2, **changes).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return made


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_the_backbone_is_i3d_and_the_blocks_add_little() -> None:
    assert set(VARIANTS) == set(SPECS)
    with torch.device("meta"):
        model = NUTA(VARIANTS["i3d_r50"])
        plain = ResNet3d(ResNetConfig(stem_time=5, time_kernels=I3D))
    shapes = {key: value.shape for key, value in model.backbone.state_dict().items()}
    assert shapes == {key: value.shape for key, value in plain.state_dict().items() if not key.startswith("head")}
    # queries, keys (3 C^2/2 + C/2 each), tables, values, norm, uniform: for C = 512 at 32 frames and 1024 at 16
    added = sum(
        2 * (3 * c * c // 2 + c // 2) + c // 2 * (frames + frames // 2) + c * c + 2 * c + c * c
        for c, frames in ((512, 32), (1024, 16))
    )
    assert count_parameters(model) == count_parameters(plain) + added + 2048 * 400


def test_two_branches_cost_less_than_twice_one() -> None:
    size = measure("i3d_r50")
    with torch.device("meta"):
        assert size["parameters"] == count_parameters(NUTA(Config()))
    assert size["multiply_adds"] > 100e9


def test_the_channel_separated_backbone_is_csn() -> None:
    from onlooker.methods.recognition.csn.config import Config as CsnConfig
    from onlooker.methods.recognition.csn.model import CSN

    with torch.device("meta"):
        ours = Backbone3d("csn", depths=(3, 4, 23, 3)).state_dict()
        theirs = CSN(CsnConfig()).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items() if not k.startswith("head")}


def test_factorised_34_layers_have_the_published_size() -> None:
    with torch.device("meta"):
        # table 4 of arXiv:1711.11248 gives 63.5 M for 400 classes, rounded, as for the 3-D network
        assert count_parameters(Backbone3d("r2plus1d")) == 63_491_975


# --- the projection ---------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
def test_rows_are_convex_combinations_of_frames(time: int, seed: int, band: float) -> None:
    projection = block(band=band).project(maps(time, seed))
    assert projection.shape == (2, -(-time // 2), time)
    assert (projection >= 0).all()
    assert_close(projection.sum(dim=-1), torch.ones(2, -(-time // 2)))


def test_equal_frames_give_the_value_of_one_of_them() -> None:
    made = block(fusion="none")
    still = maps(1).expand(-1, -1, 6, -1, -1)
    slots, _ = made(still, still)
    one = made.norm(made.value(maps(1)))
    assert_close(slots, one.expand(-1, -1, 3, -1, -1))


def test_the_identity_as_projection_changes_nothing() -> None:
    assert torch.equal(aggregate(maps(), torch.eye(6).expand(2, -1, -1)), maps())


def test_a_narrow_band_takes_single_frames_and_a_wide_one_all() -> None:
    odd = band_bias(2, 6, 1e-2).softmax(dim=-1)
    assert_close(odd, torch.tensor([[0.0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]]))
    assert_close(band_bias(2, 6, 1e4).softmax(dim=-1), torch.full((2, 6), 1 / 6), atol=1e-4, rtol=1e-4)


def test_a_new_block_passes_uniform_features_through_its_band() -> None:
    made = NonUniformAggregation(4, frames=6, ratio=2, band=1.0).eval()
    for parameter in (made.query.weight, made.key.weight, made.query_table, made.key_table):
        torch.nn.init.zeros_(parameter)
    slots, projection = made(maps(), maps())
    assert_close(projection[0], band_bias(3, 6, 1.0).softmax(dim=-1))
    assert_close(slots, aggregate(maps(), projection))


def test_synchronised_features_are_projected_as_the_values_are() -> None:
    made = block()
    # with equal inputs, values W X and uniform features U X see the same P
    slots, projection = made(maps(), maps())
    expected = made.norm(made.value(aggregate(maps(), projection))) + made.uniform(aggregate(maps(), projection))
    assert_close(slots, expected)


def test_scattering_a_constant_gives_the_constant() -> None:
    projection = torch.rand(2, 3, 6).softmax(dim=-1)
    assert_close(
        scatter(torch.full((2, 4, 3, 1, 1), 5.0), projection), torch.full((2, 4, 6, 1, 1), 5.0), atol=1e-3, rtol=0
    )


def test_hard_selection_takes_the_best_frame_in_evaluation_only() -> None:
    made = block(hard=True)
    soft, hard = block().project(maps()), made.project(maps())
    assert torch.equal(hard.argmax(dim=-1), soft.argmax(dim=-1))
    assert set(hard.flatten().tolist()) == {0.0, 1.0}
    assert_close(made.train().project(maps()), soft)


def test_a_high_temperature_forgets_the_content() -> None:
    spread = block(temperature=1e6, band=0.0).project(maps())
    assert_close(spread, torch.full_like(spread, 1 / 6), atol=1e-4, rtol=0)


def test_gradients_reach_queries_keys_and_tables() -> None:
    made = block()
    made(maps(), maps())[0].square().sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_pooling_keeps_a_shorter_last_cell_and_columns_follow_it() -> None:
    pooled = pool_time(torch.arange(5.0).view(1, 1, 5, 1, 1), 2)
    assert pooled.flatten().tolist() == [0.5, 2.5, 4]
    assert pooled_columns(torch.tensor([[[0.1, 0.2, 0.3, 0.15, 0.25]]]), 2).flatten().tolist() == pytest.approx(
        [0.3, 0.45, 0.25]
    )


# --- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 3, 8, 16])
def test_any_length_gives_logits(frames: int) -> None:
    assert tiny()(clip(frames)).shape == (2, 5)


def test_both_branches_of_a_uniform_projection_agree() -> None:
    """With all slots alike and the values silent, the NUTA branch is the mean over time, which a ratio of the whole
    clip gives the uniform branch too."""
    model = tiny(ratio=8, band=0.0, temperature=1e9, depths=(1, 1))
    torch.nn.init.dirac_(model.aggregations[0].uniform.weight)
    torch.nn.init.zeros_(model.aggregations[0].norm.weight)
    torch.nn.init.zeros_(model.aggregations[0].norm.bias)
    with torch.no_grad():
        nuta, uniform = model.features(clip()).chunk(2, dim=1)
    assert_close(nuta, uniform, atol=1e-5, rtol=1e-4)


def test_moments_compose_over_the_blocks() -> None:
    found = tiny().moments(clip())
    assert found.projection.shape == (2, 2, 8)
    assert_close(found.projection.sum(dim=-1), torch.ones(2, 2))
    assert_close(found.shares.sum(dim=-1), torch.ones(2))


def test_moments_say_seconds_and_overlap() -> None:
    apart = Moments(torch.tensor([[[1.0, 0, 0], [0, 0.5, 0.5]]]))
    assert apart.frames.tolist() == [[0, 1]]
    assert apart.seconds(torch.tensor([0.0, 1.0, 3.0])).tolist() == [[0, 2]]
    assert float(apart.overlap) == 0
    assert float(Moments(torch.full((1, 2, 3), 1 / 3)).overlap) == pytest.approx(1)


def test_branches_that_share_stages_add_no_stages() -> None:
    shared, own = tiny(), tiny(share_stages=False)
    assert count_parameters(own) - count_parameters(shared) == count_parameters(shared.backbone.stages[1:])
    assert tiny(branches="nuta").head.in_features == shared.head.in_features // 2


def test_the_uniform_network_looks_at_all_moments_alike() -> None:
    with pytest.raises(ConfigError, match="alike"):
        tiny(branches="uniform").moments(clip())


@pytest.mark.parametrize(
    "changes",
    [{"shared": 0}, {"shared": 3}, {"ratio": 0}, {"temperature": 0.0}, {"branches": "all"}, {"backbone": "vit"}],
)
def test_impossible_networks_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Config(**{**TINY, **changes})
