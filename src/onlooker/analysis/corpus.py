"""Many videos: one run folder each, one index over all; a bad file never stops the others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from onlooker.analysis.inputs import Item, assign_folders, expand
from onlooker.analysis.options import Options
from onlooker.analysis.report import write_corpus_report
from onlooker.analysis.supervise import Outcome, Report, supervise
from onlooker.errors import ConfigError
from onlooker.records import Corpus, Entry

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class CorpusOutcome:
    """How each video went, in input order, and the page over all of them (None for a single video)."""

    videos: list[Outcome]
    page: Path | None = None


def analyze_corpus(
    inputs: Sequence[str],
    *,
    out: Path | None = None,
    options: dict[str, Any] | None = None,
    assignments: Sequence[str] = (),
    engine: str = "local",
    workers: int = 1,
    overwrite: bool = False,
    retry: bool = False,
    progress: Report | None = None,
) -> CorpusOutcome:
    """Analyse everything that `inputs` names.

    `assignments` are `key=value` texts on top of `options`. Each video runs in a process of its own.
    Errors: ConfigError for inputs or options that make no sense; what goes wrong with one video is in its outcome.
    """
    chosen = Options.parse({**(options or {}), **_parse_assignments(assignments)})
    chosen.check()
    if engine not in ENGINES:
        raise ConfigError(f"unknown engine {engine!r}: there are {' and '.join(ENGINES)}.")
    items = assign_folders(expand(inputs), out)
    with tempfile.TemporaryDirectory(prefix="onlooker-") as spool:
        local = [_spool_stdin(item, Path(spool)) for item in items]
        run = _run_ray if engine == "ray" else _run_local
        outcomes = run(local, chosen.model_dump(mode="json"), workers, overwrite, retry, progress)
    if len(items) > 1 or any(Path(text).is_dir() for text in inputs):
        folder = _index_folder(items, out)
        corpus = _write_index(folder, outcomes)
        return CorpusOutcome(outcomes, write_corpus_report(folder, corpus.entries) if chosen.report else None)
    return CorpusOutcome(outcomes)


def _run_local(
    items: list[Item],
    options: dict[str, Any],
    workers: int,
    overwrite: bool,
    retry: bool,
    progress: Report | None,
) -> list[Outcome]:
    children: list[subprocess.Popen[str]] = []
    stopping = threading.Event()

    def one(item: Item) -> Outcome:
        if stopping.is_set():
            return Outcome(item.name, item.source, item.folder, "interrupted", exit_code=130)
        return supervise(item, options, overwrite=overwrite, retry=retry, report=progress, started=children.append)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, item) for item in items]
        try:
            for _ in as_completed(futures):
                pass
        except BaseException:
            stopping.set()
            for child in children:
                if child.poll() is None:
                    child.terminate()
            raise
    return [future.result() for future in futures]


def _run_ray(
    items: list[Item],
    options: dict[str, Any],
    workers: int,
    overwrite: bool,
    retry: bool,
    progress: Report | None,
) -> list[Outcome]:
    from onlooker.analysis.ray_engine import run_on_ray

    absolute = [replace(i, source=_absolute(i.source), folder=i.folder.resolve()) for i in items]
    outcomes = run_on_ray(absolute, options, workers, overwrite, retry, progress)
    return [replace(o, source=i.source, folder=i.folder) for o, i in zip(outcomes, items, strict=True)]


def _absolute(source: str) -> str:
    return source if "://" in source else str(Path(source).resolve())


def _spool_stdin(item: Item, folder: Path) -> Item:
    if item.source != "-":
        return item
    path = folder / "stdin"
    with path.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target)
    return replace(item, source=str(path))


def _index_folder(items: list[Item], out: Path | None) -> Path:
    if out is not None:
        return out
    return Path(os.path.commonpath([item.folder.parent.resolve() for item in items]))


def _write_index(folder: Path, outcomes: Sequence[Outcome]) -> Corpus:
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    entries = []
    for outcome in outcomes:
        place = Path(os.path.relpath(outcome.folder.resolve(), root)).as_posix() if outcome.folder.exists() else None
        entries.append(Entry(outcome.name, outcome.status, place, outcome.duration, outcome.counts, outcome.error))
    corpus = Corpus(folder)
    corpus.update(*entries)
    return corpus


def _parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {text!r}: write key=value, for example --set on_corrupt=skip.")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"--set {text!r}: {value!r} is not a YAML value.") from None
    return values
