"""Where things lie in a run folder.

- `manifest.json`: what determined the result and what came out
- `timings.json`: clock times, host, seconds per stage
- `detections.parquet`, ...: one file per table, once the run is complete
- `detections/000000.parquet`, `journal.jsonl`, `state/000000.zip`, `run.lock`: only while it is not
"""

from __future__ import annotations

from pathlib import Path

from onlooker.records.journal import Record, read_journal
from onlooker.records.schemas import SCHEMAS
from onlooker.storage import TEMP_PREFIX

JOURNAL = "journal.jsonl"
STATE = "state"


def shard_path(folder: Path, name: str, unit: int) -> Path:
    return folder / name / f"{unit:06d}.parquet"


def table_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def state_path(folder: Path, unit: int) -> Path:
    return folder / STATE / f"{unit:06d}.zip"


def units(records: list[Record]) -> list[Record]:
    """The records of finished units, in order."""
    return [record for record in records if "unit" in record]


def shard_files(folder: Path, name: str, records: list[Record]) -> list[Path]:
    """Shards of one table that finished units wrote; a shard without a journal record does not count."""
    return [shard_path(folder, name, record["unit"]) for record in units(records) if name in record["rows"]]


def table_files(folder: Path, name: str, status: str) -> list[Path]:
    """The files to read for a table: the one file of a complete run, the finished shards of any other.

    A folder of shards without a journal (written by other tools) is read whole, in the order of names.
    """
    whole = table_path(folder, name)
    journal = folder / JOURNAL
    if status != "complete" and journal.is_file():
        return shard_files(folder, name, read_journal(journal))
    if whole.is_file():
        return [whole]
    return sorted((folder / name).glob("*.parquet"))


def working_folders(folder: Path) -> list[Path]:
    """The folders that exist only while the run grows."""
    return [folder / place for place in (STATE, *SCHEMAS) if (folder / place).is_dir()]


def working_files(folder: Path) -> list[Path]:
    """Shards, states and temporary files of a growing run; never a file of another name."""
    numbered = "[0-9]" * 6
    found: list[Path] = []
    for place in working_folders(folder):
        for pattern in (f"{numbered}.parquet", f"{numbered}.zip", TEMP_PREFIX + "*"):
            found += sorted(place.glob(pattern))
    return found
