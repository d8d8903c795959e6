"""Two linear layers as one: the same numbers, made anew whenever a weight has changed in whatever way."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from onlooker.nn.folding import FoldedLinear


@pytest.fixture
def layers() -> tuple[nn.Linear, nn.Linear, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, second = nn.Linear(6, 8), nn.Linear(8, 5)
    with torch.no_grad():
        for parameter in (*first.parameters(), *second.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return first, second, torch.randn(3, 4, 6, generator=generator)


@torch.no_grad()
@pytest.mark.parametrize("biases", [(True, True), (False, True), (True, False), (False, False)])
def test_it_computes_what_the_two_layers_do(layers, biases) -> None:
    first, second, tokens = layers
    first.bias, second.bias = (layer.bias if has else None for layer, has in zip((first, second), biases, strict=True))
    folded = FoldedLinear()
    for _ in range(2):
        torch.testing.assert_close(folded(tokens, first, second), second(first(tokens)), atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("way", ["in place", "behind the counter", "replaced", "one element", "swapped columns"])
def test_a_changed_weight_is_noticed(layers, which, way) -> None:
    first, second, tokens = layers
    folded = FoldedLinear()
    before = folded(tokens, first, second)
    layer = (first, second)[which]
    if way == "in place":
        layer.weight.mul_(1.01)
    elif way == "behind the counter":
        layer.weight.data.add_(0.01)
    elif way == "replaced":
        layer.weight = nn.Parameter(torch.randn_like(layer.weight))
    elif way == "one element":
        layer.weight.data[2, 3] += 0.01
    else:
        layer.weight.data[:, [0, 1]] = layer.weight.data[:, [1, 0]].clone()
    after = folded(tokens, first, second)
    assert not torch.allclose(before, after, atol=1e-6)
    torch.testing.assert_close(after, second(first(tokens)), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_copy_has_its_own_product_and_another_precision_makes_another(layers) -> None:
    first, second, tokens = layers
    folded = FoldedLinear()
    folded(tokens, first, second)
    other = copy.deepcopy(second)
    other.weight.mul_(2)
    torch.testing.assert_close(copy.deepcopy(folded)(tokens, first, other), other(first(tokens)), atol=1e-4, rtol=1e-5)
    out = folded(tokens.double(), first.double(), second.double())
    assert out.dtype == torch.float64
    torch.testing.assert_close(out, second(first(tokens.double())))


def test_it_is_made_in_inference_mode_and_used_outside(layers) -> None:
    first, second, tokens = layers
    folded = FoldedLinear()
    with torch.inference_mode():
        inside = folded(tokens, first, second)
    with torch.no_grad():
        assert torch.equal(folded(tokens, first, second), inside)
