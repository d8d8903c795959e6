"""The fault list: storage, kill and resume, configuration and names, through the command line or the supervisor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from onlooker.analysis.inputs import Item
from onlooker.analysis.options import Options
from onlooker.analysis.supervise import supervise
from onlooker.records import Run

QUICK = ["--detector", "none", "--no-annotate", "--no-report"]
OPTIONS = Options.parse({"detector": "none", "annotate": False, "report": False}).model_dump(mode="json")


def videos(done):
    return json.loads(done.stdout)["videos"]


def test_one_bad_file_never_stops_the_others_and_is_named(short, tmp_path, onlooker):
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(short, clips / "a good one.mp4")
    (clips / "empty.mp4").touch()
    (clips / "page.mp4").write_text("<!doctype html><html></html>")
    for size in (100, 800, 3000):
        (clips / f"cut {size}.mp4").write_bytes(short.read_bytes()[:size])
    done = onlooker("analyze", clips, "--out", tmp_path / "out", "--json", *QUICK)
    assert done.returncode == 1
    by_name = {video["name"]: video for video in videos(done)}
    assert by_name["a good one.mp4"]["status"] == "complete"
    for name, error in (
        ("empty.mp4", "TruncatedMedia"),
        ("page.mp4", "UnsupportedMedia"),
        ("cut 100.mp4", "TruncatedMedia"),
        ("cut 800.mp4", "TruncatedMedia"),
        ("cut 3000.mp4", "TruncatedMedia"),
    ):
        assert by_name[name]["status"] == "failed"
        assert by_name[name]["error"]["type"] == error
        assert name in by_name[name]["error"]["message"]
    index = json.loads(next((tmp_path / "out").glob("*index.json")).read_text())
    assert {video["name"] for video in index["videos"]} == set(by_name)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="mounting a small disk needs root")
def test_row_34_a_full_disk_is_said_once_and_leaves_no_torn_file(short, tmp_path, onlooker):
    small = tmp_path / "disk"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False)
    if mounted.returncode:
        pytest.skip("this system does not let root mount a tmpfs")
    try:
        done = onlooker("analyze", short, "--out", small, "--json", *QUICK)
        assert done.returncode == 1
        assert videos(done)[0]["error"]["type"] == "DiskFull"
        assert "Traceback" not in done.stderr
        assert not list(small.rglob(".tmp-*"))
    finally:
        subprocess.run(["umount", small], check=True)


def test_row_36_an_output_that_cannot_be_a_folder_is_refused(short, tmp_path, onlooker):
    (tmp_path / "file").write_text("x")
    done = onlooker("analyze", short, "--out", tmp_path / "file", *QUICK)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "file" in done.stderr


def heed_interrupts():
    """A suite that a shell started in the background passes on that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_row_38_a_stopped_run_ends_soon_leaves_no_process_and_goes_on_later(scene, tmp_path, stop):
    command = [sys.executable, "-m", "onlooker", "analyze", str(scene), "--out", str(tmp_path), "--no-annotate"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts)
    wait_for(lambda: workers_of(child.pid) and (tmp_path / "scene.onlooker" / "manifest.json").exists())
    (worker,) = workers_of(child.pid)
    began = time.monotonic()
    child.send_signal(stop)
    _, errors = child.communicate(timeout=15)
    assert time.monotonic() - began < 10
    assert child.returncode == 130
    assert "Traceback" not in errors
    wait_for(lambda: not Path(f"/proc/{worker}").exists())
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Run(tmp_path / "scene.onlooker").status == "complete"


def test_row_39_a_worker_that_dies_is_started_again_and_finishes(scene, tmp_path):
    outcome = disturbed(scene, tmp_path, signal.SIGKILL, times=1)
    assert outcome.status == "complete"
    assert outcome.counts["shots"] == 1


def test_row_40_a_worker_that_hangs_is_replaced(scene, tmp_path):
    outcome = disturbed(scene, tmp_path, signal.SIGSTOP, times=1, stall_seconds=15.0)
    assert outcome.status == "complete"


def test_row_41_a_second_run_on_the_same_folder_is_refused(scene, tmp_path, onlooker):
    command = [sys.executable, "-m", "onlooker", "analyze", str(scene), "--out", str(tmp_path)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts)
    try:
        wait_for((tmp_path / "scene.onlooker" / "run.lock").exists)
        second = onlooker("analyze", scene, "--out", tmp_path)
        assert second.returncode == 1
        assert "RunLocked" in second.stderr
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(20)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "detectr=none"], "detector"),
        (["--set", "nonsense"], "key=value"),
        (["--set", "max_bad_ratio=often"], "max_bad_ratio"),
        (["--start", "5", "--end", "4"], "later end"),
        (["--engine", "cluster"], "local and ray"),
        (["--detector", "no-such-thing"], "no-such-thing"),
    ],
)
def test_row_48_a_wrong_request_is_answered_with_what_and_why(short, tmp_path, onlooker, arguments, said):
    done = onlooker("analyze", short, "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", ["-i.mp4", "; touch hacked.mp4", "$(touch hacked).mp4", "übung 世界 50%.mp4", "a?b#c.mp4"]
)
def test_rows_52_and_64_names_are_data(short, tmp_path, onlooker, name):
    shutil.copy(short, tmp_path / name)
    done = onlooker("analyze", "--json", *QUICK, "--", name, cwd=tmp_path, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    assert videos(done)[0]["name"] == name
    assert not list(tmp_path.glob("hacked*"))
    assert Run(tmp_path / (Path(name).stem + ".onlooker")).video == name


def test_row_64_a_video_can_come_through_a_pipe(short, tmp_path):
    command = [sys.executable, "-m", "onlooker", "analyze", "-", "--out", str(tmp_path), "--json", *QUICK]
    done = subprocess.run(command, input=short.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Run(tmp_path / "stdin.onlooker").manifest.facts["frames"] == 30


def test_row_65_a_file_that_keeps_crashing_is_quarantined_until_retried(scene, tmp_path):
    options = {**OPTIONS, "detector": "embedded"}
    first = disturbed(scene, tmp_path, signal.SIGKILL, times=2)
    assert first.status == "quarantined"
    assert "scene.mp4" in (first.error or "")
    item = Item(str(scene), tmp_path / "scene.onlooker", "scene.mp4")
    began = time.monotonic()
    assert supervise(item, options).status == "quarantined"
    assert time.monotonic() - began < 2
    assert supervise(item, options, retry=True).status == "complete"


def disturbed(scene, tmp_path, how, *, times, stall_seconds=60.0):
    """Analyse the scene while the first `times` workers get a signal as soon as they have begun."""
    disturbances = iter(range(times))

    def disturb(child):
        if next(disturbances, None) is not None:
            threading.Timer(1.5, lambda: child.send_signal(how)).start()

    # two views of a minute at full detection take longer than the delay of the signal
    options = {**OPTIONS, "detector": "embedded"}
    item = Item(str(scene), tmp_path / "scene.onlooker", "scene.mp4")
    return supervise(item, options, stall_seconds=stall_seconds, started=disturb)


def workers_of(pid):
    """Child processes; each is listed under the thread that started it."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in lists for child in text.split()]


def wait_for(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
