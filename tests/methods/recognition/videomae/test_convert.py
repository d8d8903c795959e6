"""Official and Hugging Face files to ours: recognised, complete, strict; pre-training files give an encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.videomae import Config, VideoMae
from onlooker.methods.recognition.videomae.convert import HUGGING_FACE, OFFICIAL, PRETRAINING, split_query_key_value

torch.set_num_threads(1)
SETTINGS: dict[str, Any] = {"frames": 4, "size": 16, "heads": 2}
SMALL = Config(**SETTINGS, patch=8, dim=24, depth=2, classes=5)


def model_of() -> VideoMae:
    generator = torch.Generator().manual_seed(1)
    model = VideoMae(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip() -> torch.Tensor:
    return torch.randn(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def official() -> dict[str, torch.Tensor]:
    return OFFICIAL.export(model_of().state_dict())


def hugging_face() -> dict[str, torch.Tensor]:
    return HUGGING_FACE.export(split_query_key_value(model_of().state_dict()))


@pytest.mark.parametrize(("state", "layout"), [(official, "official"), (hugging_face, "hugging_face")])
def test_both_layouts_become_the_same_model(tmp_path: Path, state: Callable[[], Any], layout: str) -> None:
    save_file(state(), tmp_path / "theirs.safetensors")
    done = convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors", settings=SETTINGS)
    assert done.layout == layout
    assert done.unknown == ()
    assert torch.equal(load("videomae", tmp_path / "w.safetensors")(clip()), model_of()(clip()))


def test_names_are_those_of_the_released_files() -> None:
    kinds = [
        f"{layer}.{kind}"
        for layer in ("norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2")
        for kind in ("weight", "bias")
    ]
    block = {f"blocks.{i}.{name}" for i in (0, 1) for name in (*kinds, "attn.q_bias", "attn.v_bias", "attn.qkv.weight")}
    outside = {f"{layer}.{kind}" for layer in ("patch_embed.proj", "fc_norm", "head") for kind in ("weight", "bias")}
    assert set(official()) == block | outside


@pytest.mark.slow
def test_a_wrapped_official_pickle(tmp_path: Path) -> None:
    torch.save({"module": official(), "epoch": 1}, tmp_path / "w.pth")
    done = convert(tmp_path / "w.pth", "videomae", tmp_path / "w.safetensors", settings=SETTINGS)
    assert torch.equal(load("videomae", done.out)(clip()), model_of()(clip()))


def test_what_no_file_records_is_asked_for(tmp_path: Path) -> None:
    save_file(official(), tmp_path / "theirs.safetensors")
    done = convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors")
    assert done.unknown == ("heads",)
    assert json.loads(done.card.config)["frames"] == 16
    with pytest.raises(ConfigError, match="heads"):
        load("videomae", done.out)


def pretraining(prefix: str = "") -> dict[str, torch.Tensor]:
    encoder = {key: value for key, value in model_of().state_dict().items() if key.startswith("encoder.")}
    rest = {
        "encoder.norm.weight": torch.ones(24), "encoder.norm.bias": torch.ones(24), "mask_token": torch.ones(1, 1, 12),
        "encoder_to_decoder.weight": torch.ones(12, 24), "decoder.blocks.0.attn.qkv.weight": torch.ones(36, 12),
        "decoder.head.bias": torch.ones(3),
    }  # fmt: skip
    return {prefix + key: value for key, value in {**PRETRAINING.export(encoder), **rest}.items()}


def test_a_pre_training_file_gives_its_encoder_and_a_fresh_head(tmp_path: Path) -> None:
    save_file(pretraining(), tmp_path / "theirs.safetensors")
    settings = {**SETTINGS, "classes": 7}
    done = convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors", settings=settings)
    assert done.layout == "pretraining"
    model = load("videomae", done.out)
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, model_of().encoder.state_dict()[name])
    assert model(clip()).shape == (2, 7)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda s: s.pop("blocks.1.attn.q_bias"), "missing", "query_bias"),
        (lambda s: s.pop("fc_norm.weight"), "missing", "norm.weight"),
        (lambda s: s.update({"blocks.0.attn.k_bias": torch.ones(24)}), "unexpected", "k_bias"),
        (lambda s: s.update({"blocks.0.gamma_1": torch.ones(24)}), "unexpected", "scale"),
        (lambda s: s.update({"head.weight": torch.ones(5, 3)}), "mismatched", "head.weight"),
        (lambda s: (s.clear(), s.update({"conv1.weight": torch.ones(1)})), "unexpected", "conv1.weight"),
    ],
)
def test_other_architectures_leave_no_file(tmp_path: Path, change: Any, field: str, words: str) -> None:
    state = official()
    change(state)
    save_file(state, tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint) as caught:
        convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors", settings=SETTINGS)
    assert any(words in key for key in getattr(caught.value, field))
    assert not (tmp_path / "w.safetensors").exists()


def test_a_lost_part_of_a_packed_weight_and_a_wrong_variant(tmp_path: Path) -> None:
    state = hugging_face()
    state.pop("videomae.encoder.layer.0.attention.attention.key.weight")
    save_file(state, tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint, match=r"key\.weight"):
        convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors")
    save_file(official(), tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint, match="not base: patch is 8"):
        convert(tmp_path / "theirs.safetensors", "videomae", tmp_path / "w.safetensors", variant="base")
