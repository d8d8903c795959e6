"""CSV for spreadsheets: a header, numbers with a point, null as nothing and an empty text as "".

Spreadsheets run cells that begin with = + - @ (or a tab or return before them) as formulas. By default such texts get
an apostrophe in front, and reading takes it away again; numbers are never touched.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from onlooker.errors import RecordError
from onlooker.records.formats.lines import read_text, refuse
from onlooker.records.tables import schema_of
from onlooker.storage import atomic_write, storage_errors

# the apostrophes in front make escaping one-to-one: a text that already begins with '= gets one more
_DANGEROUS = r"^'*[=+\-@\t\r]"
_ESCAPED = r"^'+[=+\-@\t\r]"


def write_csv(table: pa.Table | Iterable[pa.Table], path: str | Path, *, escape_formulas: bool = True) -> None:
    """Write a table, or its pieces one after another, as CSV. List columns (vectors) become JSON lists."""
    tables = iter([table] if isinstance(table, pa.Table) else table)

    def write(file: BinaryIO) -> None:
        first = next(tables, None)
        if first is None:
            raise RecordError(f"nothing to write to {Path(path).name}: give at least one (empty) table.")
        writer = None
        for piece in _prepared(first, tables, escape_formulas):
            if writer is None:
                options = pacsv.WriteOptions(quoting_style="needed")
                writer = pacsv.CSVWriter(file, piece.schema, write_options=options)
            writer.write_table(piece)
        if writer is not None:
            writer.close()

    atomic_write(Path(path), write)


def _prepared(first: pa.Table, rest: Iterator[pa.Table], escape: bool) -> Iterator[pa.Table]:
    yield _flatten(first, escape)
    for table in rest:
        yield _flatten(table, escape)


def _flatten(table: pa.Table, escape: bool) -> pa.Table:
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_list(field.type):
            column = pa.array([None if row is None else json.dumps(row) for row in column.to_pylist()], pa.string())
        elif escape and pa.types.is_string(field.type):
            risky = pc.match_substring_regex(column, _DANGEROUS)
            column = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
        else:
            continue
        table = table.set_column(index, pa.field(field.name, pa.string()), column)
    return table


def read_csv(path: str | Path, name: str, *, escape_formulas: bool = True) -> pa.Table:
    """The table `name` of `records.SCHEMAS` from a CSV that `write_csv` (or a spreadsheet) wrote.

    Errors: RecordError listing every line with a wrong number of columns, a word where a number belongs, or nothing
    where a value is required.
    """
    path = Path(path)
    schema = schema_of(name)
    _require_header(path, schema)
    text_types = {f.name: pa.string() if pa.types.is_list(f.type) else f.type for f in schema}
    convert = pacsv.ConvertOptions(
        column_types=text_types,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        include_columns=schema.names,
    )
    try:
        with storage_errors(path, "read"):
            table = pacsv.read_csv(
                path, convert_options=convert, parse_options=pacsv.ParseOptions(newlines_in_values=True)
            )
        table = _restore(table, schema, escape_formulas)
    except (pa.ArrowInvalid, ValueError) as error:
        refuse(_diagnose(path, schema))
        raise RecordError(f"{path.name}:1: {error}") from error
    if any(table.column(f.name).null_count for f in schema if not f.nullable):
        refuse(_diagnose(path, schema))
    return table


def _restore(table: pa.Table, schema: pa.Schema, escape: bool) -> pa.Table:
    columns = []
    for field in schema:
        column = table.column(field.name)
        if pa.types.is_list(field.type):
            column = pa.array([None if row is None else json.loads(row) for row in column.to_pylist()], field.type)
        elif escape and pa.types.is_string(field.type):
            escaped = pc.match_substring_regex(column, _ESCAPED)
            column = pc.if_else(escaped, pc.utf8_slice_codeunits(column, 1), column)
        columns.append(column.cast(field.type))
    return pa.table(columns, schema=schema)


def _require_header(path: Path, schema: pa.Schema) -> None:
    with storage_errors(path, "read"), path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    missing = [name for name in schema.names if name not in header]
    if missing:
        raise RecordError(f"{path.name}:1: no column {', '.join(missing)}: the first line must name the columns.")


def _diagnose(path: Path, schema: pa.Schema) -> list[str]:
    """The slow second look, taken only after the fast reader refused the file."""
    lines = csv.reader(read_text(path).splitlines(keepends=True))
    header = next(lines)
    faults = []
    previous = 1
    for row in lines:
        at, previous = previous + 1, lines.line_num
        if not row:
            continue
        if len(row) != len(header):
            faults.append(f"{path.name}:{at}: {len(row)} columns, the header has {len(header)}")
            continue
        values = dict(zip(header, row, strict=True))
        faults += [f"{path.name}:{at}: {what}" for f in schema if (what := _wrong(values[f.name], f))]
    return faults


def _wrong(word: str, field: pa.Field) -> str | None:
    if word == "":
        required = not field.nullable and not pa.types.is_string(field.type)
        return f"{field.name} is empty" if required else None
    try:
        if pa.types.is_list(field.type):
            pa.array([json.loads(word)], field.type)
        elif not pa.types.is_string(field.type):
            pa.array([word]).cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
        return f"{field.name}: {word!r} is not {field.type}"
    return None
