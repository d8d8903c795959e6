"""State survives with its types, without a pickle."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from onlooker.errors import StorageError
from onlooker.records.snapshot import dump_state, load_state

keys = st.text() | st.integers() | st.tuples(st.integers(), st.integers())
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    | hnp.from_dtype(np.dtype(np.float32))
)
states = st.recursive(
    leaves,
    lambda s: st.lists(s, max_size=3) | st.tuples(s, s) | st.dictionaries(keys, s, max_size=3),
    max_leaves=10,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


@given(states)
def test_every_state_comes_back_with_its_types(state: Any) -> None:
    data = dump_state(state)
    assert same(load_state(data), state)
    assert dump_state(load_state(data)) == data


def test_a_dict_that_looks_like_a_marker_stays_a_dict() -> None:
    assert load_state(dump_state({"~array": 0, "~dict": [1]})) == {"~array": 0, "~dict": [1]}


@pytest.mark.parametrize("bad", [object(), {"a": [object()]}, np.array([object()]), {1, 2}])
def test_other_objects_are_refused_by_name(bad: Any) -> None:
    with pytest.raises(StorageError, match="state"):
        dump_state(bad)


def test_a_pickle_is_not_opened() -> None:
    with pytest.raises(StorageError):
        load_state(pickle.dumps({"a": 1}))


def test_damage_is_an_error_not_another_state() -> None:
    data = bytearray(dump_state({"mean": np.arange(100.0)}))
    for position in range(40, len(data) - 100, 17):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        try:
            state = load_state(bytes(damaged))
        except StorageError:
            continue
        assert np.array_equal(state["mean"], np.arange(100.0))  # a byte that nobody reads
