"""JSON that every reader accepts: no NaN, keys in order, NumPy numbers as plain ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from onlooker.errors import StorageError


def plain(value: Any, where: str = "value") -> Any:
    """The same value in JSON's types; NaN and infinities become None, as JSON has no word for them.

    Errors: StorageError naming the place of a value that JSON cannot hold.

    >>> plain({"score": float("nan"), "size": (640, 480)})
    {'score': None, 'size': [640, 480]}
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), where)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted(plain(item, where) for item in value)
    raise StorageError(f"{where} is a {type(value).__name__}, which JSON cannot hold: give numbers, strings, lists.")


def canonical_json(value: Any) -> str:
    """One line, keys sorted, so that equal values are equal bytes."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def pretty_json(value: Any) -> bytes:
    """As `canonical_json`, indented for people."""
    return (json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()
