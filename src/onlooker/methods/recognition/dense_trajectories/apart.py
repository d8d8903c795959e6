"""A helper process that finds the flow between frames while this one follows the tracks.

Two threads hand over the interpreter's lock thousands of times a second, at the cost of a third of two processors; two
processes do not. But a process takes a second and a half of work to start, and a quarter of a gigabyte. So threads
begin, a helper is started in the background once this process has looked at `PATIENCE` pixels, and takes over when it
is ready. It stays for later videos until it was idle for `IDLE` seconds, or this process ends, however that happens:
then its end of the connection closes. Frames and flow go through memory that has no name anywhere, and is gone with its
last user.

Whatever goes wrong with a helper, its work is done in this process, with the same results.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Pipe

from onlooker.methods.recognition.dense_trajectories.ahead import DEPTH
from onlooker.methods.recognition.dense_trajectories.camera import Boxes
from onlooker.methods.recognition.dense_trajectories.config import Config
from onlooker.methods.recognition.dense_trajectories.helper import Answer, Table, table_bytes
from onlooker.methods.recognition.dense_trajectories.motion import Matches, Motion, Pair, View
from onlooker.methods.recognition.dense_trajectories.pyramid import Grey, Level

PATIENCE = 10_000_000
"""Pixels that a process looks at before it starts a helper: five seconds of video at 320 x 240."""
IDLE = 120.0  # seconds
SILENCE = 60.0  # seconds without an answer: then it is given up

_MAIN = "from onlooker.methods.recognition.dense_trajectories.helper import main; main()"


class Helper:
    """A process, the connection to it, and the memory shared with it."""

    def __init__(self) -> None:
        """Start it; it will be ready some seconds later. Raises OSError."""
        self._memory, self._bytes = _nameless(), 0
        self._connection, other = Pipe()
        kept = (other.fileno(), self._memory)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, *map(str, kept), str(IDLE)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"},
                pass_fds=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt from the keyboard is for this process, which ends it
            )
        except BaseException:
            self._connection.close()
            os.close(self._memory)
            raise
        finally:
            other.close()
        self.waiting, self.seconds, self.was_ready = 0, 0.0, False
        self._serial = count()
        self._settings: tuple[Config, tuple[Level, ...]] | None = None
        self._table: Table | None = None

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it may be asked, now or when it is ready."""
        return not self._connection.closed and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it has said that it is."""
        try:
            if not self.was_ready and not self._connection.closed and self._connection.poll():
                self.was_ready = self._connection.recv() == "ready"
        except (EOFError, OSError):
            self.close()
        return self.was_ready and self.alive()

    def close(self) -> None:
        """End it, whatever it does."""
        if not self._connection.closed:
            self._connection.close()
            os.close(self._memory)
        self._process.kill()
        self._process.wait()

    def pairs(self, motion: Motion, inputs: Iterator[tuple[Grey, Boxes]], last: View) -> Iterator[Pair]:
        """What `Motion.pair` gives for each frame and the one before it; keypoints are found here.

        Up to `DEPTH` frames are read ahead. What the inputs raise is raised in its turn. Ends before them when the
        helper fails, but reads one frame at least, and loses none.
        """
        pending: deque[tuple[int, View, View]] = deque()
        table, serial, read = self._table_for(motion), next(self._serial), 0
        failure: Exception | None = None
        while True:
            while failure is None and len(pending) < DEPTH and (self.alive() or not read):
                try:
                    grey, boxes = next(inputs)
                except Exception as error:
                    failure = error
                    break
                before, slot = motion.look(last), read % DEPTH
                last = motion.look(motion.view(before.index + 1, grey, boxes))
                self._ask(table, serial, slot, before, last, motion.match(before, last))
                pending.append((slot, before, last))
                read += 1
            if not pending:
                break
            slot, before, after = pending.popleft()
            answer = self._answer()
            if answer is None or table is None:
                yield motion.pair(before, after)
            else:
                yield table.pair(slot, before, after, answer)
        if failure is not None and not isinstance(failure, StopIteration):
            raise failure

    def _table_for(self, motion: Motion) -> Table | None:
        settings = motion.config, motion.sizes
        if self._settings != settings:
            try:
                size = table_bytes(motion.sizes, DEPTH)
                if size > self._bytes:
                    os.ftruncate(self._memory, size)
                    self._bytes = size
                self._table = Table(self._memory, motion.sizes, DEPTH)
                self._connection.send(settings)
            except OSError:
                self.close()
                return None
            self._settings = settings
        return self._table

    def _ask(self, table: Table | None, serial: int, slot: int, before: View, after: View, matches: Matches) -> None:
        if table is None:
            return
        for held, view in zip(table.frames[slot], (before, after), strict=True):
            held[:] = view.greys[0]
        try:
            self._connection.send((serial, slot, before.index, after.boxes, matches))
            self.waiting += 1
        except OSError:
            self.close()

    def _answer(self) -> Answer | None:
        """None if it failed."""
        try:
            if not self._connection.closed and self._connection.poll(SILENCE):
                answer: Answer | None
                answer, self.seconds = self._connection.recv()
                self.waiting -= 1
                return answer
        except (EOFError, OSError):
            pass
        self.close()
        return None


class Office:
    """The helper of this process, if any, for one user at a time."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As in the beginning: in a process that was forked from the one with the helper, which keeps it."""
        self._lock = threading.Lock()
        self._helper: Helper | None = None
        self._hired = self._refused = False
        self._pixels, self._seconds = 0, 0.0

    def saw(self, pixels: int) -> None:
        """So many were looked at without help."""
        with self._lock:
            self._pixels += pixels

    @property
    def seconds(self) -> float:
        """Processor time of all helpers so far."""
        return self._seconds + (self._helper.seconds if self._helper else 0.0)

    def settled(self, seconds: float = 30.0) -> bool:
        """Wait so long at most for a helper that was started; gives whether it is ready."""
        until = time.monotonic() + seconds
        while self._helper is not None and self._helper.alive() and time.monotonic() < until:
            if self._helper.ready():
                return True
            time.sleep(0.02)
        return False

    @contextmanager
    def hire(self) -> Iterator[Helper | None]:
        """The helper; None where there is none, or not yet, or another has it. Starts one when it is time."""
        helper = self._take()
        try:
            yield helper
        finally:
            if helper is not None:
                self._put_back(helper)

    def _take(self) -> Helper | None:
        with self._lock:
            if self._hired or self._pixels < PATIENCE or self._refused or not _wanted():
                return None
            if self._helper is not None and not self._helper.alive():
                self._refused = not self._helper.was_ready  # it cannot run here
                self._dismiss()
            if self._helper is None and not self._refused:
                try:
                    self._helper = Helper()
                except OSError:
                    self._refused = True
            if self._helper is None or not self._helper.ready():
                return None
            self._hired = True
            return self._helper

    def _put_back(self, helper: Helper) -> None:
        with self._lock:
            if helper is self._helper:
                self._hired = False
                if helper.waiting:  # the next user would take the answers for its own
                    self._dismiss()

    def _dismiss(self) -> None:
        if self._helper is not None:
            self._helper.close()
            self._seconds += self._helper.seconds
        self._helper, self._hired = None, False

    def end(self) -> None:
        """Let nobody stay behind."""
        with self._lock:
            self._dismiss()


OFFICE = Office()
atexit.register(OFFICE.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OFFICE.forget)


def _wanted() -> bool:
    """Not in one of many workers, nor where there is one processor, or no way to hand over memory without a name."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return os.name == "posix" and processors > 1 and multiprocessing.parent_process() is None


def _nameless() -> int:
    """An open file of no bytes, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("onlooker")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
