"""Attention against the formula, on small random cases."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.nn.attention import CrossAttention, SelfAttention, attend, attention_weights, join_heads, split_heads

torch.set_num_threads(1)
SIZES = st.integers(1, 5)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(batch=SIZES, heads=SIZES, queries=SIZES, keys=SIZES, width=SIZES, seed=st.integers(0, 99))
def test_attend_is_softmax_of_scaled_products(
    batch: int, heads: int, queries: int, keys: int, width: int, seed: int
) -> None:
    q, k, v = (drawn(batch, heads, n, width, seed=seed + i) for i, n in enumerate((queries, keys, keys)))
    extra = drawn(batch, keys, seed=seed + 3)
    logits = torch.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(width) + extra[:, None, None]
    weights = logits.exp() / logits.exp().sum(-1, keepdim=True)
    assert_close(attention_weights(q, k, key_logits=extra), weights)
    assert_close(attend(q, k, v, key_logits=extra), weights @ v)


def test_a_token_of_size_two_counts_like_two_copies_of_it() -> None:
    q, k, v = (drawn(1, 2, n, 4, seed=n) for n in (3, 4, 4))
    double_k, double_v = (torch.cat((x, x[:, :, :1]), dim=2) for x in (k, v))
    sizes = torch.tensor([[2.0, 1, 1, 1]])
    assert_close(attend(q, k, v, key_logits=sizes.log()), attend(q, double_k, double_v))


def test_masked_keys_do_not_matter_and_masks_combine() -> None:
    q, k, v = (drawn(2, 2, 3, 4, seed=n) for n in range(3))
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    mask[..., 2] = False
    assert_close(attend(q, k, v, mask), attend(q, k[:, :, :2], v[:, :, :2]))
    key_logits = drawn(2, 3)
    both = attend(q, k, v, mask, key_logits)
    assert_close(both, attend(q, k[:, :, :2], v[:, :, :2], key_logits=key_logits[:, :2]))
    additive = torch.zeros(1, 1, 3, 3).masked_fill(~mask, -math.inf)
    assert_close(attend(q, k, v, additive, key_logits), both)
    assert_close(attention_weights(q, k, mask, key_logits) @ v, both)


def test_packed_order_is_query_key_value_each_split_into_heads() -> None:
    attention, tokens = SelfAttention(6, 3), drawn(2, 5, 6)
    q, k, v = (split_heads(part, 3) for part in attention.qkv(tokens).chunk(3, dim=-1))
    assert_close(attention(tokens), attention.proj(join_heads(attend(q, k, v))))
    assert_close(attention.weights(tokens).sum(-1), torch.ones(2, 3, 5))


def test_separate_projections_equal_packed_ones_with_the_same_numbers() -> None:
    packed, separate, tokens = SelfAttention(6, 2), CrossAttention(6, 2), drawn(2, 5, 6)
    layers = (separate.query, separate.key, separate.value)
    with torch.no_grad():
        for layer, weight, bias in zip(layers, packed.qkv.weight.chunk(3), packed.qkv.bias.chunk(3), strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    separate.proj.load_state_dict(packed.proj.state_dict())
    assert_close(separate(tokens, tokens), packed(tokens))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ConfigError, match="divisor"):
        SelfAttention(6, 4)
