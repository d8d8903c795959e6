"""The run's log: a JSON line per step, evaluation and event; on resuming it is cut back to the checkpoint."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

from onlooker.errors import StorageError
from onlooker.records.jsonsafe import canonical_json
from onlooker.storage import atomic_write, storage_errors
from onlooker.training.board import open_board

Row = dict[str, Any]


class Log:
    """Appends rows, each with its `kind` and `step`. Lines appear in the file at once; `sync` makes them durable.

    TensorBoard's files beside it say the same, where that is installed.
    """

    def __init__(self, path: Path, *, until: int) -> None:
        self.path = path
        self._board = open_board(path.parent, until=until)
        kept = [row for row in read_log(path) if row["step"] <= until] if path.is_file() and until else []
        atomic_write(path, "".join(canonical_json(row) + "\n" for row in kept).encode())
        with storage_errors(path, "open"):
            self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Add a row; NaN becomes null."""
        with storage_errors(self.path, "write"):
            self._file.write(canonical_json({"kind": kind, "step": step, **values}) + "\n")
        if self._board is not None:
            self._board.write(kind, step, values)

    def sync(self) -> None:
        """Before each checkpoint: the log must reach at least as far."""
        with storage_errors(self.path, "write"):
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._board is not None:
            self._board.sync()

    def close(self) -> None:
        """No more rows."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(path: str | Path) -> list[Row]:
    """All rows; a last line that was cut off by a crash is left out. Raises StorageError for any other damage."""
    path = Path(path)
    with storage_errors(path, "read"):
        lines = path.read_text(encoding="utf-8").split("\n")
    rows = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise StorageError(f"{path.name}:{number}: damaged ({error}). Delete the run and train again.") from error
    return rows
