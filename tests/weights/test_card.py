"""Cards: kept with the tensors, read back, and refused where they forbid the use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, LicenceError, UnsafeCheckpoint
from onlooker.weights.card import METADATA_KEY, Card
from onlooker.weights.header import read_header
from onlooker.weights.inputs import InputSpec
from onlooker.weights.inspecting import inspect
from onlooker.weights.loading import load_weights
from onlooker.weights.saving import save_weights

FREE = Card(
    "toy", "small", "Apache-2.0", "MIT", "CC0-1.0", spec=InputSpec(8, 32, 32), labels=("a", "b"), multi_label=True
)


def test_card_round_trip_through_a_file(tiny: torch.nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, tiny.state_dict(), FREE)
    assert Card.from_metadata(read_header(path).metadata, "w") == FREE
    assert len(load_weights(tiny, path).names("loaded")) == 7
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]
    found = inspect(path, commercial=True)
    assert found["numbers"] == 3 * 4 + 4 + 4 * 4 + 1
    assert found["card"]["labels"] == ("a", "b")


def test_same_input_same_bytes(tiny: torch.nn.Module, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_weights(tmp_path / name, tiny.state_dict(), FREE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@given(*[st.sampled_from(["apache-2.0", "MIT", "CC-BY-NC-4.0", "unknown", "research-only", ""])] * 3)
def test_commercial_use_needs_every_licence_to_be_known_as_allowing_it(code: str, weights: str, data: str) -> None:
    card = Card("toy", code_licence=code, weights_licence=weights, data_licence=data)
    allowed = all(name in ("apache-2.0", "MIT") for name in (code, weights, data))
    assert (card.forbids_commercial() == ()) is allowed
    if not allowed:
        with pytest.raises(LicenceError, match="toy"):
            card.check_commercial()


def test_weights_without_a_card_are_not_commercial(tiny: torch.nn.Module, stored: Path) -> None:
    with pytest.raises(LicenceError, match="unknown"):
        inspect(stored, commercial=True)
    assert inspect(stored)["card"] is None


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "3",
        '{"method": 1, "evil": 2}',
        '{"labels": 3, "method": "a"}',
        "{}",
        '{"spec": {"x": 1}}',
        '{"multi_label": "no"}',
    ],
)
def test_malformed_cards(text: str) -> None:
    with pytest.raises((UnsafeCheckpoint, ConfigError)):
        Card.from_metadata({METADATA_KEY: text}, "file")


def test_input_specification_round_trip_and_refusals() -> None:
    spec = InputSpec(frames=8, stride=32, short_side=256, crop=224, views=3)
    assert InputSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    with pytest.raises(ConfigError, match="unknown names"):
        InputSpec.from_dict({**spec.to_dict(), "zoom": 2})
    with pytest.raises(ConfigError, match="incomplete"):
        InputSpec.from_dict({"frames": 8})
    with pytest.raises(ConfigError, match="impossible"):
        InputSpec(frames=8, short_side=200, crop=224)
