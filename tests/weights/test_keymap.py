"""Key maps: both directions undo each other; nothing is dropped in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.weights.keymap import KeyMap

NAMES = KeyMap(
    (
        ("blocks.{i}.norm1.{kind}", "layers.{i}.first.{kind}"),
        ("pair.{a}.{b}", "pair.{b}.{a}"),
        ("cls_token", "class_token"),
        ("tail.{rest*}", "end.{rest*}"),
    ),
    prefixes=("module.", "model."),
    ignored=("blocks.{i}.index",),
)
PART = st.from_regex(r"[a-z0-9_]{1,6}", fullmatch=True)


@given(i=PART, kind=PART)
def test_round_trip(i: str, kind: str) -> None:
    for theirs in (f"blocks.{i}.norm1.{kind}", f"pair.{i}.{kind}", f"tail.{i}.{kind}.x", "cls_token"):
        ours = NAMES.to_ours(theirs)
        assert ours is not None
        assert NAMES.to_theirs(ours) == theirs


def test_a_field_is_one_part_and_dots_are_dots() -> None:
    assert NAMES.to_ours("blocks.1.2.norm1.bias") is None
    assert NAMES.to_ours("blocksX1.norm1.bias") is None
    assert NAMES.to_ours("pair.x.y") == "pair.y.x"
    assert NAMES.to_ours("tail.a.b.c") == "end.a.b.c"


def test_every_key_is_accounted_for() -> None:
    names = NAMES.import_names(["cls_token", "blocks.0.index", "stranger"])
    assert names.mapped == {"cls_token": "class_token"}
    assert names.ignored == ("blocks.0.index",)
    assert names.unmapped == ("stranger",)


@pytest.mark.parametrize("prefix", ["", "model.", "module.", "module.model.", "model.module."])
def test_prefixes_that_all_keys_carry_are_cut(prefix: str) -> None:
    keys = [prefix + "cls_token", prefix + "blocks.0.norm1.bias"]
    assert list(NAMES.import_names(keys).mapped.values()) == ["class_token", "layers.0.first.bias"]


def test_a_prefix_on_some_keys_only_stays() -> None:
    names = NAMES.import_names(["model.cls_token", "blocks.0.norm1.bias"])
    assert names.unmapped == ("model.cls_token",)


def test_two_keys_for_one_name_are_refused() -> None:
    clash = KeyMap((("a.{i}", "same.{i}"), ("b.{i}", "same.{i}")))
    with pytest.raises(IncompatibleCheckpoint, match="both map"):
        clash.import_names(["a.1", "b.1"])


def test_export_names_what_it_cannot_map() -> None:
    assert NAMES.export({"class_token": 1, "layers.3.first.bias": 2}) == {"cls_token": 1, "blocks.3.norm1.bias": 2}
    with pytest.raises(IncompatibleCheckpoint, match="other"):
        NAMES.export({"other": 1})


def test_a_rule_with_different_fields_is_refused() -> None:
    with pytest.raises(ConfigError, match="different fields"):
        KeyMap((("a.{i}", "b.{j}"),))
