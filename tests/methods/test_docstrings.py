"""The examples in docstrings of this room and of the rooms that it stands on run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onlooker.nn
import onlooker.weights

OWN = ("comparison", "registry", "cards", "loading", "conversion", "recognition.clips", "recognition.prediction")
TIMESFORMER = ("config", "model")
MODULES = [
    *(module.name for module in pkgutil.iter_modules(onlooker.nn.__path__, "onlooker.nn.")),
    *(module.name for module in pkgutil.iter_modules(onlooker.weights.__path__, "onlooker.weights.")),
    *(f"onlooker.methods.{name}" for name in OWN),
    *(f"onlooker.methods.recognition.timesformer.{name}" for name in TIMESFORMER),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
