"""Runs one video in a process of its own, watches it, starts it again once, and keeps bad files from looping."""

from __future__ import annotations

import collections
import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from onlooker.analysis.inputs import Item
from onlooker.storage import atomic_write

STALL_SECONDS = 120.0
CRASH_LIMIT = 2
CRASH_FILE = "crashes.json"


@dataclass(frozen=True)
class Outcome:
    """How one video went. `status`: complete, failed, quarantined or interrupted."""

    name: str
    source: str
    folder: Path
    status: str
    error: str | None = None
    error_type: str | None = None
    exit_code: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    duration: float | None = None


Report = Callable[[Item, str, float, float], None]


def supervise(
    item: Item,
    options: dict[str, Any],
    *,
    overwrite: bool = False,
    retry: bool = False,
    report: Report | None = None,
    stall_seconds: float = STALL_SECONDS,
    started: Callable[[subprocess.Popen[str]], None] | None = None,
) -> Outcome:
    """Analyse one video in a child process; a child that dies or hangs is started again, which resumes its work.

    After two such deaths on the same bytes the file is quarantined: shown as failed, not tried again until `retry`.
    `report(item, phase, done, total)` hears of progress; `started` is given the child so that a caller can stop it.
    """
    crashes = _Crashes(item)
    if retry:
        crashes.forget()
    while crashes.count < CRASH_LIMIT:
        message, death = _attempt(item, options, overwrite, report, stall_seconds, started)
        if message is not None:
            return _outcome(item, message)
        crashes.add(death)
        # what the first attempt finished is to be resumed, not replaced
        overwrite = False
    reason = f"{item.name}: its analysis died {crashes.count} times ({crashes.reason}); --retry tries it again."
    return Outcome(item.name, item.source, item.folder, "quarantined", reason, "Quarantined", 1)


def _attempt(
    item: Item,
    options: dict[str, Any],
    overwrite: bool,
    report: Report | None,
    stall_seconds: float,
    started: Callable[[subprocess.Popen[str]], None] | None,
) -> tuple[dict[str, Any] | None, str]:
    """The child's last word, or None and how it died."""
    job = {"source": item.source, "folder": str(item.folder), "name": item.name, "options": options}
    with _child() as child:
        if started:
            started(child)
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(json.dumps({**job, "overwrite": overwrite}) + "\n")
        child.stdin.flush()
        errors: collections.deque[str] = collections.deque(maxlen=20)
        threading.Thread(target=errors.extend, args=(child.stderr,), daemon=True).start()
        for message in _messages(child.stdout, stall_seconds):
            if message is None:
                child.kill()
                return None, f"no progress for {stall_seconds:g} s"
            if "progress" not in message:
                return message, ""
            if report:
                report(item, *message["progress"])
        child.wait()
        last = errors[-1].strip() if errors else "no message"
        return None, f"the process ended with code {child.returncode}: {last}"


@contextmanager
def _child() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen(
        [sys.executable, "-m", "onlooker.analysis.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    try:
        yield child
        if child.stdin:
            child.stdin.close()
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(timeout=8)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise


def _messages(stream: IO[str], stall_seconds: float) -> Iterator[dict[str, Any] | None]:
    """The child's messages as they come; None when none came for too long."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=stall_seconds)
        except queue.Empty:
            yield None
            return
        if line is None:
            return
        yield json.loads(line)


def _outcome(item: Item, message: dict[str, Any]) -> Outcome:
    if "done" in message:
        done = message["done"]
        return Outcome(
            item.name, item.source, item.folder, "complete", counts=done["counts"], duration=done["duration"]
        )
    if "interrupted" in message:
        return Outcome(item.name, item.source, item.folder, "interrupted", exit_code=130)
    error = message["error"]
    return Outcome(
        item.name, item.source, item.folder, "failed", error["message"], error["type"], int(error["exit_code"])
    )


class _Crashes:
    """How often the analysis of these bytes died, remembered in the run folder."""

    def __init__(self, item: Item) -> None:
        self._path = item.folder / CRASH_FILE
        self._digest = _digest(item.source)
        self.count, self.reason = 0, ""
        if self._path.exists():
            known = json.loads(self._path.read_text(encoding="utf-8"))
            if known["digest"] == self._digest:
                self.count, self.reason = known["count"], known["reason"]

    def add(self, reason: str) -> None:
        self.count, self.reason = self.count + 1, reason
        self._path.parent.mkdir(parents=True, exist_ok=True)
        known = {"digest": self._digest, "count": self.count, "reason": reason}
        atomic_write(self._path, json.dumps(known, indent=1).encode())

    def forget(self) -> None:
        self.count = 0
        self._path.unlink(missing_ok=True)


def _digest(source: str) -> str:
    """Identifies a file by its size and first megabyte, a URL by itself: enough to notice that it was replaced."""
    path = Path(source)
    if "://" in source or not path.is_file():
        return hashlib.sha256(source.encode()).hexdigest()
    with path.open("rb") as stream:
        return hashlib.sha256(str(path.stat().st_size).encode() + stream.read(1 << 20)).hexdigest()
