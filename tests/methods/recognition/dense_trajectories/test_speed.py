"""The benchmark measures what it says; how fast it is depends on the machine and is no test."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from onlooker.cli import bench_trajectories
from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories import extractor, speed
from onlooker.methods.recognition.dense_trajectories.apart import Office


def test_the_document_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZE", (64, 48))
    office = Office()
    for module in (speed, extractor):
        monkeypatch.setattr(module, "OFFICE", office)
    app = typer.Typer()
    app.command()(bench_trajectories.trajectories)
    done = CliRunner().invoke(app, ["--seconds", "1", "--repeat", "2", "--json"])
    result = json.loads(done.stdout)
    assert (result["size"], result["frames"], result["rate"]) == ([64, 48], 25, 25.0)
    for cell in result["variants"].values():
        assert cell["min_seconds"] <= cell["median_seconds"] <= cell["max_seconds"]
        assert cell["threads_seconds"] > 0
        assert cell["helper"] is False  # these frames are too few for one
        assert cell["ratio"] == pytest.approx(1 / cell["median_seconds"], rel=0.01)
        assert cell["ratio_two_cores"] == pytest.approx(2 / cell["processor_seconds"], rel=0.01)
    assert done.exit_code == (0 if result["variants"]["improved"]["ratio"] > 1 else 1)


def test_impossible_runs_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be timed"):
        speed.trajectories_benchmark(repeat=0)
