"""The examples on the detectors' and trackers' cards and in their docstrings run."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import onlooker

METHODS = Path(onlooker.__file__).parent / "methods"
CARDS = sorted(card for group in ("detection", "tracking") for card in (METHODS / group).glob("*/README.md"))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_the_card_has_an_example_that_runs(card):
    blocks = re.findall(r"^```python\n(.*?)^```$", card.read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, str(card), "exec"), {})


@pytest.mark.parametrize("name", ["detection", "detection.embedded_people.model", "tracking", "tracking.kalman.model"])
def test_docstring_examples_run(name):
    result = doctest.testmod(importlib.import_module(f"onlooker.methods.{name}"))
    assert result.attempted
    assert not result.failed
