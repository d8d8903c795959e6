"""NumPy arrays as JSON and back, exactly; tables that grow with the number of tracks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]


def make_table(columns: dict[str, tuple[str, Any]], rows: int, capacity: int) -> Table:
    """Arrays (rows, capacity) of the named dtypes, filled with their start values."""
    return {name: np.full((rows, capacity), start, dtype) for name, (dtype, start) in columns.items()}


def grow_table(table: Table, columns: dict[str, tuple[str, Any]], capacity: int) -> None:
    """Make room for more tracks, in place."""
    for name, (dtype, start) in columns.items():
        old = table[name]
        table[name] = np.full((old.shape[0], capacity), start, dtype)
        table[name][:, : old.shape[1]] = old


def reset_columns(table: Table, columns: dict[str, tuple[str, Any]], slots: NDArray[np.intp]) -> None:
    """Start values for some tracks."""
    for name, (_, start) in columns.items():
        table[name][:, slots] = start


def array_to_json(array: NDArray[Any]) -> dict[str, Any]:
    """dtype, shape and values; floats survive exactly."""
    return {"dtype": array.dtype.str, "shape": list(array.shape), "values": array.ravel().tolist()}


def array_from_json(values: dict[str, Any]) -> NDArray[Any]:
    """The inverse of `array_to_json`."""
    return np.array(values["values"], np.dtype(values["dtype"])).reshape(values["shape"])


def table_to_json(table: Table) -> dict[str, Any]:
    """Each array by `array_to_json`."""
    return {name: array_to_json(array) for name, array in table.items()}


def table_from_json(values: dict[str, Any]) -> Table:
    """The inverse of `table_to_json`."""
    return {name: array_from_json(array) for name, array in values.items()}
