"""Our value against a recorded one: tensors, numbers, texts, lists and tables of them, within a tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Equal enough: |ours - reference| <= absolute + relative * |reference|, element by element.

    With `to_peak` the relative part is taken of the largest magnitude in the tensor instead.
    """

    absolute: float = 1e-4
    relative: float = 0.0
    to_peak: bool = False


DEFAULT = Tolerance()
EXACT = Tolerance(0.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far one output is from the recorded one. `problem` says why when the two cannot be subtracted."""

    name: str
    shape: tuple[int, ...]
    max_absolute: float
    max_relative: float
    tolerance: Tolerance
    within: bool
    problem: str = ""


_NUMBER = r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_SENTENCE = re.compile(r"(?im)\b(tolerance\w*)\b(.*?)(?:\.\s|\.$|$)")


def read_tolerance(text: str) -> Tolerance | None:
    """The general tolerance that a fixture's README states, or None when it gives no number.

    The first number counts (exceptions for single outputs are for the method's `parity.py` to know); "relative" in
    front of or behind a number makes it so.

    >>> read_tolerance("Tolerance: absolute 1e-5, relative 1e-4 in float32.")
    Tolerance(absolute=1e-05, relative=0.0001, to_peak=False)
    >>> read_tolerance("Tolerance: 1e-4 relative to the largest magnitude of each tensor.")
    Tolerance(absolute=0.0, relative=0.0001, to_peak=True)
    """
    # a sentence that begins with the word speaks of all outputs, one that only contains it of some
    for sentence in sorted(_SENTENCE.finditer(text), key=lambda found: not found[1][0].isupper()):
        words = sentence[2].split("(")[0]
        absolute, relative = _named(words, "absolute|abs"), _named(words, "relative")
        to_peak = "largest magnitude" in words or "to the magnitude" in words
        if absolute is None and relative is None:
            plain = re.search(_NUMBER, words)
            if plain is None:
                continue
            absolute = float(plain[1])
        return Tolerance(absolute or 0.0, relative or 0.0, to_peak)
    return None


def _named(words: str, name: str) -> float | None:
    after = re.search(rf"(?:{name})\b[^\d,;]*?{_NUMBER}", words)
    before = re.search(rf"{_NUMBER}\s+(?:{name})\b", words)
    match = before or after
    return float(match[1]) if match else None


def compare(name: str, ours: Any, reference: Any, tolerance: Tolerance) -> Iterator[Comparison]:
    """One `Comparison` per tensor or number; tables and lists are taken apart and their parts named `name.part`."""
    if isinstance(reference, Mapping):
        yield from _compare_tables(name, ours, reference, tolerance)
    elif isinstance(reference, str | None):
        same = ours == reference
        problem = "" if same else f"{ours!r} instead of {reference!r}"
        yield Comparison(name, (), 0.0 if same else math.inf, 0.0 if same else math.inf, EXACT, same, problem)
    elif isinstance(reference, Sequence) and not _numeric(reference):
        yield from _compare_lists(name, ours, reference, tolerance)
    else:
        yield _compare_arrays(name, ours, reference, tolerance)


def _compare_tables(name: str, ours: Any, reference: Mapping[Any, Any], tolerance: Tolerance) -> Iterator[Comparison]:
    if not isinstance(ours, Mapping) or {str(key) for key in ours} != {str(key) for key in reference}:
        found = sorted(map(str, ours)) if isinstance(ours, Mapping) else type(ours).__name__
        yield _unlike(name, tolerance, f"holds {found} instead of {sorted(map(str, reference))}")
        return
    by_text = {str(key): value for key, value in ours.items()}
    for key, value in reference.items():
        yield from compare(f"{name}.{key}", by_text[str(key)], value, tolerance)


def _compare_lists(name: str, ours: Any, reference: Sequence[Any], tolerance: Tolerance) -> Iterator[Comparison]:
    if isinstance(ours, str) or not hasattr(ours, "__len__") or len(ours) != len(reference):
        yield _unlike(name, tolerance, f"is not a list of {len(reference)}")
        return
    for index, (mine, theirs) in enumerate(zip(ours, reference, strict=True)):
        yield from compare(f"{name}.{index}", mine, theirs, tolerance)


def _numeric(values: Any) -> bool:
    try:
        return np.asarray(values).dtype.kind in "biufc"
    except ValueError:
        return False


def _compare_arrays(name: str, ours: Any, reference: Any, tolerance: Tolerance) -> Comparison:
    try:
        mine, theirs = _array(ours), _array(reference)
    except (TypeError, ValueError) as reason:
        return _unlike(name, tolerance, f"is no number: {reason}")
    if mine.shape != theirs.shape:
        return _unlike(name, tolerance, f"has shape {mine.shape} instead of {theirs.shape}")
    # equal infinities and NaN at the same place count as equal
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.where(same, 0.0, np.abs(mine - theirs))
        error = np.where(np.isnan(error), np.inf, error)
        size = np.abs(theirs)
        share = np.where(error == 0, 0.0, error / np.where(size > 0, size, np.finfo(np.float64).tiny))
    scale = np.full_like(size, size.max(initial=0.0)) if tolerance.to_peak else size
    allowed = tolerance.absolute + tolerance.relative * np.where(np.isfinite(scale), scale, 0.0)
    return Comparison(
        name,
        theirs.shape,
        float(error.max(initial=0.0)),
        float(min(share.max(initial=0.0), np.finfo(np.float64).max)),
        tolerance,
        bool((error <= allowed).all()),
    )


def _array(value: Any) -> NDArray[Any]:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float().numpy() if str(value.dtype) == "torch.bfloat16" else value.numpy()
    array = np.asarray(value)
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{array.dtype}")
    return array.astype(np.float64)


def _unlike(name: str, tolerance: Tolerance, problem: str) -> Comparison:
    return Comparison(name, (), math.inf, math.inf, tolerance, False, problem)
