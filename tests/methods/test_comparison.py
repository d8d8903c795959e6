"""Comparison of one value with a recorded one, and the tolerance that a README states."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from onlooker.methods.comparison import Tolerance, compare, read_tolerance

README_LINES = {
    "Tolerance: absolute 1e-5, relative 1e-4 in float32.": Tolerance(1e-5, 1e-4),
    "Tolerance: absolute 2e-5, relative 1e-4 (float32).": Tolerance(2e-5, 1e-4),
    "Tolerance 1e-5.": Tolerance(1e-5),
    "Tolerance: 1e-6 absolute on every number.": Tolerance(1e-6),
    "Tolerance: max abs error 2e-5 (1e-4 on logits). More.": Tolerance(2e-5),
    "Tolerance: max abs 2e-5 (1e-6 for compositing and the losses).": Tolerance(2e-5),
    "Tolerance 2e-5 absolute. Stream equals batch to 1e-6.": Tolerance(2e-5),
    "text first. Float64; tolerance 1e-8.": Tolerance(1e-8),
    "Tolerance: 1e-4 relative to the largest magnitude of each tensor.": Tolerance(0.0, 1e-4, True),
    "Tolerance 1e-3 absolute (values up to ~1e3).": Tolerance(1e-3),
    "Tolerance 0.01": Tolerance(0.01),
    "Values. Tolerance 1e-5; metrics 1e-9.": Tolerance(1e-5),
    "- images: compare with tolerance 2 on uint8.\nTolerance: logits 1e-4, loss 1e-5.": Tolerance(1e-4),
    "No number here. Sets are exact: no tolerance.": None,
    "Nothing at all.": None,
}


@pytest.mark.parametrize("text", README_LINES)
def test_readme_tolerances(text: str) -> None:
    assert read_tolerance(text) == README_LINES[text]


LOOSE = Tolerance(1e-3)


def one(ours: Any, reference: Any, tolerance: Tolerance = LOOSE) -> Any:
    (comparison,) = compare("x", ours, reference, tolerance)
    return comparison


def test_differences_are_the_largest_of_all_elements() -> None:
    result = one(torch.tensor([1.0, 2.2, 3.0]), torch.tensor([1.0, 2.0, 4.0]))
    assert result.max_absolute == pytest.approx(1.0)
    assert result.max_relative == pytest.approx(0.25)
    assert not result.within


def test_absolute_and_relative_parts_add_up_per_element() -> None:
    assert one([100.5, 0.0009], [100.0, 0.0], Tolerance(1e-3, 0.005)).within
    assert not one([100.5, 0.0011], [100.0, 0.0], Tolerance(1e-3, 0.005)).within
    assert one([100.0, 0.4], [100.0, 0.0], Tolerance(0.0, 0.005, to_peak=True)).within


@pytest.mark.parametrize(
    ("ours", "reference", "within"),
    [
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
        (1.0, math.nan, False),
        (math.inf, math.inf, True),
        (-math.inf, math.inf, False),
        (1.0, math.inf, False),
        ([], [], True),
        (True, True, True),
        (1, 2, False),
        ("a", "a", True),
        ("a", "b", False),
        (None, None, True),
        (0.0, None, False),
        (torch.zeros(2, 3), np.zeros((3, 2)), False),
        (torch.zeros(2, dtype=torch.bfloat16), np.zeros(2), True),
        (1 + 1j, 1 + 2j, False),
        ("text", 1.0, False),
        ([1, 2], [1, 2, 3], False),
        ([[1], [2, 3]], [[1], [2, 3]], True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({1: 1.0}, {"1": 1.0}, True),
        (5, {"a": 1}, False),
    ],
)
def test_odd_values(ours: Any, reference: Any, within: bool) -> None:
    results = list(compare("x", ours, reference, Tolerance(1e-6)))
    assert results
    assert all(result.within for result in results) is within
    assert all(not math.isnan(result.max_absolute) for result in results)


def test_tables_and_lists_name_their_parts() -> None:
    recorded = {"map": 0.5, "per_video": [{"ap": 0.1}, {"ap": [0.2, 0.3]}]}
    mine = {"per_video": [{"ap": 0.1}, {"ap": [0.2, 0.4]}], "map": 0.5}
    results = {result.name: result.within for result in compare("m", mine, recorded, Tolerance(1e-6))}
    assert results == {"m.map": True, "m.per_video.0.ap": True, "m.per_video.1.ap": False}
