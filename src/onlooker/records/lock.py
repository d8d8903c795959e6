"""One writer per run folder: a lock file that names its holder and outlives nobody."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from onlooker.errors import RunLocked
from onlooker.storage import atomic_write, storage_errors

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]

NAME = "run.lock"
HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 120.0
RETRY_SECONDS = 0.05


class RunLock:
    """Held from creation to `release`. A second holder gets RunLocked; a holder that was killed is taken over.

    On this machine a holder is alive when its process id exists and started at the recorded time, so a recycled id
    does not count. On another machine (shared folder) it is alive while its heartbeat is younger than two minutes.
    `wait` is for how many seconds to try before giving up.
    """

    def __init__(self, folder: str | Path, wait: float = 0.0) -> None:
        self.path = Path(folder) / NAME
        self._holder = {"pid": os.getpid(), "host": socket.gethostname(), "start": process_start(os.getpid())}
        self._take(time.monotonic() + wait)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="run-lock-heartbeat", daemon=True)
        self._thread.start()

    def _take(self, deadline: float) -> None:
        while True:
            try:
                with storage_errors(self.path, "lock"), _alone(self.path.parent):
                    refuse_live_holder(self.path)
                    atomic_write(self.path, json.dumps(self._holder, sort_keys=True).encode())
                return
            except RunLocked:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                os.utime(self.path)

    def release(self) -> None:
        """Give the folder free; safe to call twice."""
        if self._stop.is_set() or os.getpid() != self._holder["pid"]:
            return  # released before, or a forked child that never held it
        self._stop.set()
        self._thread.join(timeout=1.0)
        with suppress(OSError), _alone(self.path.parent):
            if _read_holder(self.path) == self._holder:
                self.path.unlink()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def process_start(pid: int) -> str | None:
    """When the process began, as an opaque string that differs for a recycled id; None where the system hides it.

    A process that was killed and that its parent has not collected yet is gone, too: None.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if fields[0] == "Z" else f"{boot}:{fields[19]}"
    except (OSError, IndexError):
        return None


def refuse_live_holder(path: Path) -> None:
    """Raise RunLocked when the process named in the lock file still works in the folder."""
    holder = _read_holder(path)
    if holder is not None and _is_alive(holder, path):
        raise RunLocked(
            f"{path.parent} is being written by process {holder.get('pid')} on {holder.get('host')}: "
            "wait until it ends, or choose another folder with --out."
        )


def _read_holder(path: Path) -> dict[str, Any] | None:
    try:
        holder = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}  # the lock is written atomically: unreadable content comes from a damaged disk, not from a holder
    return holder if isinstance(holder, dict) else {}


def _is_alive(holder: dict[str, Any], path: Path) -> bool:
    pid = holder.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    if holder.get("host") != socket.gethostname():
        return time.time() - path.stat().st_mtime < STALE_SECONDS
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, another user's
    start = holder.get("start")
    return start is None or process_start(pid) == start


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The short moment of looking at the lock file and replacing it belongs to one process at a time."""
    if fcntl is None:  # pragma: no cover
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
