"""The examples in docstrings of training, and of the data that it reads, run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onlooker.data
import onlooker.training

MODULES = [
    *(module.name for module in pkgutil.walk_packages(onlooker.data.__path__, "onlooker.data.")),
    *(module.name for module in pkgutil.walk_packages(onlooker.training.__path__, "onlooker.training.")),
    "onlooker.metrics.multi_label",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
