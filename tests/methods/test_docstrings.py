"""The examples in docstrings of blocks, weights and methods run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onlooker.methods
import onlooker.nn
import onlooker.weights

MODULES = [
    module.name
    for package in (onlooker.nn, onlooker.weights, onlooker.methods)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
