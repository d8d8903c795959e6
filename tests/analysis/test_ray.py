"""The same plan on Ray gives the same bytes."""

import hashlib
import json
import shutil

import pytest

QUICK = ("--detector", "none", "--no-annotate", "--no-report", "--json")
TIMES = {"timings.json"}


def tables(folder):
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in TIMES]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ray_and_this_machine_agree(short, tmp_path, onlooker):
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(short, clips / name)
    (clips / "bad.mp4").write_text("no video")
    local = onlooker("analyze", clips, "--out", tmp_path / "local", *QUICK)
    on_ray = onlooker("analyze", clips, "--out", tmp_path / "ray", "--engine", "ray", "--workers", "2", *QUICK)
    assert local.returncode == on_ray.returncode == 1
    statuses = [[video["status"] for video in json.loads(done.stdout)["videos"]] for done in (local, on_ray)]
    assert statuses[0] == statuses[1] == ["failed", "complete", "complete"]
    assert tables(tmp_path / "local") == tables(tmp_path / "ray")
