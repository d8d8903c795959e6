"""The corpus: every case as a file in a cache folder, the same bytes for the same seed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from onlooker.errors import ConfigError
from onlooker.video.conformance.clean import clean_cases
from onlooker.video.conformance.damaged import damaged_cases
from onlooker.video.conformance.truth import Case, Truth

VERSION = 5  # of what the generators write: raise it when a case changes


@dataclass(frozen=True)
class Sample:
    """A generated file and what it truly shows."""

    case: Case
    path: Path
    truth: Truth


def all_cases() -> list[Case]:
    """Every case of the suite, undamaged ones first."""
    return [*clean_cases(), *damaged_cases()]


def select(names: Sequence[str] = ()) -> list[Case]:
    """The cases of these names (all without names); a name may end in `*`."""
    cases = all_cases()
    if not names:
        return cases
    chosen = [case for case in cases if any(_fits(case.name, name) for name in names)]
    for name in names:
        if not any(_fits(case.name, name) for case in cases):
            raise ConfigError(f"no conformance case {name!r}; there are {', '.join(case.name for case in cases)}")
    return chosen


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/onlooker/conformance`, in the home folder where that is not set."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "onlooker" / "conformance"


def build(
    cases: Sequence[Case] | None = None,
    *,
    seed: int = 0,
    cache: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Sample]:
    """Generate what is not in the cache yet and return all samples in the order of `cases`.

    `progress(name, done, total)` is called before each case.
    """
    cases = all_cases() if cases is None else list(cases)
    folder = (cache or default_cache()) / f"v{VERSION}-av{av.__version__}-seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for done, case in enumerate(cases):
        if progress is not None:
            progress(case.name, done, len(cases))
        samples.append(_sample(case, folder, seed))
    return samples


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _sample(case: Case, folder: Path, seed: int) -> Sample:
    path, facts = folder / f"{case.name}{case.suffix}", folder / f"{case.name}.json"
    if path.exists() and facts.exists():
        return Sample(case, path, Truth.from_dict(json.loads(facts.read_text())))
    work = Path(tempfile.mkdtemp(dir=folder, prefix=".making-"))
    try:
        with _tame_encoders():
            truth = case.make(work / path.name, np.random.default_rng([seed, zlib.crc32(case.name.encode())]))
        (work / facts.name).write_text(json.dumps(truth.as_dict()))
        os.replace(work / path.name, path)
        os.replace(work / facts.name, facts)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Sample(case, path, truth)


@contextmanager
def _tame_encoders() -> Iterator[None]:
    """What SVT-AV1 does to the process around it: run by root, it moves the calling thread to the highest real-time
    priority and leaves it there, and all that the thread starts later; its configuration goes to standard error."""
    before = os.environ.get("SVT_LOG")
    os.environ["SVT_LOG"] = "1"
    linux = hasattr(os, "sched_getscheduler")
    usual = (os.sched_getscheduler(0), os.sched_getparam(0)) if linux else None
    try:
        yield
    finally:
        if usual is not None and os.sched_getscheduler(0) != usual[0]:
            os.sched_setscheduler(0, *usual)
        if before is None:
            del os.environ["SVT_LOG"]
        else:
            os.environ["SVT_LOG"] = before
