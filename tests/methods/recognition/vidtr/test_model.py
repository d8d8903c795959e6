"""Published sizes, the operator as written in the paper, and what pooling keeps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.vidtr import TINY, VARIANTS, Config, VidTr
from onlooker.methods.recognition.vidtr.attention import Attention, take_by_head
from onlooker.methods.recognition.vidtr.model import measure

torch.set_num_threads(1)

PARAMETERS = {"s": 87_473_296, "m": 88_689_808, "l": 91_122_832, "c_s": 87_159_952, "c_m": 88_364_176}
SEPARABLE = Config(**TINY)
COMPACT = replace(SEPARABLE, kind="compact", frames=6, depth=3, pooling="0:2 1:1")
MERGE = replace(SEPARABLE, kind="merge_later", merge_index=0)
KINDS = [SEPARABLE, COMPACT, MERGE]


def randomised(config: Config) -> VidTr:
    generator = torch.Generator().manual_seed(1)
    model = VidTr(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip(config: Config, batch: int = 2) -> torch.Tensor:
    shape = (batch, config.frames, 3, config.size, config.size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_those_of_the_released_models(variant: str) -> None:
    assert measure(variant)["parameters"] == PARAMETERS[variant]


@pytest.mark.parametrize(("compact", "plain", "most"), [("c_s", "s", 0.5), ("c_m", "m", 0.33)])
def test_pooling_costs_about_half_or_less(compact: str, plain: str, most: float) -> None:
    """Published: 39 of 89 and 59 of 179 GFLOPs."""
    assert measure(compact)["multiply_adds"] < most * measure(plain)["multiply_adds"]


@pytest.mark.parametrize(("variant", "published"), [("s", 89), ("m", 179), ("l", 351)])
def test_published_cost_is_that_of_the_feed_forward_layers(variant: str, published: float) -> None:
    """The repository's figures fit two linear layers per patch and leave out all else; ours count everything."""
    config = VARIANTS[variant]
    feed_forward = config.depth * 2 * config.dim * config.hidden * config.frames * config.grid**2
    assert feed_forward / 1e9 == pytest.approx(published, rel=0.015)
    assert measure(variant)["multiply_adds"] > 1.5 * feed_forward


def test_time_steps_of_the_published_compact_models() -> None:
    assert VARIANTS["c_s"].time_steps == (8, 8, 6, 6, 4, 4, 2, 2, 2, 2, 2, 2)
    assert VARIANTS["c_m"].time_steps == (16, 16, 8, 4, 4, 2, 2, 2, 2, 2, 2, 2)
    assert [layer.form for layer in VidTr(COMPACT).layers] == ["patches", "patches", "joint"]


# --- the operator -----------------------------------------------------------------------------------------------------


def by_hand(attention: Attention, grid: torch.Tensor, drop: int | None) -> torch.Tensor:
    """Section 3 of the sheet, one head, place and row at a time."""
    batch, time, places, dim = grid.shape
    width = dim // attention.heads
    query, key, value = attention.qkv(grid).chunk(3, dim=-1)
    kept_count = time if drop is None else time - drop
    out = torch.zeros(batch, kept_count, places, dim)
    for b in range(batch):
        for h in range(attention.heads):
            part = slice(h * width, (h + 1) * width)
            q, k, v = query[b, :, :, part], key[b, :, :, part], value[b, :, :, part]
            rows_q, rows_k, rows_v = [], [], []
            for s in range(places):
                weights = (q[:, s] @ k[:, s].T / math.sqrt(width)).softmax(-1)
                index = torch.arange(time)
                if drop is not None:
                    index = torch.tensor(sorted(weights.std(-1).argsort(descending=True)[:kept_count].tolist()))
                    weights = weights[index].softmax(-1)
                rows_q.append(q[index, s])
                rows_k.append(k[index, s])
                rows_v.append(weights @ v[:, s])
            for t in range(kept_count):
                q_t, k_t, v_t = (torch.stack([row[t] for row in rows]) for rows in (rows_q, rows_k, rows_v))
                out[b, t, :, part] = (q_t @ k_t.T / math.sqrt(width)).softmax(-1) @ v_t
    return attention.proj(out)


