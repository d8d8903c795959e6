"""What a run folder says about itself.

`manifest.json` holds what determines the result and what came out: the same input, versions and configuration give the
same bytes, however often the run was interrupted. Everything that differs from one machine or day to the next (clock
times, seconds per stage, host, where the input lies) is in `timings.json` beside it.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from onlooker.errors import StorageError
from onlooker.records.jsonsafe import plain, pretty_json
from onlooker.storage import atomic_write, sha256_of, storage_errors

MANIFEST = "manifest.json"
TIMINGS = "timings.json"
FORMAT = 1
_LIBRARIES = ("av", "numpy", "opencv-python-headless", "pyarrow", "scipy", "torch")

Status = Literal["running", "complete", "failed"]


@dataclass
class Manifest:
    """The content of `manifest.json`.

    `input` is {"name", "bytes", "sha256"} (null where a stream has none), `weights` and `licences` map a name to its
    hash or licence, `bad_intervals` are {"start", "end", "reason"} in seconds, `tables` counts rows.
    """

    configuration: dict[str, Any] = field(default_factory=dict)
    input: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: versions())
    weights: dict[str, Any] = field(default_factory=dict)
    licences: dict[str, Any] = field(default_factory=dict)
    bad_intervals: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    status: Status = "running"
    error: str | None = None
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Replace `manifest.json` in the folder atomically."""
        atomic_write(folder / MANIFEST, pretty_json(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Errors: StorageError when the folder is no run, the file is damaged, or a newer Onlooker wrote it."""
        path = folder / MANIFEST
        if not path.is_file():
            raise StorageError(f"{folder} is not a run folder: it has no {MANIFEST}. Give the folder analyze wrote.")
        values = read_json(path)
        if values.get("format", 0) > FORMAT:
            raise StorageError(
                f"{path} was written by a newer Onlooker (format {values['format']}): upgrade to read it."
            )
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Errors: StorageError naming the file and line."""
    try:
        with storage_errors(path, "read"):
            values = json.loads(path.read_bytes())
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise StorageError(f"{path}:{line}: not valid JSON ({error}): restore the file or run again.") from error
    if not isinstance(values, dict):
        raise StorageError(f"{path}:1: expected a JSON object: restore the file or run again.")
    return values


def read_timings(folder: Path) -> dict[str, Any]:
    """The content of `timings.json`, empty where there is none."""
    path = folder / TIMINGS
    return read_json(path) if path.is_file() else {}


def write_timings(folder: Path, values: Mapping[str, Any]) -> None:
    """Replace `timings.json` atomically."""
    atomic_write(folder / TIMINGS, pretty_json(plain(values)))


def versions() -> dict[str, str]:
    """Versions of Onlooker, Python and the libraries that shape results; asks package metadata, imports nothing."""
    # an import of the package by name would point upwards; whoever runs this has loaded it
    own = sys.modules[__name__.partition(".")[0]].__version__
    found = {"onlooker": own, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe_input(path: str | Path) -> dict[str, Any]:
    """`input` of the manifest for a file: name, bytes, sha256 (reads the whole file once)."""
    path = Path(path)
    with storage_errors(path, "read"):
        size = path.stat().st_size
    return {"name": path.name, "bytes": size, "sha256": sha256_of(path)}
