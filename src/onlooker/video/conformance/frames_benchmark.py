"""`onlooker bench frames`: how many frames each reader gets wrong, case by case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError
from onlooker.video.conformance.corpus import Sample, build, select
from onlooker.video.conformance.machine import machine, now
from onlooker.video.conformance.readers import READERS, Reader, quiet_libraries
from onlooker.video.conformance.score import Count, Result, examine

Progress = Callable[[str, int, int], None]


def chosen_readers(names: Sequence[str]) -> list[Reader]:
    """Readers by name, all of them without names. Raises ConfigError for an unknown one."""
    unknown = [name for name in names if name not in READERS]
    if unknown:
        raise ConfigError(f"no reader {unknown[0]!r}; there are {', '.join(READERS)}")
    return [reader for reader in READERS.values() if not names or reader.name in names]


def describe(readers: Sequence[Reader]) -> dict[str, Any]:
    """Version of each reader, or why it does not run."""
    facts: dict[str, Any] = {}
    for reader in readers:
        version = reader.version()
        facts[reader.name] = {"version": version} if version else {"version": None, "not_run": reader.why_not()}
    return facts


def frames_benchmark(
    *,
    readers: Sequence[str] = (),
    cases: Sequence[str] = (),
    seed: int = 0,
    queries: int = 24,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run the conformance suite; the result is a JSON document.

    `readers` and `cases` are names (all without names; a case may end in `*`), `queries` the frames asked for out of
    order per case and mode. Onlooker passes when no frame is wrong, missing, unequal or an error.
    """
    quiet_libraries()
    tested, wanted = chosen_readers(readers), select(cases)
    facts = describe(tested)
    running = [reader for reader in tested if facts[reader.name]["version"]]
    before = machine()
    samples = build(wanted, seed=seed, cache=cache, progress=_labelled(progress, "writing"))
    totals = {reader.name: Count() for reader in running}
    failed: dict[str, list[str]] = {reader.name: [] for reader in running}
    rows = []
    for done, sample in enumerate(samples):
        _labelled(progress, "asking")(sample.case.name, done, len(samples))
        row = _row(sample)
        for reader in running:
            result = examine(reader, sample, seed=seed, queries=queries)
            row["readers"][reader.name] = _entry(result)
            totals[reader.name].add(result.total())
            if not result.total().clean:
                failed[reader.name].append(sample.case.name)
        rows.append(row)
    return {
        "benchmark": "frames",
        "date": now(),
        "machine": before,
        "seed": seed,
        "queries": queries,
        "readers": {
            name: {**fact, **_total(totals[name], failed[name])} if name in totals else fact
            for name, fact in facts.items()
        },
        "cases": rows,
        "passed": "onlooker" in totals and totals["onlooker"].clean,
    }


def _labelled(progress: Progress | None, label: str) -> Progress:
    def report(name: str, done: int, total: int) -> None:
        if progress is not None:
            progress(f"{label} {name}", done, total)

    return report


def _row(sample: Sample) -> dict[str, Any]:
    case, truth = sample.case, sample.truth
    return {
        "name": case.name,
        "what": case.what,
        "rows": list(case.rows),
        "damaged": truth.damaged,
        "readable": truth.readable,
        "frames": len(truth.numbers),
        "bytes": sample.path.stat().st_size,
        "readers": {},
    }


def _entry(result: Result) -> dict[str, Any]:
    total = result.total()
    return {**asdict(total), **result.as_dict(), "clean": total.clean}


def _total(count: Count, failed: Sequence[str]) -> dict[str, Any]:
    return {**asdict(count), "cases_failed": list(failed)}