@pytest.mark.parametrize("drop", [None, 0, 2])
def test_the_operator_by_hand(drop: int | None) -> None:
    torch.manual_seed(0)
    attention = Attention(8, 2).eval()
    grid = torch.randn(2, 5, 3, 8)
    with torch.no_grad():
        ours = attention.separable(grid) if drop is None else attention.pooled(grid, drop)[0]
        assert_close(ours, by_hand(attention, grid, drop), atol=1e-5, rtol=1e-4)


def test_dropping_nothing_is_not_the_plain_operator() -> None:
    """The second softmax flattens the rows even where none leaves."""
    torch.manual_seed(0)
    attention, grid = Attention(8, 2).eval(), torch.randn(1, 4, 3, 8)
    with torch.no_grad():
        assert float((attention.pooled(grid, 0)[0] - attention.separable(grid)).abs().max()) > 1e-3


def test_reprojection_is_attention_of_attention() -> None:
    torch.manual_seed(0)
    attention, grid = Attention(8, 2, reproject=True).eval(), torch.randn(1, 4, 3, 8)
    plain = Attention(8, 2).eval()
    plain.load_state_dict({key: value for key, value in attention.state_dict().items() if "space" not in key})
    with torch.no_grad():
        assert attention.separable(grid).shape == grid.shape
        assert float((attention.separable(grid) - plain.separable(grid)).abs().max()) > 1e-3
    assert randomised(replace(SEPARABLE, reproject=True))(clip(SEPARABLE)).shape == (2, 5)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 4), st.integers(0, 10**6), st.data())
def test_the_kept_rows_have_the_largest_deviation_and_ascend(
    time: int, places: int, seed: int, data: st.DataObject
) -> None:
    drop = data.draw(st.integers(0, time - 1))
    generator = torch.Generator().manual_seed(seed)
    attention = Attention(4, 2).eval()
    for select in ("std", "uniform", "staggered"):
        attention.select = select  # type: ignore[assignment]
        with torch.no_grad():
            out, kept = attention.pooled(torch.randn(2, time, places, 4, generator=generator), drop)
        assert out.shape[1] == kept.shape[-1] == time - drop
        assert bool((kept.diff(dim=-1) > 0).all())
    weights = torch.rand(1, 1, places, time, time, generator=generator).softmax(-1)
    attention.select = "std"
    chosen = attention._choose(weights, time - drop)
    deviation = weights.std(dim=-1)
    left = deviation.scatter(-1, chosen, -1.0)
    assert bool((deviation.gather(-1, chosen).amin(-1) >= left.amax(-1)).all())


@pytest.mark.parametrize(("sign", "found"), [(1.0, [2, 5]), (-1.0, [0, 1])])
def test_a_large_deviation_marks_rows_that_look_at_rare_frames(sign: float, found: list[int]) -> None:
    """They are the rare frames themselves (2 and 5 of 8) where like looks at like, and the others where it does not."""
    attention = Attention(2, 1)
    grid = torch.eye(2)[[0, 0, 1, 0, 0, 1, 0, 0]].view(1, 8, 1, 2)
    # exact ties between equal frames would leave the choice to topk
    grid = grid + torch.linspace(1e-3, 0.0, 8).view(1, 8, 1, 1) * grid
    with torch.no_grad():
        attention.qkv.weight.copy_(torch.cat((2 * torch.eye(2), 2 * sign * torch.eye(2), torch.eye(2))))
        attention.qkv.bias.zero_()
        assert attention.pooled(grid, 6)[1].flatten().tolist() == found


def test_staggered_heads_keep_other_steps() -> None:
    attention, weights = Attention(4, 2, select="staggered"), torch.zeros(1, 2, 1, 16, 16)
    first, second = attention._choose(weights, 6)[0, :, 0].tolist()
    assert (first, second) == ([0, 3, 6, 8, 11, 14], [2, 4, 7, 10, 12, 15])
    single, uniform = Attention(4, 1, select="staggered"), Attention(4, 1, select="uniform")
    assert torch.equal(single._choose(weights[:, :1], 6), uniform._choose(weights[:, :1], 6))


def test_each_head_gathers_its_own_channels() -> None:
    grid = torch.arange(2 * 4 * 2 * 4.0).view(2, 4, 2, 4)
    kept = torch.tensor([[0, 3], [1, 2]]).view(1, 2, 1, 2).expand(2, 2, 2, 2)
    taken = take_by_head(grid, kept)
    assert torch.equal(taken[..., :2], grid[:, [0, 3], :, :2])
    assert torch.equal(taken[..., 2:], grid[:, [1, 2], :, 2:])


