"""Official files to ours: recognised, complete, strict; image transformers inflated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from onlooker.errors import IncompatibleCheckpoint
from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.vidtr import Config, VidTr
from onlooker.methods.recognition.vidtr.convert import export_official, import_official, inflate
from onlooker.weights.loading import load_weights

torch.set_num_threads(1)
SMALL = Config(frames=8, size=16, patch=8, dim=64, depth=2, heads=1, hidden=32, classes=5)
COMPACT = replace(SMALL, kind="compact", depth=6, pooling="1:2 3:2 5:2")


def model_of(config: Config = SMALL) -> VidTr:
    generator = torch.Generator().manual_seed(1)
    model = VidTr(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def clip() -> torch.Tensor:
    return torch.randn(2, 8, 3, 16, 16, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("config", "settings"),
    [(SMALL, {}), (COMPACT, {"size": 16}), (replace(SMALL, kind="merge_later"), {"size": 16, "kind": "merge_later"})],
    ids=lambda value: value.kind if isinstance(value, Config) else "",
)
def test_official_files_become_the_same_model(tmp_path: Path, config: Config, settings: dict[str, Any]) -> None:
    model = model_of(config)
    save_file(export_official(model.state_dict()), tmp_path / "theirs.safetensors")
    done = convert(tmp_path / "theirs.safetensors", "vidtr", tmp_path / "w.safetensors", settings=settings)
    assert done.unknown == ()
    again = load("vidtr", done.out)
    assert again.config == config
    assert torch.equal(again(clip()), model(clip()))


def test_names_and_shapes_are_those_of_the_released_files() -> None:
    theirs = export_official(model_of().state_dict())
    assert theirs["conv_stem.weight"].shape == (64, 3, 1, 8, 8)
    assert {"cls_s", "cls_t", "pos_embedding", "fc.weight", "encoder.layers.1.self_attn.in_proj_weight"} <= set(theirs)
    assert {"cls"} <= set(export_official(model_of(COMPACT).state_dict()))
    assert set(import_official(theirs)) == set(model_of().state_dict())


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (lambda s: s.pop("encoder.layers.1.norm2.bias"), "missing", "mlp_norm.bias"),
        (lambda s: s.pop("cls_t"), "missing", "time_classes"),
        (lambda s: s.update({"encoder.layers.0.extra": torch.ones(1)}), "unexpected", "extra"),
        (lambda s: s.update({"fc.bias": torch.ones(3)}), "mismatched", "head.bias"),
        (lambda s: s.update({"conv_stem.weight": torch.ones(64, 3, 2, 8, 8)}), "mismatched", "projection"),
        (lambda s: (s.clear(), s.update({"conv1.weight": torch.ones(1)})), "unexpected", "conv1.weight"),
    ],
)
def test_other_architectures_are_refused(tmp_path: Path, change: Callable[[Any], Any], field: str, words: str) -> None:
    state = export_official(model_of().state_dict())
    change(state)
    save_file(state, tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint) as caught:
        convert(tmp_path / "theirs.safetensors", "vidtr", tmp_path / "w.safetensors", settings={"kind": "separable"})
    assert any(words in key for key in getattr(caught.value, field))
    assert not (tmp_path / "w.safetensors").exists()


def test_a_compact_file_of_unknown_length_asks_for_its_pooling(tmp_path: Path) -> None:
    config = replace(COMPACT, frames=5, pooling="1:1", depth=3)
    save_file(export_official(model_of(config).state_dict()), tmp_path / "theirs.safetensors")
    with pytest.raises(IncompatibleCheckpoint, match="give pooling"):
        convert(tmp_path / "theirs.safetensors", "vidtr", tmp_path / "w.safetensors", settings={"size": 16})
    given = {"size": 16, "pooling": "1:1"}
    done = convert(tmp_path / "theirs.safetensors", "vidtr", tmp_path / "w.safetensors", settings=given)
    assert load("vidtr", done.out).config == config


def image_state() -> dict[str, torch.Tensor]:
    """An image transformer in the released naming."""
    state = export_official(model_of(replace(COMPACT, depth=2, pooling="1:2")).state_dict())
    return {**state, "pos_embedding": state["pos_embedding"][:, :5].clone()}


def test_inflation_copies_the_image_to_every_frame() -> None:
    state = inflate(image_state(), SMALL)
    table = state["position_table"].view(9, 5, 64)
    assert_close(table, table[:1].expand_as(table))
    assert torch.equal(state["space_classes"][3], state["time_classes"][:, 2])
    load_weights(VidTr(SMALL), state)
    compact = replace(SMALL, kind="compact", pooling="0:2")
    patches = inflate(image_state(), compact)["position_table"][:, 1:].view(8, 4, 64)
    assert_close(patches, patches[:1].expand_as(patches))
    fresh = [inflate(image_state(), SMALL, generator=torch.Generator().manual_seed(3))["head.weight"] for _ in "ab"]
    assert torch.equal(*fresh)


def test_inflation_refuses_what_it_does_not_know() -> None:
    with pytest.raises(IncompatibleCheckpoint, match="unexpected"):
        inflate({**image_state(), "encoder.layers.7.norm1.bias": torch.ones(64)}, SMALL)
    state = image_state()
    state.pop("cls")
    with pytest.raises(IncompatibleCheckpoint, match="class_token"):
        inflate(state, SMALL)
