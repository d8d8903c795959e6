"""Stochastic depth, initialisation, patches, position tables, counting."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.nn.counting import count_multiply_adds, count_parameters
from onlooker.nn.layers import DropPath, Mlp, drop_path_rates, initialise_transformer
from onlooker.nn.patches import PatchEmbed
from onlooker.nn.positions import resize_space_table, resize_time_table

torch.set_num_threads(1)


def test_drop_path_keeps_or_drops_whole_rows_and_the_mean() -> None:
    torch.manual_seed(0)
    drop = DropPath(0.25).train()
    out = drop(torch.ones(4000, 2, 3))
    rows = out[:, 0, 0]
    assert torch.equal(out, rows[:, None, None].expand_as(out))
    assert sorted(set(rows.tolist())) == pytest.approx([0, 4 / 3])
    assert abs(float(rows.mean()) - 1) < 0.05


def test_drop_path_does_nothing_when_evaluating() -> None:
    x = torch.randn(3, 4)
    assert drop_path_rates(0.1, 12)[0] == 0
    assert drop_path_rates(0.1, 12)[-1] == pytest.approx(0.1)
    assert drop_path_rates(0.1, 1) == [0.0]
    assert torch.equal(DropPath(0.9).eval()(x), x)
    with pytest.raises(ConfigError):
        DropPath(1.0)


def test_initialisation_depends_on_its_generator_alone() -> None:
    def build(noise: int) -> nn.Module:
        torch.manual_seed(noise)
        model = nn.Sequential(PatchEmbed(2, 8), Mlp(8, 16), nn.LayerNorm(8))
        initialise_transformer(model, generator=torch.Generator().manual_seed(5))
        return model

    first, second = build(1).state_dict(), build(2).state_dict()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert float(first["1.fc1.bias"].abs().max()) == 0
    assert 0.01 < float(first["1.fc1.weight"].std()) < 0.03


def test_patches_are_the_dot_products_with_each_square() -> None:
    embed = PatchEmbed(patch=2, dim=3)
    clip = torch.randn(1, 2, 3, 4, 7)
    tokens = embed(clip)
    assert tokens.shape == (1, 2, 2, 3, 3)
    square = clip[0, 1, :, 2:4, 4:6]
    expected = (embed.projection.weight * square).sum((1, 2, 3)) + embed.projection.bias
    assert_close(tokens[0, 1, 1, 2], expected)


def test_patches_refuse_another_axis_order_and_tiny_frames() -> None:
    with pytest.raises(ConfigError, match="channel"):
        PatchEmbed(2, 3)(torch.zeros(1, 3, 2, 4, 4))
    with pytest.raises(ConfigError, match="smaller than one patch"):
        PatchEmbed(8, 3)(torch.zeros(1, 1, 3, 4, 16))


def table(side: int) -> torch.Tensor:
    return torch.arange(1.0 + side * side).view(1, -1, 1)


def test_space_table_nearest_keeps_rows_and_columns() -> None:
    out = resize_space_table(table(2), (4, 4)).flatten().tolist()
    assert out == [0, 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]


def test_space_table_of_as_many_places_but_another_shape_is_resized() -> None:
    out = resize_space_table(table(4), (2, 8))[:, 1:].view(2, 8)
    assert out[0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert out[1].tolist() == [9, 9, 10, 10, 11, 11, 12, 12]


def test_legacy_resize_scrambles_rows_as_documented() -> None:
    legacy = resize_space_table(table(2), (3, 3), mode="legacy")[0, 1:, 0].tolist()
    assert legacy == [1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert legacy != resize_space_table(table(2), (3, 3))[0, 1:, 0].tolist()


def test_bicubic_keeps_a_constant_table_and_the_class_row() -> None:
    constant = torch.full((1, 17, 2), 3.0)
    constant[:, 0] = 9
    out = resize_space_table(constant, (7, 5), mode="bicubic")
    assert_close(out[:, 1:], torch.full((1, 35, 2), 3.0))
    assert torch.equal(out[:, 0], constant[:, 0])


def test_tables_that_fit_are_returned_unchanged_and_odd_ones_refused() -> None:
    fitting = table(3)
    assert resize_space_table(fitting, (3, 3)) is fitting
    assert resize_time_table(fitting, 10) is fitting
    assert resize_time_table(torch.arange(2.0).view(1, 2, 1), 4).flatten().tolist() == [0, 0, 1, 1]
    with pytest.raises(ConfigError, match="not a square grid"):
        resize_space_table(torch.zeros(1, 7, 2), (3, 3))


def test_counting_a_known_network() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 64, 10))

    assert count_parameters(build()) == 3 * 4 * 9 + 4 + 256 * 10 + 10
    assert count_multiply_adds(build, (2, 3, 8, 8)) == 2 * (64 * 3 * 4 * 9 + 256 * 10)


def test_without_gradients_the_mlp_computes_the_same_and_shows_hooks_what_it_had() -> None:
    torch.manual_seed(0)
    mlp, tokens = Mlp(6, 16), torch.randn(3, 5, 6)
    expected = mlp(tokens)
    hidden = mlp.fc1(tokens)
    kept = tokens.clone()
    with torch.no_grad():
        torch.testing.assert_close(mlp(tokens), expected)
        assert torch.equal(tokens, kept)
    seen: dict[str, torch.Tensor] = {}
    for name in ("fc1", "act"):
        getattr(mlp, name).register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
    with torch.inference_mode():
        mlp(tokens)
    torch.testing.assert_close(seen["fc1"], hidden)
    torch.testing.assert_close(seen["act"], torch.nn.functional.gelu(hidden))
