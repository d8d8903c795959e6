"""Tables that keep their schema, and Parquet files whose bytes depend on the rows alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onlooker.errors import RecordError
from onlooker.records.schemas import SCHEMAS
from onlooker.storage import atomic_write, storage_errors

SCHEMA_VERSION = 1
ROW_GROUP = 65_536


def schema_of(name: str) -> pa.Schema:
    """The schema of a kind of statement. Errors: RecordError naming the nearest known kind."""
    if name not in SCHEMAS:
        near = difflib.get_close_matches(name, SCHEMAS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(SCHEMAS))}."
        raise RecordError(f"there is no table {name!r}: {hint}")
    return SCHEMAS[name]


def empty_table(name: str) -> pa.Table:
    """No rows, the right columns."""
    return schema_of(name).empty_table()


def conform(name: str, table: pa.Table) -> tuple[pa.Table, int]:
    """The table in exactly the schema of `name`, and how many scores that were NaN or infinite became null.

    Columns may come in any order and in types that convert without loss. Errors: RecordError listing missing and
    unexpected columns, values that do not convert, nulls or non-finite numbers where the schema demands a value.
    """
    schema = schema_of(name)
    faults = [f"column {column!r} is missing" for column in schema.names if column not in table.column_names]
    faults += [f"column {column!r} is not in the schema" for column in table.column_names if column not in schema.names]
    if faults:
        raise RecordError(f"table {name!r}: {'; '.join(faults)}.")
    columns, cleared = [], 0
    for field in schema:
        try:
            column = table.column(field.name).cast(field.type)
        except pa.ArrowInvalid as error:
            faults.append(f"column {field.name!r} does not convert to {field.type}: {error}")
            continue
        column, count, fault = _finite(column, field)
        cleared += count
        columns.append(column)
        faults += fault
    if faults:
        raise RecordError(f"table {name!r}: {'; '.join(faults)}.")
    return pa.table(columns, schema=schema), cleared


def _finite(column: Any, field: pa.Field) -> tuple[Any, int, list[str]]:
    """The column with NaN and infinities as nulls, how many there were, and faults where nulls are not allowed."""
    faults = []
    if column.null_count and not field.nullable:
        faults.append(f"column {field.name!r} has {column.null_count} nulls")
    if not pa.types.is_floating(field.type):
        return column, 0, faults
    bad = pc.invert(pc.is_finite(column))
    count = pc.sum(bad).as_py() or 0
    if count and not field.nullable:
        row = pc.index(bad, True).as_py()
        faults.append(f"column {field.name!r} has {count} values that are not finite, the first in row {row}")
        count = 0
    return (pc.if_else(bad, None, column) if count else column), count, faults


def write_parquet(path: Path, name: str, tables: Iterable[pa.Table]) -> int:
    """Write tables of one schema as one Parquet file, atomically; returns the rows.

    Rows are regrouped into row groups of a fixed size, so that the bytes do not depend on how the rows were cut into
    tables. At most one row group is in memory.
    """
    schema = schema_of(name).with_metadata(
        {b"onlooker.table": name.encode(), b"onlooker.schema_version": str(SCHEMA_VERSION).encode()}
    )
    total = 0

    def write(file: BinaryIO) -> None:
        nonlocal total
        with pq.ParquetWriter(file, schema, compression="zstd", write_statistics=True, store_schema=True) as writer:
            for group in regroup(tables, ROW_GROUP):
                writer.write_table(group.cast(schema), row_group_size=ROW_GROUP)
                total += group.num_rows

    atomic_write(path, write)
    return total


def regroup(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in contiguous tables of exactly `size` rows (the last one may be shorter)."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        while rows + table.num_rows >= size:
            taken = size - rows
            yield pa.concat_tables([*held, table.slice(0, taken)]).combine_chunks()
            table, held, rows = table.slice(taken), [], 0
        if table.num_rows:
            held.append(table)
            rows += table.num_rows
    if held:
        yield pa.concat_tables(held).combine_chunks()


def read_batches(files: Sequence[Path], name: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Rows of Parquet files of one kind, a bounded piece at a time, in file order."""
    for path in files:
        with storage_errors(path, "read"), _open_parquet(path, name) as parquet:
            for batch in parquet.iter_batches(batch_size=ROW_GROUP, columns=list(columns) if columns else None):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None)


def read_table(files: Sequence[Path], name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of Parquet files of one kind; the empty table of the schema when there are none."""
    parts = list(read_batches(files, name, columns))
    if parts:
        return pa.concat_tables(parts)
    empty = empty_table(name)
    return empty.select(list(columns)) if columns else empty


def _open_parquet(path: Path, name: str) -> pq.ParquetFile:
    try:
        parquet = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise RecordError(f"{path} is not a whole Parquet file ({error}): run the analysis again.") from error
    metadata = parquet.schema_arrow.metadata or {}
    version = int(metadata.get(b"onlooker.schema_version", b"1"))
    if version > SCHEMA_VERSION:
        raise RecordError(f"{path} was written by a newer Onlooker (schema {version}): upgrade to read it.")
    schema = schema_of(name)
    if not parquet.schema_arrow.equals(schema, check_metadata=False):
        missing = [field.name for field in schema if field not in parquet.schema_arrow]
        raise RecordError(f"{path} does not hold {name!r}: columns {missing or parquet.schema_arrow.names} differ.")
    return parquet
