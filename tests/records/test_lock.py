"""One writer at a time, and no lock outlives its holder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from onlooker.errors import RunLocked
from onlooker.records.lock import NAME, STALE_SECONDS, RunLock, process_start

HOLD = """
import sys, time
from onlooker.records.lock import RunLock
lock = RunLock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(RunLocked, match=f"process {os.getpid()} on {socket.gethostname()}"):
        RunLock(tmp_path)
    RunLock(tmp_path).release()
    assert os.listdir(tmp_path) == []


def test_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    process = hold(tmp_path)
    with pytest.raises(RunLocked, match=str(process.pid)):
        RunLock(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / NAME).exists()
    RunLock(tmp_path).release()


def test_a_killed_holder_counts_as_dead_before_its_parent_collects_it(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    with RunLock(tmp_path, wait=5):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()
    process.wait()


def test_waiting_for_a_lock(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with pytest.raises(RunLocked):
        RunLock(tmp_path, wait=0.1)
    timer = threading.Timer(0.2, lock.release)
    timer.start()
    RunLock(tmp_path, wait=10).release()
    timer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_does_not_release_its_parents_lock(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        child = os.fork()
        if child == 0:
            lock.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert (tmp_path / NAME).exists()


def test_a_recycled_process_id_does_not_count(tmp_path: Path) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "start": "another boot:1"}
    (tmp_path / NAME).write_text(json.dumps(holder))
    if process_start(os.getpid()) is None:
        pytest.skip("this system does not tell when a process began")
    with RunLock(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["start"] == process_start(os.getpid())


def test_a_holder_elsewhere_lives_by_its_heartbeat(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"pid": 1, "host": "elsewhere", "start": None}))
    with pytest.raises(RunLocked, match="elsewhere"):
        RunLock(tmp_path)
    old = time.time() - STALE_SECONDS - 1
    os.utime(tmp_path / NAME, (old, old))
    RunLock(tmp_path).release()


def test_a_damaged_lock_file_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\0\0\0")
    with RunLock(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()


def test_release_leaves_a_lock_that_somebody_else_took(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    (tmp_path / NAME).write_text(json.dumps({"pid": 1, "host": "elsewhere", "start": None}))
    lock.release()
    lock.release()
    assert (tmp_path / NAME).exists()


def test_of_many_at_once_exactly_one_wins(tmp_path: Path) -> None:
    code = """
import sys, time
from onlooker.errors import RunLocked
from onlooker.records.lock import RunLock
while time.time() < float(sys.argv[2]): pass
try:
    RunLock(sys.argv[1]); print("won", flush=True); time.sleep(1)
except RunLocked: print("lost", flush=True)
"""
    start = str(time.time() + 1)
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), start], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    words = [process.communicate()[0].strip() for process in processes]
    assert sorted(words) == ["lost", "lost", "lost", "won"]
