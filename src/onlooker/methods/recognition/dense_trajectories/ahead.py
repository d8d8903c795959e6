"""Work done ahead of its use, on two threads that are both kept busy."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

Result = TypeVar("Result")

DEPTH = 4
"""Jobs done, begun or waiting at a time: each holds a frame and its flow."""
TURN = 0.0005  # seconds


def ahead(jobs: Iterable[Callable[[], Result]], depth: int = DEPTH) -> Iterator[Result]:
    """The results of jobs in their order; while one is in use, up to `depth` more are worked on in a thread.

    While the next result is not there yet, the caller's thread does jobs too. So two processors are busy however the
    work is divided between jobs and their use, and there are no more threads than that: of three, the one that holds
    the interpreter's lock may be the one that waits for a processor. A job may wait for something that an earlier one
    does. What a job raises, or the iterable, is raised in its turn.

    >>> list(ahead(lambda number=number: number**2 for number in range(5)))
    [0, 1, 4, 9, 16]
    """
    source, pending = _guarded(jobs), deque[_Job[Result]]()
    with _TURNS.short(), ThreadPoolExecutor(1) as pool:
        try:
            while True:
                pending.extend(_Job(work, pool.submit(work)) for work in islice(source, depth - len(pending)))
                if not pending:
                    return
                while not pending[0].future.done() and any(job.take() for job in pending):
                    pass
                yield pending.popleft().future.result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Turns:
    """How long the interpreter's lock stays with a thread that another waits for. Threads that call thousands of short
    routines a second wait most of the usual 5 ms for nothing. What was set before comes back with the last user."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 0.0

    @contextmanager
    def short(self) -> Iterator[None]:
        """Half a millisecond, or less where less was set."""
        with self._lock:
            if not self._users:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, TURN))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.setswitchinterval(self._before)


_TURNS = _Turns()


@dataclass(slots=True)
class _Job(Generic[Result]):
    work: Callable[[], Result]
    future: Future[Result]

    def take(self) -> bool:
        """Do it in this thread, unless it is done or begun."""
        if not self.future.cancel():
            return False
        self.future = Future()
        try:
            self.future.set_result(self.work())
        except Exception as error:
            self.future.set_exception(error)
        return True


def _guarded(jobs: Iterable[Callable[[], Result]]) -> Iterator[Callable[[], Result]]:
    """The jobs, and one that fails where they do."""
    try:
        yield from jobs
    except Exception as error:
        failure = error

        def fail() -> Result:
            raise failure

        yield fail
