"""The process that analyses one video: a job as a JSON line on standard input, JSON lines about it on standard output.

A crash of a decoder or a full memory ends this process and nothing else. When the parent goes away, standard input
ends and so does this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from onlooker.analysis.job import analyze_video
from onlooker.analysis.options import Options
from onlooker.errors import OnlookerError

try:
    import resource
except ImportError:  # pragma: no cover - Windows has no such limits
    resource = None  # type: ignore[assignment]


def main() -> int:
    """Run the one job that standard input names; the exit code says only whether the process itself was well."""
    limit_process()
    say = _Speaker(sys.stdout)
    # whatever a library prints must not mix with the messages
    sys.stdout = sys.stderr
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run = analyze_video(
            job["source"],
            Path(job["folder"]),
            Options.parse(job["options"]),
            name=job["name"],
            overwrite=job["overwrite"],
            progress=lambda p: say({"progress": [p.phase, p.done, p.total]}),
        )
    except OnlookerError as error:
        say({"error": {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}})
    except MemoryError:
        say({"error": {"type": "MemoryError", "message": f"{job['name']}: out of memory.", "exit_code": 1}})
    except KeyboardInterrupt:
        say({"interrupted": True})
    else:
        facts = run.manifest.facts
        counts = {"people": facts["people"], **run.manifest.tables}
        say({"done": {"counts": counts, "duration": facts["end"] - facts["start"]}})
    return 0


def limit_process() -> None:
    """No core dump, which would hold people's pictures; and memory of its own at most as much as the machine has, so
    that a file made to eat it all ends this process with a message instead of whichever the system picks."""
    if resource is None:
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for kind, wanted in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, memory)):
        _, most = resource.getrlimit(kind)
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(OSError, ValueError):  # a system that doesn't offer the limit
            resource.setrlimit(kind, (allowed, most))


class _Speaker:
    """Writes one JSON line at a time; safe to call from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._stream.write(json.dumps(message) + "\n")
            self._stream.flush()


def _die_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(1)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
