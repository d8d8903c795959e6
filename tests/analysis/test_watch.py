import itertools
import json
import signal
import subprocess
import sys
import threading

import pytest

from onlooker.analysis.options import Options
from onlooker.analysis.watch import watch
from onlooker.errors import ConfigError, SourceLost
from onlooker.records import Corpus

NOBODY = Options.parse({"detector": "none"})


def test_a_file_played_live_gives_a_complete_run(short, tmp_path):
    states, events = [], []
    (run,) = watch(
        str(short),
        tmp_path,
        on_event=events.append,
        on_state=lambda metrics: states.append(str(metrics.state)),
        play_live=False,
    )
    assert run.status == "complete"
    assert run.manifest.facts["frames"] == 30
    assert "live" in states
    assert len(events) == run.events.num_rows
    assert run.shots.num_rows == 1
    run.validate()


def test_watching_ends_after_its_seconds(scene, tmp_path):
    (run,) = watch(str(scene), tmp_path, NOBODY, seconds=2.0, play_live=False)
    assert run.manifest.facts["frames"] == 20


def test_each_watch_has_a_folder_of_its_own_beside_the_others(short, tmp_path):
    (run,) = watch(str(short), tmp_path, NOBODY, play_live=False)
    assert run.folder.parent == tmp_path
    assert run.folder.name.startswith("short-")


def test_a_long_watch_goes_on_in_a_new_folder_and_loses_no_row(scene, tmp_path):
    whole = watch(str(scene), tmp_path / "whole", seconds=12.0, play_live=False)
    told = []
    parts = watch(str(scene), tmp_path / "parts", seconds=12.0, rotate=5.0, play_live=False, on_run=told.append)
    assert len(whole) == 1
    assert len(parts) == 3
    assert [run.folder for run in told] == [run.folder for run in parts]
    assert len({run.folder.name for run in parts}) == 3
    for earlier, later in itertools.pairwise(parts):
        assert earlier.manifest.facts["end"] == later.manifest.facts["start"]
    assert sum(run.manifest.facts["frames"] for run in parts) == whole[0].manifest.facts["frames"]
    corpus = Corpus(tmp_path / "parts")
    assert [entry.status for entry in corpus.entries] == ["complete"] * 3
    for table in ("detections", "tracks", "shots", "segments", "events"):
        rows = [row for run in parts for row in run.read(table).to_pylist()]
        assert sorted(map(str, rows)) == sorted(map(str, whole[0].read(table).to_pylist())), table


def test_the_report_of_a_live_source_has_timelines_and_no_pictures(short, tmp_path):
    (run,) = watch(str(short), tmp_path, play_live=False)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "A live source: no pictures were kept." in page
    assert "<video" not in page
    assert "data:image" not in page
    assert run.manifest.licences
    assert all(licence in page for licence in run.manifest.licences.values())


def test_a_rotation_of_no_time_is_a_wrong_request(short, tmp_path):
    with pytest.raises(ConfigError, match="rotate"):
        watch(str(short), tmp_path, rotate=0.0)


def test_somebody_may_say_stop(scene, tmp_path):
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    (run,) = watch(str(scene), tmp_path, NOBODY, stop=stop)
    assert 1 <= run.manifest.facts["frames"] < 100


def test_a_source_that_never_comes_is_said_and_leaves_nothing(tmp_path):
    stop = threading.Event()
    threading.Timer(2.0, stop.set).start()
    with pytest.raises(SourceLost, match=r"no frame came") as raised:
        watch("rtsp://me:secret@nohost.invalid/x", tmp_path, NOBODY, stop=stop)
    assert "secret" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_a_wrong_request(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.mp4"):
        watch(str(tmp_path / "nothing.mp4"), tmp_path)


def test_control_c_ends_a_watch_with_a_complete_run(scene, tmp_path):
    command = [sys.executable, "-m", "onlooker", "watch", str(scene), "--out", str(tmp_path), "--detector", "none"]
    child = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    while "live" not in child.stdout.readline():
        pass
    threading.Timer(2.0, lambda: child.send_signal(signal.SIGINT)).start()
    output, errors = child.communicate(timeout=20)
    assert child.returncode == 0, errors
    assert json.loads(output.splitlines()[-1])["facts"]["frames"] > 0
