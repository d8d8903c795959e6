"""pytorchvideo's files to ours: every tensor appears twice in them, nothing is guessed silently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.mvit import TINY, Config, Mvit
from onlooker.methods.recognition.mvit.convert import OFFICIAL, without_aliases

torch.set_num_threads(1)
SMALL = Config(**TINY)
SETTINGS: dict[str, Any] = {"kv_stride": [1, 4, 4]}


def model_of() -> Mvit:
    generator = torch.Generator().manual_seed(1)
    model = Mvit(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def official() -> dict[str, torch.Tensor]:
    """With the second name that each pooling tensor has in the released files."""
    state = OFFICIAL.export(model_of().state_dict())
    for key in list(state):
        for layer in ("pool", "norm"):
            if f".attn.{layer}_" in key:
                stem, part, kind = key.replace(f"{layer}_", "").rsplit(".", 2)
                state[f"{stem}._attention_pool_{part}.{layer}.{kind}"] = state[key].clone()
    return state


def clip() -> torch.Tensor:
    return torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def test_an_official_file_becomes_the_same_model(tmp_path: Path) -> None:
    save_file(official(), tmp_path / "theirs.safetensors")
    done = convert(tmp_path / "theirs.safetensors", "mvit", tmp_path / "w.safetensors", settings=SETTINGS)
    again = load("mvit", done.out)
    assert again.config.blocks() == SMALL.blocks()
    assert (again.config.frames, again.config.size, again.config.classes) == (4, 32, 5)
    assert torch.equal(again(clip()), model_of()(clip()))


def test_names_are_those_of_the_released_files() -> None:
    names = set(official())
    assert {
        "patch_embed.patch_model.weight", "cls_positional_encoding.pos_embed_temporal", "blocks.0.proj.weight",
        "blocks.1.attn.pool_q.weight", "blocks.1.attn._attention_pool_q.pool.weight", "norm_embed.bias",
        "blocks.2.attn.norm_v.weight", "blocks.2.attn._attention_pool_v.norm.bias", "head.proj.weight",
    } <= names  # fmt: skip
    assert "blocks.0.attn.pool_q.weight" not in names
    assert len(without_aliases(official())) == len(model_of().state_dict())


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda s: s["blocks.0.attn._attention_pool_k.pool.weight"].add_(1), "mismatched", "_attention_pool_k"),
        (lambda s: s.pop("blocks.0.attn.pool_k.weight"), "missing", "blocks.0.attn.pool_k.weight"),
        (lambda s: s.pop("blocks.2.norm2.bias"), "missing", "mlp_norm.bias"),
        (lambda s: s.update({"blocks.0.attn.rel_pos_h": torch.ones(1)}), "unexpected", "rel_pos_h"),
        (lambda s: s.update({"head.proj.bias": torch.ones(3)}), "mismatched", "head.bias"),
        (lambda s: (s.clear(), s.update({"conv1.weight": torch.ones(1)})), "unexpected", "conv1.weight"),
    ],
)
def test_other_architectures_are_refused(tmp_path: Path, change: Callable[[Any], Any], field: str, words: str) -> None:
    state = official()
    change(state)
    save_file(state, tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint) as caught:
        convert(tmp_path / "theirs.safetensors", "mvit", tmp_path / "w.safetensors", settings=SETTINGS)
    assert any(words in key for key in getattr(caught.value, field))
    assert not (tmp_path / "w.safetensors").exists()


def test_a_small_file_is_not_a_published_variant(tmp_path: Path) -> None:
    save_file(official(), tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint, match="not base_32x3: frames is 4 instead of 32"):
        convert(tmp_path / "theirs.safetensors", "mvit", tmp_path / "w.safetensors", variant="base_32x3")
