"""Writing a run folder so that `kill -9` at any moment loses at most the unit of work in progress.

A unit is committed in this order: its shards, the state after it, the journal record. Only the record makes the unit
exist: what lies in the folder without one is discarded on the next start. Numbered shards serve while the run grows;
`finish` joins them to one Parquet file a table, because one file is what people and tools want to open and because its
bytes then depend on the rows alone, not on where a run was interrupted.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from onlooker.errors import ConfigError, StorageError
from onlooker.records import layout
from onlooker.records.journal import Journal
from onlooker.records.jsonsafe import canonical_json, plain
from onlooker.records.lock import RunLock
from onlooker.records.manifest import MANIFEST, TIMINGS, Manifest, describe_input, read_timings, write_timings
from onlooker.records.run import Run
from onlooker.records.schemas import SCHEMAS
from onlooker.records.snapshot import dump_state, load_state
from onlooker.records.tables import conform, read_batches, write_parquet
from onlooker.storage import atomic_write, fsync_folder, make_folder, remove_leftovers, storage_errors


class RunWriter:
    """The one writer of a run folder; make it with `create_or_resume` and use it in a `with` block.

    `next_unit` is the first unit still to do and `state` what the last committed unit left (None at the start), so a
    loop is the same for a new and for a resumed run:

        with RunWriter.create_or_resume("street.onlooker", source="street.mp4", configuration={"stride": 1}) as writer:
            state = writer.state or start()
            for unit in range(writer.next_unit, count):
                table, state = work(unit, state)
                writer.append("tracks", table)
                writer.commit(unit, state)
            writer.finish()

    Leaving the block releases the lock and nothing else: an interrupted run stays resumable.
    """

    def __init__(self, folder: Path, lock: RunLock, manifest: Manifest, journal: Journal | None) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = lock
        self._journal = journal
        self._pending: dict[str, list[pa.Table]] = {}
        self._cleared = 0
        self._began = time.monotonic()
        self.timings = read_timings(folder)

    @classmethod
    def create_or_resume(
        cls,
        folder: str | Path,
        *,
        configuration: Mapping[str, Any] | None = None,
        source: str | Path | Mapping[str, Any] | None = None,
        fresh: bool = False,
        wait: float = 0.0,
    ) -> RunWriter:
        """Lock the folder and start a run in it, or go on with the one that is there.

        `source` is the video file (hashed here) or an `input` mapping made before, whose "path", if it has one, goes
        to the timings (it is where this machine keeps the file, not what the file is). A folder that holds a run of
        other input, configuration or Onlooker version is a ConfigError unless `fresh`, which discards what is there.
        `wait` is for how many seconds to wait for another writer to let go.
        Errors: RunLocked, PermissionDenied, DiskFull, StorageError.
        """
        folder = make_folder(folder)
        lock = RunLock(folder, wait)
        try:
            described = _describe(source)
            wanted = Manifest(configuration=plain(dict(configuration or {}), "configuration"), input=described)
            writer = cls._open(folder, lock, wanted, fresh)
            if not writer.is_complete:
                writer._note_start(source)
            return writer
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open(cls, folder: Path, lock: RunLock, wanted: Manifest, fresh: bool) -> RunWriter:
        remove_leftovers(folder)
        identity = _identity(wanted)
        if fresh or not (folder / MANIFEST).is_file():
            _discard(folder)
            wanted.write(folder)
        existing = Manifest.read(folder)
        _require_same(folder, identity, _identity(existing))
        if existing.status == "complete":
            _remove_working_files(folder)
            return cls(folder, lock, existing, None)
        journal = Journal(folder / layout.JOURNAL)
        if not journal.records:
            journal.append({"begin": True, "t": _now(), **identity})
        writer = cls(folder, lock, existing, journal)
        _discard_uncommitted(folder, writer._units)
        existing.status, existing.error = "running", None
        existing.write(folder)
        return writer

    def _note_start(self, source: str | Path | Mapping[str, Any] | None) -> None:
        self.timings |= {"host": socket.gethostname(), "starts": [*self.timings.get("starts", []), _now()]}
        path = source.get("path") if isinstance(source, Mapping) else source
        if path is not None:
            self.timings["input_path"] = str(Path(path).absolute())
        write_timings(self.folder, self.timings)

    @property
    def _units(self) -> list[dict[str, Any]]:
        return layout.units(self._journal.records) if self._journal else []

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.manifest.status == "complete"

    @property
    def last_unit(self) -> int | None:
        """The last committed unit."""
        return int(self._units[-1]["unit"]) if self._units else None

    @property
    def next_unit(self) -> int:
        """The first unit that is not committed yet; units are committed in order from 0."""
        return 0 if self.last_unit is None else self.last_unit + 1

    @property
    def state(self) -> Any:
        """The state after the last committed unit, None before the first. Errors: StorageError when it is damaged."""
        if not self._units:
            return None
        path = layout.state_path(self.folder, self._units[-1]["unit"])
        with storage_errors(path, "read"):
            data = path.read_bytes()
        if f"{zlib.crc32(data):08x}" != self._units[-1]["state"]:
            raise StorageError(f"{path} is damaged: start the run over in a fresh folder (or with fresh=True).")
        return load_state(data)

    def append(self, name: str, table: pa.Table) -> None:
        """Add rows to a table of the current unit. Errors: RecordError when they break the schema.

        Scores that are NaN or infinite become null and are counted in the manifest's warnings.
        """
        checked, cleared = conform(name, table)
        self._cleared += cleared
        if checked.num_rows:
            self._pending.setdefault(name, []).append(checked)

    def commit(self, unit: int, state: Any = None) -> None:
        """Make the appended rows and the state durable, all or nothing. Errors: DiskFull and other storage errors."""
        journal = self._open_journal()
        if unit != self.next_unit:
            raise StorageError(
                f"{self.folder.name}: unit {unit} cannot follow {self.last_unit}: commit units in order."
            )
        rows = {}
        for name in sorted(self._pending):
            path = layout.shard_path(self.folder, name, unit)
            _make_subfolder(path.parent)
            rows[name] = write_parquet(path, name, self._pending[name])
        data = dump_state(state)
        path = layout.state_path(self.folder, unit)
        _make_subfolder(path.parent)
        atomic_write(path, data)
        crc = f"{zlib.crc32(data):08x}"
        journal.append({"unit": unit, "rows": rows, "state": crc, "cleared": self._cleared, "t": _now()})
        self._pending, self._cleared = {}, 0
        if unit:
            layout.state_path(self.folder, unit - 1).unlink(missing_ok=True)

    def finish(self, *, stages: Mapping[str, float] | None = None) -> Run:
        """Join the shards, mark the run complete, remove the working files; `stages` are seconds per stage.

        Set `writer.manifest` fields (weights, licences, bad_intervals, warnings, facts) before. May be called again
        after a crash in the middle: it gives the same bytes.
        """
        if self.is_complete:
            return Run(self.folder)
        journal = self._open_journal()
        if self._pending:
            raise StorageError(f"{self.folder.name}: rows were appended but not committed: call commit before finish.")
        self.manifest.tables = {}
        for name in sorted(SCHEMAS):
            files = layout.shard_files(self.folder, name, journal.records)
            if files:
                rows = write_parquet(layout.table_path(self.folder, name), name, read_batches(files, name))
                self.manifest.tables[name] = rows
        self._close_manifest("complete", None)
        self._write_timings(stages)
        self.manifest.write(self.folder)
        journal.close()
        self._journal = None
        _remove_working_files(self.folder)
        return Run(self.folder)

    def fail(self, reason: str) -> None:
        """Mark the run failed for a reason that people read; the committed units stay and a next run goes on."""
        if self._journal is None:
            return
        self._close_manifest("failed", reason)
        self._write_timings(None)
        self.manifest.write(self.folder)

    def close(self) -> None:
        """Release the folder."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.release()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open_journal(self) -> Journal:
        if self._journal is None:
            state = "complete" if self.is_complete else "closed"
            raise StorageError(f"{self.folder.name} is {state}: start over with fresh=True to write to it again.")
        return self._journal

    def _close_manifest(self, status: str, error: str | None) -> None:
        cleared = sum(record["cleared"] for record in self._units)
        note = f"{cleared} scores were not finite and are stored as null"
        if cleared and note not in self.manifest.warnings:
            self.manifest.warnings.append(note)
        self.manifest.warnings.sort()
        self.manifest.status, self.manifest.error = status, error  # type: ignore[assignment]

    def _write_timings(self, stages: Mapping[str, float] | None) -> None:
        self.timings |= {
            "finished": _now(),
            "seconds": self.timings.get("seconds", 0.0) + time.monotonic() - self._began,
        }
        if stages is not None:
            self.timings["stages"] = dict(stages)
        write_timings(self.folder, self.timings)


