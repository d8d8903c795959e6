"""The examples in the docstrings of the events room."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("compat", "engine", "geometry", "motion", "motion.facts", "motion.speed", "rules")


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"onlooker.events.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
