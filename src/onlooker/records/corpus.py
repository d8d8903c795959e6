"""Many runs in one folder, and the index that lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from onlooker.errors import OnlookerError, StorageError
from onlooker.records.jsonsafe import pretty_json
from onlooker.records.lock import RunLock
from onlooker.records.manifest import MANIFEST, Manifest, read_json
from onlooker.records.run import Run
from onlooker.records.tables import empty_table
from onlooker.storage import atomic_write

INDEX = "onlooker-index.json"
LOCK_SECONDS = 30.0  # an update takes milliseconds


@dataclass(frozen=True)
class Entry:
    """One video of a corpus. `folder` is relative to the corpus, None when no run could be started."""

    name: str
    status: str
    folder: str | None = None
    duration: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    error: str | None = None


class Corpus:
    """A folder of runs with `onlooker-index.json`: name, status, run folder, duration, counts and error of each video.

    The runs are the truth and the index a summary: `rebuild` makes it anew from the folders. Entries are sorted by
    name, so equal corpora have equal indexes. Opening a folder without an index reads the runs that lie in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise StorageError(f"{self.folder} is not a folder: give the folder that holds the runs.")
        path = self.folder / INDEX
        self.entries = _parse(path) if path.is_file() else self._scan()

    def update(self, *entries: Entry) -> None:
        """Add entries, or replace those of the same run, and write the index; safe beside other writers of the corpus.

        A camera that is watched for hours has several runs of one name; an entry without a run is replaced by any.
        """
        with RunLock(self.folder, wait=LOCK_SECONDS):
            path = self.folder / INDEX
            current = _parse(path) if path.is_file() else self.entries
            kept = [old for old in current if not any(_replaces(new, old) for new in entries)]
            self._write([*kept, *entries])

    def rebuild(self) -> None:
        """Write the index from the run folders; entries without a folder (files that could not be opened) stay."""
        with RunLock(self.folder, wait=LOCK_SECONDS):
            lost = [entry for entry in self.entries if entry.folder is None]
            found = self._scan()
            names = {entry.name for entry in found}
            self._write([*found, *(entry for entry in lost if entry.name not in names)])

    def _write(self, entries: list[Entry]) -> None:
        self.entries = sorted(entries, key=_order)
        atomic_write(self.folder / INDEX, pretty_json({"format": 1, "videos": [asdict(e) for e in self.entries]}))

    def _scan(self) -> list[Entry]:
        return sorted((entry_of(path.parent, self.folder) for path in self.folder.glob(f"*/{MANIFEST}")), key=_order)

    def runs(self) -> Iterator[Run]:
        """The runs that exist, complete or not, in the order of names."""
        for entry in self.entries:
            if entry.folder is not None and (self.folder / entry.folder / MANIFEST).is_file():
                yield Run(self.folder / entry.folder)

    def read(self, name: str) -> pa.Table:
        """One kind of statement over all runs; the column `video` tells them apart. Failed runs are left out."""
        parts = [run.read(name) for run in self.runs() if run.status != "failed"]
        return pa.concat_tables(parts) if parts else empty_table(name)

    def __len__(self) -> int:
        return len(self.entries)


def entry_of(folder: str | Path, corpus: str | Path) -> Entry:
    """The index entry of a run folder; a folder that cannot be read is an entry with that error."""
    folder = Path(folder)
    relative = folder.relative_to(corpus).as_posix()
    try:
        manifest = Manifest.read(folder)
    except OnlookerError as error:
        return Entry(folder.stem, "failed", relative, error=str(error))
    name = str(manifest.input.get("name", folder.stem))
    facts = manifest.facts
    duration = facts.get("duration")
    if duration is None and {"start", "end"} <= set(facts):
        duration = facts["end"] - facts["start"]
    counts = {**({"people": facts["people"]} if "people" in facts else {}), **manifest.tables}
    return Entry(name, manifest.status, relative, duration, counts, manifest.error)


def _order(entry: Entry) -> tuple[str, str]:
    return entry.name, entry.folder or ""


def _replaces(new: Entry, old: Entry) -> bool:
    return new.name == old.name and (new.folder == old.folder or None in (new.folder, old.folder))


def _parse(path: Path) -> list[Entry]:
    values: dict[str, Any] = read_json(path)
    try:
        return [Entry(**video) for video in values["videos"]]
    except (KeyError, TypeError) as error:
        raise StorageError(
            f"{path}: not an index of runs ({error}): delete it, it is made again from the runs."
        ) from None
