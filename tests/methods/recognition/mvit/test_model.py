"""Published sizes, the plan of widths and strides, pooling as defined, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.mvit import TINY, VARIANTS, Config, Mvit
from onlooker.methods.recognition.mvit.blocks import TokenPool, pool_residual, pooled_size
from onlooker.methods.recognition.mvit.config import round_width
from onlooker.methods.recognition.mvit.model import measure

torch.set_num_threads(1)

SMALL = Config(**TINY)
PUBLISHED = {"base_16x4": (36.61, 70.80), "base_32x3": (36.61, 170.37)}


def randomised(config: Config = SMALL) -> Mvit:
    generator = torch.Generator().manual_seed(1)
    model = Mvit(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip(*shape: int) -> torch.Tensor:
    return torch.randn(*(shape or (2, 4, 3, 32, 32)), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("variant", VARIANTS)
def test_published_sizes(variant: str) -> None:
    counted, (millions, giga) = measure(variant), PUBLISHED[variant]
    assert counted["parameters"] / 1e6 == pytest.approx(millions, abs=0.01)
    assert counted["multiply_adds"] / 1e9 == pytest.approx(giga, rel=0.005)


def test_the_plan_of_the_published_model() -> None:
    blocks = Config().blocks()
    assert [block.dim for block in blocks] == [96, *[192] * 2, *[384] * 11, *[768] * 2]
    assert [block.heads for block in blocks] == [1, *[2] * 2, *[4] * 11, *[8] * 2]
    assert [block.kv_stride for block in blocks] == [(1, 8, 8), *[(1, 4, 4)] * 2, *[(1, 2, 2)] * 11, *[(1, 1, 1)] * 2]
    assert [i for i, block in enumerate(blocks) if block.query_stride] == [1, 3, 14]
    assert blocks[13].out_dim == 768
    assert Config().grid == (8, 56, 56)


@settings(max_examples=100, deadline=None)
@given(st.floats(8, 5000), st.integers(1, 16), st.integers(1, 16))
def test_rounded_widths_are_multiples_and_lose_little(width: float, divisor: int, least: int) -> None:
    rounded = round_width(width, divisor, least)
    assert rounded % divisor == 0
    assert rounded >= max(0.9 * width, least)
    assert rounded <= max(width + divisor, least + divisor)


def test_tokens_after_each_block_are_one_more_than_the_pooled_grid() -> None:
    model = randomised()
    tokens, size = model.embed(clip())
    assert size == (2, 8, 8)
    lengths = []
    with torch.no_grad():
        for block in model.blocks:
            tokens, size = block(tokens, size)
            lengths.append((tokens.shape[1] - 1, size))
    assert lengths == [(128, (2, 8, 8)), (32, (2, 4, 4)), (32, (2, 4, 4))]


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3)),
)
def test_the_pooled_size_is_that_of_the_convolution(size: Any, stride: Any) -> None:
    pool = TokenPool(2, (3, 3, 3), stride, 1e-6)
    length = size[0] * size[1] * size[2]
    with torch.no_grad():
        pooled, grid = pool(torch.randn(1, 2, 1 + length, 2), size)
    assert grid == pooled_size(size, (3, 3, 3), stride)
    assert pooled.shape[2] == 1 + grid[0] * grid[1] * grid[2]


def test_query_and_residual_meet_on_one_grid_whatever_its_size() -> None:
    for height, width in ((32, 32), (36, 44), (28, 52)):
        assert randomised()(clip(1, 5, 3, height, width)).shape == (1, 5)


def test_the_class_token_is_normed_but_not_convolved() -> None:
    pool = TokenPool(4, (3, 3, 3), (1, 2, 2), 1e-6)
    tokens = clip(1, 2, 1 + 16, 4)
    with torch.no_grad():
        pooled, _ = pool(tokens, (1, 4, 4))
        assert_close(pooled[:, :, 0], pool.norm(tokens[:, :, 0]))
        tokens[:, :, 0] += 1
        assert torch.equal(pool(tokens, (1, 4, 4))[0][:, :, 1:], pooled[:, :, 1:])


def test_pooling_begins_as_a_normed_choice_of_every_nth_token() -> None:
    pool = Mvit(SMALL).blocks[0].attention.key_pool
    assert pool.stride == (1, 4, 4)
    tokens = clip(1, 1, 1 + 2 * 8 * 8, 8)
    with torch.no_grad():
        pooled, _ = pool(tokens, (2, 8, 8))
        chosen = tokens[:, :, 1:].view(1, 1, 2, 8, 8, 8)[:, :, :, ::4, ::4].flatten(2, 4)
        assert_close(pooled[:, :, 1:], pool.norm(chosen))


def test_the_residual_is_the_largest_of_its_window() -> None:
    tokens = clip(1, 1 + 2 * 4 * 6, 3)
    pooled = pool_residual(tokens, (2, 4, 6), (1, 2, 2))
    assert torch.equal(pooled[:, 0], tokens[:, 0])
    grid = tokens[0, 1:].view(2, 4, 6, 3)
    by_hand = [
        grid[t, max(0, 2 * y - 1) : 2 * y + 2, max(0, 2 * x - 1) : 2 * x + 2].amax((0, 1))
        for t in range(2)
        for y in range(2)
        for x in range(3)
    ]
    assert torch.equal(pooled[0, 1:], torch.stack(by_hand))
    assert pool_residual(tokens, (2, 4, 6), (1, 1, 1)) is tokens


def test_the_shortcut_starts_from_the_norm_where_the_width_changes() -> None:
    model = randomised()
    widened, kept = model.blocks[0], model.blocks[1]
    assert (widened.shortcut is None, kept.shortcut is None) == (False, True)
    with torch.no_grad():
        widened.mlp.fc2.weight.zero_()
        widened.mlp.fc2.bias.zero_()
        tokens, size = model.embed(clip())
        attended, _ = widened.attention(widened.norm(tokens), size)
        expected = widened.shortcut(widened.mlp_norm(tokens + attended))
        assert_close(widened(tokens, size)[0], expected)


def test_tables_are_split_and_resized() -> None:
    model = randomised()
    same = model._tables((2, 8, 8))
    assert same[0] is model.space_table
    assert same[1] is model.time_table
    with torch.no_grad():
        model.space_table.fill_(0.25)
        space, time = model._tables((3, 5, 9))
    assert space.shape == (1, 45, 8)
    assert time.shape == (1, 3, 8)
    assert_close(space, torch.full_like(space, 0.25))


def test_the_order_of_frames_matters() -> None:
    model = randomised()
    with torch.no_grad():
        assert float((model(clip().flip(1)) - model(clip())).abs().max()) > 1e-3


def test_checkpointing_changes_memory_only() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = randomised(replace(SMALL, drop_path=0.0, head_dropout=0.0)).train()
        model.checkpointing = checkpointing
        model(clip()).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        assert_close(plain, recomputed)


def test_lists_from_a_file_are_taken_and_nonsense_is_not() -> None:
    lists = Config(**{**TINY, "widen": [[1, 2.0]], "kv_stride": [1, 4, 4], "query_strides": [[1, 1, 2, 2]]})
    assert lists == SMALL
    assert hash(lists) == hash(SMALL)
    for wrong, words in (
        ({"widen": "1:2"}, "widen"),
        ({"kv_stride": (1, 4)}, "kv_stride"),
        ({"heads": 3}, "divisor"),
        ({"query_strides": ((1, 2),)}, "query_strides"),
    ):
        with pytest.raises(ConfigError, match=words):
            Config(**{**TINY, **wrong})
    with pytest.raises(ConfigError, match="axes"):
        randomised()(clip(2, 3, 4, 32, 32))
