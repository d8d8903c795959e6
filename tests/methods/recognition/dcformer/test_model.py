"""Tokens as in the table of sizes, alignment, statistics, and equality with a transformer on RGB patches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.dcformer import TINY, VARIANTS, Config, DcFormer
from onlooker.methods.recognition.dcformer.convert import VIT, from_vit
from onlooker.methods.recognition.dcformer.dct import block_dct
from onlooker.methods.recognition.dcformer.model import FrequencyTokens, measure, measure_statistics
from onlooker.weights.loading import load_weights

torch.set_num_threads(1)

SMALL = Config(**TINY)


def pictures(*shape: int) -> torch.Tensor:
    return 255 * torch.rand(*(shape or (2, 2, 3, 16, 16)), generator=torch.Generator().manual_seed(2))


def randomised(config: Config = SMALL) -> DcFormer:
    generator = torch.Generator().manual_seed(1)
    model = DcFormer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.mark.parametrize(
    ("variant", "tokens", "values"), [("full", 196, 150528), ("half", 196, 37632), ("compact", 49, 9408)]
)
def test_tokens_and_input_values_are_those_of_the_table(variant: str, tokens: int, values: int) -> None:
    config = VARIANTS[variant]
    assert config.grid**2 == tokens
    assert config.grid**2 * config.values == values
    counted = FrequencyTokens(config).coefficients(pictures(1, 1, 3, 224, 224))
    assert counted.shape == (1, 1, config.grid, config.grid, config.values)


def test_fewer_tokens_cost_less() -> None:
    cost = {variant: measure(variant)["multiply_adds"] for variant in ("full", "half", "compact")}
    assert cost["compact"] < 0.27 * cost["half"] < 0.27 * cost["full"]


def test_the_values_of_a_token_are_those_of_its_place() -> None:
    config = replace(SMALL, size=32, block=4, group=2, half_chroma=True, keep="zigzag", luma=3, chroma=2)
    tokens = FrequencyTokens(config)
    grey = torch.zeros(1, 1, 3, 32, 32)
    impulse = grey.clone()
    impulse[..., 13, 22] = 100.0
    changed = (tokens.coefficients(impulse) - tokens.coefficients(grey))[0, 0]
    # row 13 and column 22 lie in token (1, 2), whose blocks begin at (8, 16): block (1, 1)
    assert changed.abs().sum(-1).nonzero().tolist() == [[1, 2]]
    expected = torch.zeros(12)
    expected[9:] = block_dct(impulse[0, 0, 0, 12:16, 20:24], 4).flatten()[tokens.luma]
    assert_close(changed[1, 2, :12], expected, atol=1e-3, rtol=1e-4)
    assert float(changed[1, 2, 12:].abs().max()) < 1e-3


def test_half_chroma_is_the_mean_of_four() -> None:
    config = replace(SMALL, group=2, half_chroma=True, luma=1, chroma=1)
    tokens = FrequencyTokens(config)
    red = torch.zeros(1, 1, 3, 16, 16)
    red[:, :, 0] = 255
    assert tokens.coefficients(red)[0, 0, 0, 0].tolist() == pytest.approx(
        [8 * -51.755] * 4 + [8 * -43.02768, 8 * 127.5], abs=0.01
    )


def test_measured_statistics_standardise() -> None:
    model = DcFormer(SMALL)
    clips = [pictures(4, 2, 3, 32, 32), pictures(3, 2, 3, 16, 32)]
    measure_statistics(model, clips)
    values = torch.cat([model.tokens.coefficients(clip).flatten(0, 3) for clip in clips])
    standard = (values - model.tokens.mean) / model.tokens.std
    assert float(standard.mean(0).abs().max()) < 1e-4
    assert_close(standard.std(0), torch.ones(SMALL.values), atol=1e-4, rtol=1e-4)
    assert {"tokens.mean", "tokens.std"} <= set(model.state_dict())


@pytest.mark.real
def test_the_starting_statistics_are_of_the_right_order(clips: Path) -> None:
    from onlooker.video import Video

    config = replace(SMALL, luma=36, chroma=10)
    for name in ("action_basketball.mp4", "hands_bottles.mp4"):
        with Video(clips / name) as video:
            frames = torch.from_numpy(video.clip(0, 2, frames=2).images).permute(0, 3, 1, 2)[None].float()
        tokens = FrequencyTokens(config)
        ratio = tokens.coefficients(frames).flatten(0, 3).std(0) / tokens.std
        assert 0.05 < float(ratio.min()) < float(ratio.max()) < 5
        assert 0.2 < float(ratio.median()) < 2


# --- the same family as a transformer on pixels -----------------------------------------------------------------------


class RgbVit(nn.Module):
    """The same blocks on RGB patches, as timm's ViT."""

    def __init__(self, model: DcFormer, patch: int) -> None:
        super().__init__()
        self.body = model
        self.projection = nn.Conv2d(3, model.config.dim, patch, patch)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        normal = (clip / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        patches = self.projection(normal.flatten(0, 1)).flatten(2).transpose(1, 2)
        tokens = torch.cat((self.body.class_token.expand(len(patches), -1, -1), patches), dim=1) + self.body.space_table
        for block in self.body.blocks:
            tokens = block(tokens)
        features = self.body.norm(tokens[:, 0]).view(*clip.shape[:2], -1).mean(1)
        return self.body.head(features)

    def official(self) -> dict[str, torch.Tensor]:
        ours = {key: value for key, value in self.body.state_dict().items() if not key.startswith("tokens.")}
        conv = {f"patches.{key}": value for key, value in self.projection.state_dict().items()}
        return VIT.export({**ours, **conv})


@pytest.mark.parametrize(
    "layout", [{"block": 8, "group": 1, "luma": 64, "chroma": 64}, {"block": 4, "group": 2, "luma": 16, "chroma": 16}]
)
def test_with_all_coefficients_it_is_the_rgb_transformer(layout: dict[str, Any]) -> None:
    config = replace(SMALL, **layout)
    peer = RgbVit(randomised(config), 8)
    model = DcFormer(config).eval()
    load_weights(model, from_vit(peer.official(), config))
    clip = pictures()
    with torch.no_grad():
        assert_close(model(clip), peer(clip), atol=1e-4, rtol=1e-4)


def test_halved_chroma_is_exact_where_chroma_is_smooth_and_dropped_frequencies_where_they_are_absent() -> None:
    config = replace(SMALL, block=4, group=2, half_chroma=True, luma=16, chroma=16)
    peer = RgbVit(randomised(config), 8)
    model = DcFormer(config).eval()
    load_weights(model, from_vit(peer.official(), config))
    smooth = pictures(2, 2, 3, 8, 8).repeat_interleave(2, -1).repeat_interleave(2, -2)
    grey = pictures(2, 2, 1, 16, 16).expand(-1, -1, 3, -1, -1)
    with torch.no_grad():
        for clip in (smooth, grey):
            assert_close(model(clip), peer(clip), atol=1e-4, rtol=1e-4)
        low = replace(SMALL, keep="square", luma=1, chroma=1)
        flat = DcFormer(low).eval()
        peer = RgbVit(randomised(replace(low, luma=1)), 8)
        load_weights(flat, from_vit(peer.official(), low))
        even = pictures(2, 2, 3, 2, 2).repeat_interleave(8, -1).repeat_interleave(8, -2)
        assert_close(flat(even), peer(even), atol=1e-4, rtol=1e-4)


def test_an_image_transformer_through_the_converter(tmp_path: Path) -> None:
    config = replace(SMALL, luma=64, chroma=64)
    peer = RgbVit(randomised(config), 8)
    save_file({key: value.contiguous() for key, value in peer.official().items()}, tmp_path / "vit.safetensors")
    settings = {**TINY, "luma": 64, "chroma": 64}
    done = convert(tmp_path / "vit.safetensors", "dcformer", tmp_path / "w.safetensors", settings=settings)
    with torch.no_grad():
        assert_close(load("dcformer", done.out)(pictures()), peer(pictures()), atol=1e-4, rtol=1e-4)
    state = from_vit(peer.official(), replace(config, classes=9), generator=torch.Generator().manual_seed(3))
    assert state["head.weight"].shape == (9, 16)


def test_image_transformers_of_another_form_are_refused() -> None:
    state = RgbVit(randomised(SMALL), 8).official()
    with pytest.raises(IncompatibleCheckpoint, match="16 pixels"):
        from_vit(state, replace(SMALL, block=16))
    for change, words in (
        ({"blocks.0.ls1.gamma": torch.ones(16)}, "ls1"),
        ({"blocks.5.norm1.bias": torch.ones(16)}, "blocks.5"),
    ):
        with pytest.raises(IncompatibleCheckpoint, match=words):
            from_vit({**state, **change}, SMALL)
    state.pop("norm.bias")
    with pytest.raises(IncompatibleCheckpoint, match=r"norm\.bias"):
        from_vit(state, SMALL)


def test_frames_are_averaged_and_other_sizes_padded() -> None:
    model = randomised()
    clip = pictures()
    with torch.no_grad():
        assert_close(model(clip), model(clip.flip(1)), atol=1e-5, rtol=1e-4)
        assert_close(model(clip[:, :1]), model(clip[:, :1].expand(-1, 3, -1, -1, -1)), atol=1e-5, rtol=1e-4)
        assert model(pictures(1, 1, 3, 19, 33)).shape == (1, 5)


def test_what_is_refused() -> None:
    for wrong, words in (
        ({"keep": "low"}, "choose square"),
        ({"luma": 65}, "64 coefficients"),
        ({"luma": 0}, "At least one"),
        ({"half_chroma": True}, "even `group`"),
        ({"heads": 3}, "divisor"),
        ({"size": 4}, "smaller"),
    ):
        with pytest.raises(ConfigError, match=words):
            Config(**{**TINY, **wrong})
    with pytest.raises(ConfigError, match="3 channels"):
        randomised()(torch.zeros(1, 3, 2, 16, 16))
