"""Reading a run folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from onlooker.errors import RecordError, StorageError
from onlooker.records import layout
from onlooker.records.manifest import Manifest, read_timings
from onlooker.records.schemas import SCHEMAS
from onlooker.records.tables import read_batches, read_table, schema_of


class Run:
    """What is known about one video, read when asked for.

    Every kind of statement in `records.SCHEMAS` is an attribute that reads a `pyarrow.Table`: `run.tracks`,
    `run.detections`, ... A kind that nobody wrote is an empty table of its schema (`run.tables` says which are there),
    but of a failed run a missing kind is an error: nothing found and not looked are different things.
    While a run is being written, its finished units are visible; `manifest` and `status` are as of opening. Reading
    never writes.

    Errors: StorageError when the folder is no run.

        run = Run("street.onlooker")
        run.tracks.to_pandas().groupby("track_id").time.agg(["min", "max"])
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """The same as `Run(folder)`."""
        return cls(folder)

    @property
    def tables(self) -> tuple[str, ...]:
        """The kinds of statement that this folder holds, sorted."""
        return tuple(sorted(name for name in SCHEMAS if self._files(name)))

    def read(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One table, or some columns of it."""
        schema_of(name)
        files = self._files(name)
        if not files and self.manifest.status == "failed":
            raise StorageError(f"{self.folder.name} has no {name!r}: the run failed ({self.manifest.error}).")
        try:
            return read_table(files, name, columns)
        except StorageError:
            again = self._files(name)
            if again == files:
                raise
            return read_table(again, name, columns)  # the writer finished and joined the shards in this moment

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """One table in bounded pieces, for runs of many hours."""
        schema_of(name)
        return read_batches(self._files(name), name, columns)

    def __getattr__(self, name: str) -> pa.Table:
        if name.startswith("_") or name not in SCHEMAS:
            raise AttributeError(f"a Run has no attribute {name!r}; tables: {', '.join(sorted(SCHEMAS))}")
        return self.read(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *SCHEMAS})

    @property
    def status(self) -> str:
        """One of "running", "complete" and "failed"."""
        return self.manifest.status

    @cached_property
    def timings(self) -> dict[str, Any]:
        """Clock times, seconds per stage, host: what differs from one execution to the next."""
        return read_timings(self.folder)

    @property
    def video_path(self) -> Path | None:
        """The analysed file, where it was or beside the run folder; None for a stream or when it is gone."""
        name = self.manifest.input.get("name")
        known = self.timings.get("input_path")
        candidates = [Path(known)] if known else []
        candidates += [self.folder.parent / name, self.folder / name] if name else []
        return next((path for path in candidates if path.is_file()), None)

    @property
    def video(self) -> str:
        """The name by which rows refer to the video."""
        return str(self.manifest.input.get("name", self.folder.stem))

    def validate(self) -> None:
        """Check every row of every table, and that no rows were lost. Errors: RecordError listing every fault."""
        from onlooker.records.validate import find_faults, refuse

        size = self.manifest.facts.get("size")
        faults = []
        for name in self.tables:
            where = self._where(name)
            table = self.read(name)
            faults += find_faults(name, table, size=tuple(size) if size else None, where=where)
            counted = self.manifest.tables.get(name, table.num_rows)
            if counted != table.num_rows:
                faults.append(f"{where}:0: {table.num_rows} rows, the manifest counted {counted}")
        faults += [f"{name}:0: the table is missing" for name in self.manifest.tables if name not in self.tables]
        refuse(faults)

    def _where(self, name: str) -> str:
        files = self._files(name)
        return files[0].name if len(files) == 1 else f"{name}/"

    def _files(self, name: str) -> list[Path]:
        return layout.table_files(self.folder, name, self.manifest.status)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {self.manifest.status}, tables={list(self.tables)})"


def to_json_lines(table: pa.Table) -> Iterator[str]:
    """One JSON object a row, NaN as null. Errors: RecordError for values that JSON cannot hold."""
    from onlooker.records.jsonsafe import plain

    for batch in table.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            try:
                yield json.dumps(plain(row), ensure_ascii=False, allow_nan=False)
            except StorageError as error:
                raise RecordError(str(error)) from error
