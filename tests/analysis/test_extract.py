"""Dense features of a corpus: what is in them, and that nothing stops the rest or changes a byte."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import onlooker as ol
from onlooker.analysis import extract as module
from onlooker.analysis.extract import extract
from onlooker.analysis.job import Progress
from onlooker.errors import ConfigError
from onlooker.records import Corpus, Run
from onlooker.video import Video


def digests(folder: Path) -> dict[str, str]:
    """Hashes of everything that must not depend on interruptions."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {"timings.json", "lock"} and "lock" not in path.name
    }


def test_each_window_has_the_vector_that_the_model_gives_for_it(
    colours: Path, colour_weights: Path, tmp_path: Path
) -> None:
    (done,) = extract(str(colour_weights), [str(colours)], tmp_path, step=0.7)
    assert (done.status, done.windows) == ("complete", 10)
    run = Run(tmp_path / "colours.onlooker")
    rows = run.embeddings.to_pylist()
    assert [round(row["start"], 3) for row in rows] == [round(0.7 * k, 3) for k in range(9)] + [6.0]
    assert all(row["end"] - row["start"] == pytest.approx(2.0) for row in rows)
    model = ol.load(str(colour_weights))
    with Video(colours) as video:
        images = video.clip(rows[3]["start"], rows[3]["end"], frames=4, size=32).images
    from onlooker.methods.recognition.recogniser import features_of

    np.testing.assert_allclose(rows[3]["vector"], features_of(model, images), atol=1e-5)
    assert rows[0]["source"].startswith("timesformer/tiny@")
    assert run.manifest.weights["features"].startswith(rows[0]["source"].partition("@")[2])
    run.validate()


def test_a_bad_file_is_named_and_stops_no_other(colours: Path, colour_weights: Path, tmp_path: Path, onlooker) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a.mp4").write_bytes(b"no video at all" * 100)
    shutil.copy(colours, videos / "b.mp4")
    (videos / "c.mp4").write_bytes(colours.read_bytes()[:200])
    done = onlooker("extract", "timesformer", videos, "--weights", colour_weights, "--out", tmp_path / "out", "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [(one["name"], one["status"]) for one in said["videos"]] == [
        ("a.mp4", "failed"),
        ("b.mp4", "complete"),
        ("c.mp4", "failed"),
    ]
    assert said["failed"] == 2
    assert "a.mp4" in said["videos"][0]["error"]["message"]
    assert [run.video for run in Corpus(tmp_path / "out").runs()] == ["b.mp4"]
    assert Corpus(tmp_path / "out").read("embeddings").num_rows == said["videos"][1]["windows"] > 0


class Stop(BaseException):
    """Stands for the end of the process."""


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    colours: Path, colour_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNIT_FRAMES", 8)
    (whole,) = extract(str(colour_weights), [str(colours)], tmp_path / "whole", step=0.5)
    assert whole.windows == 13

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Stop

    with pytest.raises(Stop):
        extract(str(colour_weights), [str(colours)], tmp_path / "parts", step=0.5, progress=stop)
    assert Run(tmp_path / "parts" / "colours.onlooker").embeddings.num_rows == 6
    seen: list[float] = []
    extract(str(colour_weights), [str(colours)], tmp_path / "parts", step=0.5, progress=lambda p: seen.append(p.done))
    assert seen[0] == 3
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")


def test_other_settings_are_refused_for_that_file_and_overwrite_replaces(
    colours: Path, colour_weights: Path, tmp_path: Path
) -> None:
    extract(str(colour_weights), [str(colours)], tmp_path, step=2.0)
    (refused,) = extract(str(colour_weights), [str(colours)], tmp_path, step=1.0)
    assert (refused.status, refused.error_type, refused.exit_code) == ("failed", "ConfigError", 2)
    (again,) = extract(str(colour_weights), [str(colours)], tmp_path, step=1.0, overwrite=True)
    assert (again.status, again.windows) == ("complete", 7)


def test_a_method_without_weights_is_refused(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without weights"):
        extract("timesformer", [str(colours)], tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_at_random_moments_ends_with_the_same_bytes(colours: Path, colour_weights: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "onlooker", "extract", str(colour_weights), str(colours), "--step", "0.02"]
    assert (
        subprocess.run([*command, "--out", str(tmp_path / "whole")], capture_output=True, check=False).returncode == 0
    )
    chance, kills = random.Random(3), 0
    for attempt in range(30):
        child = subprocess.Popen([*command, "--out", str(tmp_path / "parts")], stderr=subprocess.PIPE)
        try:
            assert child.wait(timeout=chance.uniform(1.5, 3.0 + attempt)) == 0
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            kills += 1
            time.sleep(0.1)
    assert kills >= 1, "the run was too quick to be killed: this test proved nothing"
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")