# --- invariants -------------------------------------------------------------------------------------------------------


def test_still_frames_without_positions_stay_equal_through_all_layers() -> None:
    model = randomised(SEPARABLE)
    with torch.no_grad():
        model.position_table.zero_()
        model.space_classes.copy_(model.space_classes[:1].expand_as(model.space_classes))
        still = clip(SEPARABLE)[:, :1].expand(-1, SEPARABLE.frames, -1, -1, -1)
        rows = model.encode(still)[0].view(2, SEPARABLE.frames + 1, -1, SEPARABLE.dim)[:, 1:]
    assert_close(rows, rows[:, :1].expand_as(rows), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("position", ["first", "every"])
def test_frames_permuted_with_their_tables_leave_the_result(position: str) -> None:
    config = replace(SEPARABLE, position=position)
    model, order = randomised(config), torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        before = model(clip(config))
        table = model.position_table.view(config.frames + 1, -1, config.dim)
        assert float((model(clip(config)[:, order]) - before).abs().max()) > 1e-3
        table[1:] = table[1:][order].clone()
        model.space_classes.copy_(model.space_classes[order])
        assert_close(model(clip(config)[:, order]), before, atol=1e-4, rtol=1e-4)


def test_the_class_token_sees_no_patch_before_joint_attention() -> None:
    one = randomised(replace(COMPACT, depth=2))
    with torch.no_grad():
        assert torch.equal(one(clip(COMPACT)), one(torch.zeros_like(clip(COMPACT))))
        two = randomised(COMPACT)
        assert not torch.equal(two(clip(COMPACT)), two(torch.zeros_like(clip(COMPACT))))


def test_time_steps_leave_as_configured() -> None:
    model = randomised(COMPACT)
    with torch.no_grad():
        tokens, kept = model.encode(clip(COMPACT))
    assert tokens.shape[1] == 1 + 3 * 4
    assert {layer: index.shape for layer, index in kept.items()} == {0: (2, 2, 4, 4), 1: (2, 2, 4, 3)}


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.kind)
def test_other_lengths_and_sizes_resize_the_tables(config: Config) -> None:
    model = randomised(config)
    with torch.no_grad():
        assert model(torch.randn(2, 7, 3, 24, 32)).shape == (2, 5)
        same = model._positions((config.frames, config.grid, config.grid))
        assert same is model.position_table
        # a table that is constant stays what it is
        model.position_table.fill_(0.5)
        assert_close(model._positions((7, 3, 5)), torch.full_like(model._positions((7, 3, 5)), 0.5))


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.kind)
def test_checkpointing_changes_memory_only(config: Config) -> None:
    gradients = []
    for checkpointing in (False, True):
        model = randomised(replace(config, dropout=0.0, head_dropout=0.0)).train()
        model.checkpointing = checkpointing
        model(clip(config)).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        assert_close(plain, recomputed)


def test_a_generator_makes_the_initial_weights_reproducible() -> None:
    states = [VidTr(COMPACT, generator=torch.Generator().manual_seed(4)).state_dict() for _ in range(2)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert all(bool(torch.isfinite(value).all()) for value in states[0].values())


def test_what_is_refused() -> None:
    for wrong, words in (
        ({"pooling": "1:2"}, "both or neither"),
        ({"kind": "compact"}, "both or neither"),
        ({"kind": "compact", "pooling": "1-2"}, "LAYER:DROPPED"),
        ({"kind": "compact", "pooling": "0:1 0:1"}, "once each"),
        ({"kind": "compact", "pooling": "5:1"}, "below 2"),
        ({"kind": "compact", "pooling": "0:4"}, "drops all"),
        ({"kind": "merge_later", "reproject": True}, "reproject"),
        ({"kind": "joint"}, "none of"),
        ({"heads": 3}, "divisor"),
    ):
        with pytest.raises(ConfigError, match=words):
            Config(**{**TINY, **wrong})
    with pytest.raises(ConfigError, match="too few"):
        randomised(COMPACT)(torch.zeros(1, 3, 3, 16, 16))
    with pytest.raises(ConfigError, match="axes"):
        randomised(SEPARABLE)(torch.zeros(4, 3, 16, 16))
