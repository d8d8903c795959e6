"""Strict loading: all or nothing, with every key in the report."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from onlooker.errors import ConfigError, IncompatibleCheckpoint, UnsafeCheckpoint, WeightsError
from onlooker.storage import sha256_of
from onlooker.weights.keymap import KeyMap
from onlooker.weights.loading import load_weights


def copy_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def unchanged(model: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_every_tensor_and_buffer_is_copied_and_reported(tiny: nn.Module, stored: Path) -> None:
    report = load_weights(tiny, stored, sha256=sha256_of(stored).upper())
    assert sorted(report.names("loaded")) == sorted(tiny.state_dict())
    assert len(report.keys) == 7
    assert (report.source, report.sha256) == ("tiny.safetensors", sha256_of(stored))
    for name, value in load_file(stored).items():
        assert torch.equal(tiny.state_dict()[name], value)
    assert all(parameter.requires_grad for parameter in tiny.parameters())


def test_all_three_lists_are_complete_and_nothing_is_loaded(tiny: nn.Module, stored: Path) -> None:
    state = load_file(stored)
    del state["first.bias"], state["norm.bias"]
    state["first.weight"] = torch.zeros(4, 2)
    state |= {f"extra.{i}": torch.zeros(1) for i in range(9)}
    before = copy_of(tiny)
    with pytest.raises(IncompatibleCheckpoint) as caught:
        load_weights(tiny, state)
    assert caught.value.missing == ("first.bias", "norm.bias")
    assert caught.value.unexpected == tuple(f"extra.{i}" for i in range(9))
    assert caught.value.mismatched == ("first.weight ((4, 2) in the file, (4, 3) in the model)",)
    for words in ("2 missing: first.bias, norm.bias", "9 unexpected", "and 4 more", "1 mismatched", "Tiny"):
        assert words in str(caught.value)
    assert unchanged(tiny, before)


def test_float16_is_refused_and_converted_on_request(tiny: nn.Module, stored: Path, tmp_path: Path) -> None:
    half = {name: v.half() if v.is_floating_point() else v for name, v in load_file(stored).items()}
    save_file(half, tmp_path / "half.safetensors")
    before = copy_of(tiny)
    with pytest.raises(IncompatibleCheckpoint, match="cast=True") as caught:
        load_weights(tiny, tmp_path / "half.safetensors")
    assert "first.weight (float16 in the file, float32 in the model)" in caught.value.mismatched
    assert unchanged(tiny, before)
    report = load_weights(tiny, tmp_path / "half.safetensors", cast=True)
    assert report.names("loaded") == ("norm.num_batches_tracked",)
    assert len(report.names("converted")) == 6
    assert tiny.state_dict()["first.weight"].dtype == torch.float32
    assert torch.equal(tiny.state_dict()["first.weight"], half["first.weight"].float())


def test_integers_are_never_cast_to_floats(tiny: nn.Module) -> None:
    state = copy_of(tiny)
    state["first.bias"] = torch.ones(4, dtype=torch.int64)
    with pytest.raises(IncompatibleCheckpoint):
        load_weights(tiny, state, cast=True)


def test_a_key_map_translates_and_reports_both_names(tiny: nn.Module, stored: Path) -> None:
    names = KeyMap((("a.{kind}", "first.{kind}"), ("b.{kind}", "norm.{kind}")), ("model.",), ("steps",))
    theirs = {"model." + key: value for key, value in names.export(load_file(stored)).items()}
    report = load_weights(tiny, {**theirs, "model.steps": torch.ones(1)}, names)
    assert report.names("ignored") == ("model.steps",)
    assert ("model.a.weight", "first.weight") in {(key.theirs, key.ours) for key in report.keys}
    with pytest.raises(IncompatibleCheckpoint) as caught:
        load_weights(tiny, {**theirs, "model.c": torch.ones(1)}, names)
    assert caught.value.unexpected == ("model.c",)


def test_wrong_digest_truncated_and_missing_files(tiny: nn.Module, stored: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsafeCheckpoint, match="sha256"):
        load_weights(tiny, stored, sha256="0" * 64)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(stored.read_bytes()[:-5])
    with pytest.raises(WeightsError, match="cut short"):
        load_weights(tiny, cut)
    with pytest.raises(ConfigError, match=r"absent\.safetensors"):
        load_weights(tiny, tmp_path / "absent.safetensors")


@pytest.mark.parametrize("name", ["w.pth", "w.PYTH", "w.ckpt", "w.pt", "w.bin", "hf://org/name/pytorch_model.bin"])
def test_pickles_are_pointed_to_the_converter(tiny: nn.Module, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeCheckpoint, match="onlooker weights convert"):
        load_weights(tiny, name)


def test_a_pickle_under_a_false_name_is_not_opened(tiny: nn.Module, tmp_path: Path) -> None:
    torch.save(tiny.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UnsafeCheckpoint, match="pickle"):
        load_weights(tiny, tmp_path / "w.safetensors")


def test_hub_addresses(tiny: nn.Module, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    def fake(repo: str, file: str, *, revision: str | None) -> str:
        asked.append((repo, file, revision))
        return str(stored)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fake)
    load_weights(tiny, "hf://org/my-model.v2@abc123/sub/tiny.safetensors")
    load_weights(tiny, "hf://org/name/tiny.safetensors")
    assert asked == [
        ("org/my-model.v2", "sub/tiny.safetensors", "abc123"),
        ("org/name", "tiny.safetensors", None),
    ]
    with pytest.raises(ConfigError, match="hf://org/name"):
        load_weights(tiny, "hf://only-one-part")


def test_an_unreachable_hub_is_a_clear_error(tiny: nn.Module) -> None:
    with pytest.raises(WeightsError, match="could not be fetched"):
        load_weights(tiny, "hf://org/name/absent.safetensors")
