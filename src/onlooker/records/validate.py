"""Finding what is wrong in a table before anybody relies on it, and mending it on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.errors import RecordError
from onlooker.records.tables import schema_of

BoolArray = NDArray[np.bool_]
_BOX = ("x1", "y1", "x2", "y2")
# what may not occur twice
_KEYS = {
    "tracks": ("video", "frame", "track_id"),
    "shots": ("video", "shot"),
    "events": ("video", "event_id", "version"),
}
_SLACK = 0.5  # pixels by which a box may leave the image: rounding, not an error


def find_faults(
    name: str,
    table: pa.Table,
    *,
    size: tuple[int, int] | None = None,
    labels: Sequence[str] | None = None,
    where: str | None = None,
    first_line: int = 0,
) -> list[str]:
    """Every fault of a table as "where:row: what"; an empty list when it is sound.

    `size` is (width, height) of the image, `labels` the allowed ones; `where` is the file to name, `first_line` the
    line of row 0 in it. Checked: boxes outside the image, negative sizes, values that are not finite, start after end,
    negative times and frames, times that go backwards, duplicate keys, unknown labels, mixed coordinate systems.
    """
    where = where or name
    rows: list[tuple[int, str]] = []
    for mask, describe in _checks(name, table, size, labels):
        rows += [(int(row), describe(int(row))) for row in np.flatnonzero(mask)]
    return [f"{where}:{row + first_line}: {what}" for row, what in sorted(rows)]


def refuse(faults: Sequence[str], shown: int = 1000) -> None:
    """Raise RecordError listing the faults, if any (past the first thousand only their number)."""
    if not faults:
        return
    more = [f"... and {len(faults) - shown} more"] if len(faults) > shown else []
    head = f"{len(faults)} faults in the rows; correct them, or mend the table with onlooker.records.validate.repair:"
    raise RecordError("\n".join([head, *faults[:shown], *more]))


def repair(
    name: str, table: pa.Table, how: Literal["clip", "drop"], *, size: tuple[int, int] | None = None
) -> tuple[pa.Table, list[str]]:
    """A sound table and the report of what was changed.

    `clip` cuts boxes to the image where that leaves a box; whatever else is wrong loses its row, as with `drop`.
    """
    report = find_faults(name, table, size=size)
    if how == "clip" and size and _has_box(table):
        table = _clip(table, size)
    # times go backwards against the row above: once that is gone, the next one may be the culprit
    while (bad := _bad_rows(name, table, size)).any():
        table = table.filter(pa.array(~bad))
    return table, report


def _bad_rows(name: str, table: pa.Table, size: tuple[int, int] | None) -> BoolArray:
    bad = np.zeros(table.num_rows, bool)
    for mask, _ in _checks(name, table, size, None):
        bad |= mask
    return bad


Check = tuple[BoolArray, Callable[[int], str]]


def _checks(name: str, table: pa.Table, size: tuple[int, int] | None, labels: Sequence[str] | None) -> list[Check]:
    checks = _finite_checks(name, table)
    if _has_box(table):
        checks += _box_checks(_boxes(table), size)
    checks += _time_checks(name, table)
    if name in _KEYS:
        checks.append(_duplicate_check(table, _KEYS[name]))
    if labels is not None and "label" in table.column_names:
        found = table.column("label").to_pylist()
        known = set(labels)
        checks.append(
            (np.array([label not in known for label in found], bool), lambda i: f"unknown class {found[i]!r}")
        )
    return checks


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table.column(name).to_numpy(zero_copy_only=False), np.float64)


def _has_box(table: pa.Table) -> bool:
    return set(_BOX) <= set(table.column_names)


def _boxes(table: pa.Table) -> NDArray[np.float64]:
    return np.stack([_column(table, name) for name in _BOX], axis=1)


def _finite_checks(name: str, table: pa.Table) -> list[Check]:
    checks: list[Check] = []
    for field in schema_of(name):
        if pa.types.is_floating(field.type):
            values = _column(table, field.name)
            present = ~np.asarray(table.column(field.name).is_null().to_numpy(zero_copy_only=False), bool)
            bad = present & ~np.isfinite(values)
            checks.append((bad, lambda i, n=field.name, v=values: f"{n} is {v[i]}"))  # type: ignore[misc]
    return checks


def _box_checks(boxes: NDArray[np.float64], size: tuple[int, int] | None) -> list[Check]:
    with np.errstate(invalid="ignore"):
        extent = boxes[:, 2:] - boxes[:, :2]
        checks: list[Check] = [
            (_any(extent < 0), lambda i: f"negative size: {_show(boxes[i])}"),
            (_any(extent == 0), lambda i: f"empty box: {_show(boxes[i])}"),
        ]
        if size is None:
            return checks
        limit = np.array([*size, *size], np.float64)
        outside = _any((boxes < -_SLACK) | (boxes > limit + _SLACK))
        checks.append((outside, lambda i: f"box {_show(boxes[i])} leaves the image of {size[0]}x{size[1]}"))
        # boxes in [0, 1] among boxes in pixels: two coordinate systems in one table
        unit = (boxes.max(1, initial=0.0) <= 1.0) & (boxes.min(1, initial=1.0) >= 0.0) & (extent > 0).all(1)
    mixed = unit if unit.any() and not unit.all() else np.zeros(len(boxes), bool)
    if unit.all() and len(boxes) and min(size) > 4:
        mixed = unit
    checks.append((mixed, lambda i: f"box {_show(boxes[i])} looks normalised to [0, 1], pixels are wanted"))
    return checks


def _time_checks(name: str, table: pa.Table) -> list[Check]:
    checks: list[Check] = []
    for column in ("frame", "start_frame", "track_id"):
        if column in table.column_names:
            values = _column(table, column)
            checks.append((values < 0, lambda i, n=column, v=values: f"{n} {v[i]:g} is negative"))  # type: ignore[misc]
    if {"start", "end"} <= set(table.column_names):
        start, end = _column(table, "start"), _column(table, "end")
        with np.errstate(invalid="ignore"):
            checks.append((start > end, lambda i: f"start {start[i]:g} is after end {end[i]:g}"))
    order = "time" if "time" in table.column_names else "start"
    # what is said once it is over comes in the order in which it ends
    if name not in ("identities", "embeddings", "events", "segments"):
        checks.append(_order_check(table, order))
    return checks


def _order_check(table: pa.Table, column: str) -> Check:
    """Within one video (and one track, where there is one) times must not go backwards."""
    times = _column(table, column)
    groups = _codes(table, [key for key in ("video", "track_id") if key in table.column_names])
    order = np.argsort(groups, kind="stable")
    backwards = np.zeros(len(times), bool)
    with np.errstate(invalid="ignore"):
        backwards[order[1:]] = (np.diff(groups[order]) == 0) & (np.diff(times[order]) < 0)
    return backwards, lambda i: f"{column} {times[i]:g} is before the row above it"


def _duplicate_check(table: pa.Table, key: Sequence[str]) -> Check:
    codes = _codes(table, key)
    _, first = np.unique(codes, return_index=True)
    again = np.ones(len(codes), bool)
    again[first] = False
    columns = [table.column(name) for name in key]
    return (
        again,
        lambda i: (
            "duplicate " + ", ".join(f"{name} {column[i].as_py()}" for name, column in zip(key, columns, strict=True))
        ),
    )


def _codes(table: pa.Table, key: Sequence[str]) -> NDArray[np.int64]:
    """One integer per row, equal where all key columns are equal."""
    codes = np.zeros(table.num_rows, np.int64)
    for name in key:
        encoded = table.column(name).combine_chunks().dictionary_encode(null_encoding="encode")
        indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
        _, codes = np.unique(codes * (len(encoded.dictionary) + 1) + indices, return_inverse=True)
    return codes


def _clip(table: pa.Table, size: tuple[int, int]) -> pa.Table:
    for column, limit in zip(_BOX, (*size, *size), strict=True):
        clipped = np.clip(_column(table, column), 0, limit).astype(np.float32)
        position = table.column_names.index(column)
        table = table.set_column(position, table.schema.field(column), pa.array(clipped))
    return table


def _any(mask: BoolArray) -> BoolArray:
    return np.asarray(mask.any(axis=1), bool)


def _show(box: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
