"""An append-only list of what was finished, one JSON record a line, each with its CRC, each on disk before the next."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onlooker.errors import StorageError
from onlooker.records.jsonsafe import canonical_json
from onlooker.storage import fsync_folder, storage_errors

Record = dict[str, Any]


class Journal:
    """Opens (or creates) the journal and cuts off a record that was being written when the power went.

    `records` are the whole ones, oldest first. A damaged record before the last is a StorageError that names its line:
    what follows it cannot be trusted.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.records, whole = _parse(self.path)
        with storage_errors(self.path, "open"):
            fresh = not self.path.exists()
            self._file = self.path.open("ab")
            if self._file.tell() > whole:
                self._file.truncate(whole)
                os.fsync(self._file.fileno())
            if fresh:
                fsync_folder(self.path.parent)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one record; it is on disk when this returns. Errors: DiskFull and the other storage errors."""
        line = encode_record(record)
        size = self._file.seek(0, os.SEEK_END)
        try:
            with storage_errors(self.path, "append to"):
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
        except StorageError:
            self._drop_partial(size)
            raise
        self.records.append(dict(record))

    def _drop_partial(self, size: int) -> None:
        # an unbuffered descriptor: what is left in the file object's buffer must not be written later
        descriptor = os.open(self.path, os.O_WRONLY)
        os.ftruncate(descriptor, size)
        os.close(descriptor)
        raw = self._file.detach()
        raw.close()
        self._file = self.path.open("ab")

    def close(self) -> None:
        self._file.close()


def read_journal(path: str | Path) -> list[Record]:
    """The whole records without changing the file; empty where there is no journal."""
    return _parse(Path(path))[0]


def encode_record(record: Mapping[str, Any]) -> bytes:
    """One line: canonical JSON whose last key is the CRC of the rest."""
    body = canonical_json(record)
    return f'{body[:-1]}{", " if len(body) > 2 else ""}"crc32": "{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def _decode(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict) or "crc32" not in record:
        return None
    crc = record.pop("crc32")
    return record if crc == f"{zlib.crc32(canonical_json(record).encode()):08x}" else None


def _parse(path: Path) -> tuple[list[Record], int]:
    """The records and the length in bytes of the part of the file that they fill."""
    if not path.exists():
        return [], 0
    with storage_errors(path, "read"):
        lines = path.read_bytes().splitlines(keepends=True)
    records: list[Record] = []
    length = 0
    for number, line in enumerate(lines, 1):
        record = _decode(line) if line.endswith(b"\n") else None
        if record is None:
            if number == len(lines):
                break
            raise StorageError(
                f"{path.name}:{number}: damaged record in {path.parent}: what follows cannot be trusted. "
                "Start over with a fresh folder, or restore the file from a copy."
            )
        records.append(record)
        length += len(line)
    return records, length
