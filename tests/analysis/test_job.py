import hashlib
import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest

import onlooker as ol
from onlooker.errors import ConfigError, DiskFull, RunLocked, TruncatedMedia, UnsupportedMedia
from onlooker.records import Run, RunWriter
from onlooker.world import World, render

QUICK = {"detector": "none", "annotate": False, "report": False}


def fingerprints(folder):
    """Hashes of everything that must not depend on interruptions."""
    names = [
        p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in {"timings.json", "report.html", "lock"}
    ]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in names}


@pytest.fixture(scope="module")
def finished(scene, tmp_path_factory):
    return ol.analyze(scene, tmp_path_factory.mktemp("finished"))


def test_a_run_holds_tables_a_video_a_report_and_says_what_made_them(finished):
    assert finished.status == "complete"
    assert {"shots", "sound"} <= set(finished.tables)
    assert (finished.folder / "report.html").exists()
    facts = finished.manifest.facts
    assert (facts["frames"], facts["size"]) == (600, [160, 120])
    assert finished.manifest.input["sha256"]
    assert finished.timings["stages"]["detect"] >= 0
    finished.validate()


def test_the_annotated_video_shows_every_frame_at_its_time_with_sound(finished, scene):
    with ol.Video(finished.folder / "annotated.mp4") as annotated, ol.Video(scene) as original:
        assert len(annotated) == len(original)
        np.testing.assert_allclose(annotated.index.time, original.index.time, atol=1e-4)
        assert annotated.info.has_audio


def test_the_sound_table_follows_the_tone(finished):
    sound = finished.sound.to_pandas()
    assert len(sound) == pytest.approx(600, abs=2)
    assert sound.start.is_monotonic_increasing
    assert sound.rms.iloc[590] > sound.rms.iloc[60] > -60


def test_the_same_call_again_returns_at_once_and_writes_nothing(finished, scene):
    before = {p: p.stat().st_mtime_ns for p in finished.folder.iterdir()}
    began = time.monotonic()
    again = ol.analyze(scene, finished.folder.parent)
    assert again.status == "complete"
    assert time.monotonic() - began < 5
    assert {p: p.stat().st_mtime_ns for p in finished.folder.iterdir() if p.name != "lock"} == {
        p: t for p, t in before.items() if p.name != "lock"
    }


def test_other_options_or_another_video_are_refused_and_overwrite_replaces(scene, tmp_path):
    ol.analyze(scene, tmp_path, **QUICK, end=2.0)
    with pytest.raises(ConfigError, match="configuration"):
        ol.analyze(scene, tmp_path, **QUICK, end=3.0)
    run = ol.analyze(scene, tmp_path, overwrite=True, **QUICK, end=3.0)
    assert run.manifest.facts["frames"] == 30


def test_a_part_of_a_video(scene, tmp_path):
    run = ol.analyze(scene, tmp_path, **QUICK, start=1.0, end=2.0)
    assert run.manifest.facts["frames"] == 10
    assert run.manifest.facts["start"] == pytest.approx(1.0)
    shots = run.shots.to_pylist()
    assert (shots[0]["start_frame"], shots[-1]["end_frame"]) == (10, 20)


def test_a_part_beyond_the_end_is_refused(scene, tmp_path):
    with pytest.raises(ConfigError, match="no frame"):
        ol.analyze(scene, tmp_path, start=100.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "error"), [(b"", TruncatedMedia), (b"<html>not a video</html>" * 50, UnsupportedMedia)]
)
def test_what_is_no_video_leaves_nothing_behind(content, error, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    with pytest.raises(error, match=r"bad\.mp4"):
        ol.analyze(bad)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.mp4"]


def test_a_second_writer_is_refused_while_the_first_lives(scene, tmp_path):
    with RunWriter.create_or_resume(tmp_path / "scene.onlooker", source=scene), pytest.raises(RunLocked):
        ol.analyze(scene, tmp_path)


def test_too_little_space_is_said_before_anything_is_written(scene, tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DiskFull, match="free"):
        ol.analyze(scene, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_at_random_moments_ends_with_the_same_bytes(finished, scene, tmp_path):
    chance = random.Random(5)
    command = [sys.executable, "-m", "onlooker", "analyze", str(scene), "--out", str(tmp_path), "--json"]
    kills = 0
    for attempt in range(40):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            output, errors = child.communicate(timeout=chance.uniform(1.0, 4.0 + attempt))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            kills += 1
            time.sleep(0.3)  # the worker notices that its parent is gone
            continue
        assert child.returncode == 0, output + errors
        assert json.loads(output)["videos"][0]["status"] == "complete"
        break
    else:
        pytest.fail("the run never got to its end between kills")
    assert kills >= 2, "the run was too quick to be killed: this test proved nothing"
    assert fingerprints(tmp_path / "scene.onlooker") == fingerprints(finished.folder)


def test_a_line_across_a_street_is_crossed_when_somebody_crosses_it(tmp_path):
    street = World(stage="street", people=3, seconds=8.0, seed=7, rate=10.0)
    render(street, tmp_path / "street.mp4")
    rules = {"lines": [{"name": "middle", "start": [0.5, 0.0], "end": [0.5, 1.0]}]}
    run = ol.analyze(tmp_path / "street.mp4", tmp_path / "out", rules=rules, annotate=False, report=False)
    crossings = [event for event in run.events.to_pylist() if event["rule"] == "middle"]
    truth = Run(tmp_path / "street.truth").tracks.to_pandas()
    truth["side"] = (truth.x1 + truth.x2) / 2 > 320
    moments = [
        person.time[person.side != person.side.shift(fill_value=person.side.iloc[0])]
        for _, person in truth.groupby("track_id")
    ]
    assert crossings
    assert {event["type"] for event in crossings} == {"line_cross"}
    times = np.concatenate(moments)
    assert all(np.abs(times - event["start"]).min() < 1.0 for event in crossings)
    run.validate()


def test_rules_that_make_no_sense_are_refused_before_anything_is_written(scene, tmp_path):
    with pytest.raises(ConfigError, match="polygon"):
        ol.analyze(scene, tmp_path, rules={"zones": [{"name": "a", "poligon": []}]})
    assert not list(tmp_path.iterdir())
