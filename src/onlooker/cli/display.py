"""Progress and results on a terminal: live bars for people, plain lines where output is not a terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onlooker.analysis.corpus import CorpusOutcome
    from onlooker.analysis.inputs import Item
    from onlooker.analysis.job import Tell
    from onlooker.analysis.supervise import Outcome, Report
    from onlooker.records import Run
    from onlooker.video.stream import StreamMetrics

PLAIN_SECONDS = 5.0


def say_json(value: Any) -> None:
    """One JSON document on standard output; NaN is refused rather than written."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, default=str))


def show_corpus(job: Callable[[Report], CorpusOutcome], *, as_json: bool) -> int:
    """Run the job with progress on standard error, then show what came out. Gives the exit code."""
    with _progress(quiet=as_json) as report:
        done = job(report)
    outcomes = done.videos
    if as_json:
        page = None if done.page is None else str(done.page)
        say_json({"videos": [_as_dict(outcome) for outcome in outcomes], "page": page})
    else:
        for outcome in outcomes:
            _show(outcome)
        if done.page is not None:
            typer.echo(f"All {len(outcomes)} videos: {done.page}")
    failed = [outcome for outcome in outcomes if outcome.status != "complete"]
    if not failed:
        return 0
    if not as_json and len(outcomes) > 1:
        typer.echo(f"{len(failed)} of {len(outcomes)} videos failed.", err=True)
    return failed[0].exit_code if len(outcomes) == 1 else 1


def _show(outcome: Outcome) -> None:
    if outcome.status != "complete":
        typer.echo(f"{outcome.error_type or outcome.status}: {outcome.error or outcome.name}", err=True)
        return
    counts = outcome.counts
    kinds = (("person", "people"), ("shot", "shots"), ("event", "events"))
    facts = ", ".join(f"{counts[many]} {one if counts[many] == 1 else many}" for one, many in kinds if many in counts)
    typer.echo(f"{outcome.name}: {facts}")
    for name in ("report.html", "annotated.mp4"):
        if (outcome.folder / name).exists():
            typer.echo(f"  {outcome.folder / name}")
    if not (outcome.folder / "report.html").exists():
        typer.echo(f"  {outcome.folder}")


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "source": outcome.source,
        "run": str(outcome.folder),
        "status": outcome.status,
        "error": None if outcome.error is None else {"type": outcome.error_type, "message": outcome.error},
        "counts": outcome.counts,
    }


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Report]:
    if quiet:
        yield lambda item, phase, done, total: None
    elif sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _plain_lines()


@contextmanager
def job_progress(name: str, *, quiet: bool) -> Iterator[Tell]:
    """Progress of a single job that runs in this process."""
    from pathlib import Path

    from onlooker.analysis.inputs import Item

    item = Item(name, Path(name), name)
    with _progress(quiet=quiet) as report:
        yield lambda progress: report(item, progress.phase, progress.done, progress.total)


def _plain_lines() -> Report:
    """A line when a phase begins and every few seconds after."""
    last: dict[str, tuple[str, float]] = {}

    def report(item: Item, phase: str, done: float, total: float) -> None:
        known, at = last.get(str(item.folder), ("", 0.0))
        if phase != known or time.monotonic() - at >= PLAIN_SECONDS:
            last[str(item.folder)] = (phase, time.monotonic())
            part = f" {100 * done / total:.0f} %" if total > 0 else ""
            typer.echo(f"{item.name}: {phase}{part}", err=True)

    return report


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(item: Item, phase: str, done: float, total: float) -> None:
            key = str(item.folder)
            if key not in tasks:
                tasks[key] = bars.add_task(item.name, total=None)
            bars.update(tasks[key], description=f"{item.name}: {phase}", completed=done, total=total or None)

        yield report


def say_report(report: dict[str, Any], indent: str = "") -> None:
    """Nested facts as aligned lines."""
    width = max((len(key) for key in report), default=0)
    for key, value in report.items():
        name = key.replace("_", " ")
        if isinstance(value, dict) and value:
            typer.echo(f"{indent}{name}")
            say_report(value, indent + "  ")
        elif isinstance(value, list):
            typer.echo(f"{indent}{name:<{width}}  {', '.join(map(_short, value)) or 'none'}")
        else:
            typer.echo(f"{indent}{name:<{width}}  {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return " ".join(f"{key}={_short(part)}" for key, part in value.items())
    return "unknown" if value is None else str(value)


class LiveLines:
    """Events and connection states of a live source, one line each."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def event(self, event: dict[str, Any]) -> None:
        """Something happened."""
        if self._as_json:
            typer.echo(json.dumps({"event": event}, allow_nan=False))
        else:
            what = " ".join(filter(None, (event["type"], event["direction"])))
            typer.echo(f"{event['start']:8.1f} s  {what:20} person {event['track_id']}")

    def state(self, metrics: StreamMetrics) -> None:
        """The connection changed."""
        if self._as_json:
            typer.echo(json.dumps({"state": metrics.state, "message": metrics.message, "epoch": metrics.epoch}))
        else:
            typer.echo(f"[{metrics.state}] {metrics.message}", err=True)

    def end(self, run: Run) -> None:
        """A run folder is complete."""
        facts = run.manifest.facts
        if self._as_json:
            typer.echo(json.dumps({"run": str(run.folder), "facts": facts, "warnings": run.manifest.warnings}))
            return
        seconds = facts["end"] - facts["start"]
        typer.echo(f"{facts['people']} people in {seconds:.1f} s, {facts['frames']} frames: {run.folder}")
        for warning in run.manifest.warnings:
            typer.echo(f"  {warning}", err=True)


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {kind: signal.signal(kind, ask) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
