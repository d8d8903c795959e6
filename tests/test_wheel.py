"""The wheel works on its own: built, installed into an empty environment, it runs the demo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_installs_alone_and_runs_the_demo(tmp_path):
    constraints = REPOSITORY / "constraints.txt"
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, REPOSITORY)
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-c", constraints, wheel)
    command = tmp_path / "env" / "bin" / "onlooker"
    result = json.loads(run(command, "demo", "--seconds", "6", "--out", tmp_path / "demo", "--json", cwd=tmp_path))
    assert Path(result["report"]).is_file()
    assert result["accuracy"]["people"]["truth"] > 0
    run(
        python,
        "-c",
        "import onlooker, onlooker.video, onlooker.records, onlooker.analysis, onlooker.events, onlooker.world",
    )
