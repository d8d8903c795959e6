"""The registry: every folder registers itself, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import onlooker.methods
from onlooker.errors import ConfigError
from onlooker.methods import METHODS, Method, discover, find, lazy_exports, register
from onlooker.methods.cards import card_lines, cards
from onlooker.methods.loading import load


def test_discovery_imports_no_torch() -> None:
    code = "import sys, json; from onlooker.methods.cards import cards; found = cards()"
    code += "; print(json.dumps(['torch' in sys.modules, [card['name'] for card in found]]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    torch_loaded, names = json.loads(done.stdout)
    assert not torch_loaded
    assert "timesformer" in names
    assert names == sorted(names)


def test_every_registered_method_is_complete() -> None:
    root = Path(onlooker.methods.__file__).parents[2]
    for name, method in discover().items():
        assert name == method.name
        assert (root / method.readme).is_file(), f"{name} has no card"
        assert method.variants
        assert method.summary


def test_a_method_knows_what_its_folder_holds() -> None:
    method = find("timesformer")
    assert (method.task, method.has("parity"), method.has("no_such")) == ("recognition", True, False)
    with pytest.raises(ConfigError, match=r"no no_such\.py"):
        method.load("no_such")


def test_near_names_are_offered() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'timesformer'"):
        find("timeformer")


def test_two_folders_cannot_share_a_name() -> None:
    known = find("timesformer")
    assert register(known) is known
    with pytest.raises(ConfigError, match="both register"):
        register(Method("timesformer", "onlooker.methods.recognition.other", "x", "x", "x"))
    assert METHODS["timesformer"] is known


def test_lazy_names_load_once_and_unknown_ones_are_attribute_errors() -> None:
    load = lazy_exports("onlooker.methods", {"Tolerance": "comparison"})
    assert load("Tolerance").__name__ == "Tolerance"
    with pytest.raises(AttributeError, match="nothing"):
        load("nothing")


def test_cards_count_and_print() -> None:
    (card,) = cards("timesformer", count=True)
    assert card["sizes"]["base"]["parameters"] == 121_566_352
    text = "\n".join(card_lines([card]))
    assert "121.6 M parameters" in text
    assert "CC-BY-NC-4.0" in text


@pytest.mark.parametrize("name", ["kalman", "relink", "embedded_people", "detr"])
def test_what_has_no_weights_is_not_loaded_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} has no weights to load: its card, onlooker/methods/.*README.md"):
        load(name)
