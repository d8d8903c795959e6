"""Sizes of the published models, the order of tokens, the position table, and what must not change the result."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from onlooker.errors import ConfigError
from onlooker.methods.recognition.videomae import TINY, VARIANTS, Config, Encoder, VideoMae
from onlooker.methods.recognition.videomae.encoder import Attention, Block, TubeletEmbed, sinusoid_table
from onlooker.methods.recognition.videomae.model import measure

torch.set_num_threads(1)

# arXiv:2203.12602 as recalled in the sheet: millions of parameters and GFLOPs of one view
PUBLISHED = {"small": (22, 57), "base": (87, 180), "large": (305, 597), "huge": (633, 1192)}
# counted here, and equal to transformers' class of each size
COUNTED = {"small": 22_034_800, "base": 86_534_800, "large": 304_271_760, "huge": 632_131_920}


def randomised(model: VideoMae) -> VideoMae:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def clip(*shape: int) -> torch.Tensor:
    return torch.randn(*(shape or (2, 4, 3, 16, 16)), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("variant", VARIANTS)
def test_published_sizes(variant: str) -> None:
    counted, (millions, giga) = measure(variant), PUBLISHED[variant]
    assert counted["parameters"] / 1e6 == pytest.approx(millions, rel=0.01)
    assert counted["multiply_adds"] / 1e9 == pytest.approx(giga, rel=0.005)
    config = VARIANTS[variant]
    dim, hidden = config.dim, 4 * config.dim
    # tubelets; per block q k v without key bias, projection, two norms, feed-forward; last norm and head
    block = 3 * dim * dim + 2 * dim + dim * dim + dim + 4 * dim + 2 * dim * hidden + hidden + dim
    whole = 1536 * dim + dim + config.depth * block + 2 * dim + 400 * dim + 400
    assert counted["parameters"] == whole


def test_tubelets_are_a_convolution_in_the_order_time_row_column() -> None:
    embed = TubeletEmbed(2, 4, 8)
    video = clip(2, 5, 3, 9, 13)
    expected = embed.projection(video.transpose(1, 2)).flatten(2).transpose(1, 2)
    assert expected.shape[1] == 2 * 2 * 3
    assert_close(embed(video), expected, atol=1e-5, rtol=1e-5)


def test_the_table_runs_over_the_flat_index() -> None:
    table = sinusoid_table(30, 6)[0]
    for index, pair in ((0, 0), (17, 1), (29, 2)):
        angle = index / 10000 ** (2 * pair / 6)
        assert float(table[index, 2 * pair]) == pytest.approx(math.sin(angle), abs=1e-7)
        assert float(table[index, 2 * pair + 1]) == pytest.approx(math.cos(angle), abs=1e-7)
    assert "table" not in " ".join(Encoder(Config(**TINY)).state_dict())


def test_the_order_of_visible_tokens_does_not_matter_to_any_of_them() -> None:
    encoder = randomised(VideoMae(Config(**TINY))).encoder
    tokens = encoder.embed(clip())
    order = torch.randperm(tokens.shape[1], generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        assert_close(encoder(tokens[:, order]), encoder(tokens)[:, order], atol=1e-4, rtol=1e-4)


def test_the_order_of_frames_matters() -> None:
    model = randomised(VideoMae(Config(**TINY)))
    with torch.no_grad():
        assert float((model(clip()[:, [2, 3, 0, 1]]) - model(clip())).abs().max()) > 1e-3


def test_a_bias_of_the_key_would_change_nothing() -> None:
    attention = Attention(8, 2)
    torch.nn.init.normal_(attention.query_bias, generator=torch.Generator().manual_seed(0))
    tokens = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(1))
    query, key, value = functional.linear(tokens, attention.qkv.weight).chunk(3, dim=-1)
    heads = [(part + bias).view(1, 5, 2, 4).transpose(1, 2) for part, bias in (
        (query, attention.query_bias), (key, torch.randn(8, generator=torch.Generator().manual_seed(2))), (value, 0),
    )]  # fmt: skip
    expected = attention.proj(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
    assert_close(attention(tokens), expected, atol=1e-5, rtol=1e-5)


def test_layer_scale_scales_the_residuals() -> None:
    torch.manual_seed(0)
    block = Block(8, 2, layer_scale=1e-6)
    tokens = torch.randn(1, 5, 8)
    with torch.no_grad():
        assert 0 < float((block(tokens) - tokens).abs().max()) < 1e-4
    assert Block(8, 2).scale is None


def test_the_mean_comes_before_the_only_norm() -> None:
    model = randomised(VideoMae(Config(**TINY)))
    with torch.no_grad():
        tokens = model.encoder(model.encoder.embed(clip()))
        assert_close(model.features(clip()), functional.layer_norm(
            tokens.mean(1), (16,), model.norm.weight, model.norm.bias, 1e-6))  # fmt: skip


def test_checkpointing_changes_memory_only() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = randomised(VideoMae(Config(**{**TINY, "drop_path": 0.0}))).train()
        model.checkpointing = checkpointing
        assert model.encoder.checkpointing is checkpointing
        model(clip()).square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        assert_close(plain, recomputed)


def test_other_lengths_and_sizes_and_what_is_refused() -> None:
    model = randomised(VideoMae(Config(**TINY)))
    assert model(clip(1, 6, 3, 24, 40)).shape == (1, 5)
    for wrong, words in (((2, 3, 4, 16, 16), "channels"), ((4, 3, 16, 16), "axes"), ((1, 1, 3, 16, 16), "smaller")):
        with pytest.raises(ConfigError, match=words):
            model(clip(*wrong))
    for settings, words in (
        ({"dim": 10, "heads": 3}, "divisor"),
        ({"frames": 1}, "smaller"),
        ({"dim": 9, "heads": 3}, "even"),
    ):
        with pytest.raises(ConfigError, match=words):
            Config(**settings)
