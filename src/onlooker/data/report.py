"""What `onlooker data check` finds, for people and machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from onlooker.data.checks import Look, Tell, inspect
from onlooker.data.kinds import Asked, classes_from, open_splits
from onlooker.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Report:
    """`splits` are (name, samples, videos, classes); faults and warnings are complete, in the order of the lists."""

    kind: str
    look: str
    splits: tuple[tuple[str, int, int, int], ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; file and line apart where a fault has them."""
        names = ("name", "samples", "videos", "classes")
        return {
            "kind": self.kind,
            "look": self.look,
            "splits": [dict(zip(names, split, strict=True)) for split in self.splits],
            "faults": [_apart(fault) for fault in self.faults],
            "warnings": [_apart(warning) for warning in self.warnings],
        }


def check_data(
    kind: str,
    paths: Sequence[Path],
    *,
    root: Path | None = None,
    classes: Path | None = None,
    split: int = 1,
    rate: float | None = None,
    look: str = "open",
    content: bool = True,
    tell: Tell = lambda *_: None,
) -> Report:
    """Read lists of one kind as splits of one data set and look for every fault; see `onlooker.data.checks.inspect`.

    Raises ConfigError for an unknown kind or look, StorageError for a list that is not there.
    """
    if look not in get_args(Look):
        raise ConfigError(f"{look!r} is no way to look at videos; there are {', '.join(get_args(Look))}.")
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"--rate {rate:g}: frames a second are a number above zero.")
    splits = open_splits(kind, paths, Asked(root, classes_from(classes), split, rate))
    found = inspect(splits, content=content, look=look, tell=tell)  # type: ignore[arg-type]
    counts = tuple(
        (name, len(listing.samples), len({sample.media for sample in listing.samples}), len(listing.classes))
        for name, listing in splits.items()
    )
    return Report(kind, look, counts, tuple(found.faults), tuple(found.warnings))


def report_lines(report: Report) -> Iterator[str]:
    """The faults, the warnings, and a summary."""
    yield from report.faults
    for warning in report.warnings:
        yield f"warning: {warning}"
    for name, samples, videos, classes in report.splits:
        yield f"{name}: {samples} samples of {videos} videos, {classes} classes"
    yield f"{len(report.faults) or 'no'} faults, {len(report.warnings) or 'no'} warnings"


def _apart(fault: str) -> dict[str, Any]:
    found = re.match(r"([^:]+):(\d+): (.*)", fault, re.S)
    if found is None:
        return {"file": None, "line": None, "message": fault}
    return {"file": found[1], "line": int(found[2]), "message": found[3]}