def _describe(source: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return {key: value for key, value in source.items() if key != "path"}
    return describe_input(source)


def _identity(manifest: Manifest) -> dict[str, str]:
    """What must be equal for two runs to be the same work."""
    return {
        "input_sha256": str(manifest.input.get("sha256") or manifest.input.get("name", "")),
        "config_sha256": sha256(canonical_json(manifest.configuration).encode()).hexdigest(),
        "code_version": manifest.versions.get("onlooker", ""),
    }


def _require_same(folder: Path, wanted: Mapping[str, str], there: Mapping[str, str]) -> None:
    words = {"input_sha256": "input", "config_sha256": "configuration", "code_version": "Onlooker version"}
    differing = [words[key] for key in wanted if wanted[key] != there[key]]
    if differing:
        raise ConfigError(
            f"{folder} holds a run with another {' and '.join(differing)}: choose another folder, or start over there."
        )


def _discard(folder: Path) -> None:
    """Remove what belongs to an earlier run, and nothing that Onlooker did not write.

    The manifest goes first and the journal last: while either is there, a next start discards the rest.
    """
    if not (folder / MANIFEST).exists() and not (folder / layout.JOURNAL).exists():
        return
    with storage_errors(folder, "clear"):
        (folder / MANIFEST).unlink(missing_ok=True)
        for path in [folder / TIMINGS, *(layout.table_path(folder, name) for name in SCHEMAS)]:
            path.unlink(missing_ok=True)
    _remove_working_files(folder)


def _discard_uncommitted(folder: Path, units: Sequence[Mapping[str, Any]]) -> None:
    """Remove shards and states that no journal record speaks of."""
    committed = {layout.shard_path(folder, name, unit["unit"]) for unit in units for name in unit["rows"]}
    if units:
        committed.add(layout.state_path(folder, units[-1]["unit"]))
    with storage_errors(folder, "clean"):
        for path in layout.working_files(folder):
            if path not in committed:
                path.unlink()
    missing = sorted(str(path.relative_to(folder)) for path in committed if not path.is_file())
    if missing:
        raise StorageError(f"{folder}: committed files are gone: {', '.join(missing)}. Start the run over.")


def _remove_working_files(folder: Path) -> None:
    with storage_errors(folder, "clean"):
        for path in layout.working_files(folder):
            path.unlink()
        for place in layout.working_folders(folder):
            with suppress(OSError):  # holds something that is not ours
                place.rmdir()
        (folder / layout.JOURNAL).unlink(missing_ok=True)
        fsync_folder(folder)


def _make_subfolder(folder: Path) -> None:
    if not folder.is_dir():
        with storage_errors(folder, "create"):
            folder.mkdir()
            fsync_folder(folder.parent)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
