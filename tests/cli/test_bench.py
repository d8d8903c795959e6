"""`onlooker bench frames` and `onlooker bench decode`: the documents they print and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from onlooker.cli.bench import app
from onlooker.video.conformance.readers import READERS, OpenCVSession, Reader, Seen


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_frames_prints_one_document(cache: Path) -> None:
    names = ["--case", "vfr", "--case", "no_index", "--case", "bits_mp4"]
    output = run("frames", *names, "--readers", "onlooker,opencv", "--cache", str(cache), "--seed", "3", "--json")
    document: dict[str, Any] = json.loads(output)
    assert document["benchmark"] == "frames"
    assert document["seed"] == 3
    assert document["machine"]["cores"] >= 1
    assert [case["name"] for case in document["cases"]] == ["vfr", "no_index", "bits_mp4"]
    own, peer = document["readers"]["onlooker"], document["readers"]["opencv"]
    assert own["wrong"] == own["missing"] == own["errors"] == own["unequal"] == 0
    assert peer["wrong"] > 0
    assert own["asked"] == sum(case["readers"]["onlooker"]["asked"] for case in document["cases"])
    assert document["cases"][1]["readers"]["onlooker"]["refused"].startswith("TruncatedMedia")
    assert document["passed"]
    assert str(Path.home()) not in output


def test_frames_exits_with_1_when_onlooker_is_wrong(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(OpenCVSession):
        def at_index(self, index: int) -> Seen | None:
            return super().at_index(index + 1)

    monkeypatch.setitem(READERS, "onlooker", Reader("onlooker", "onlooker", "cv2", Late))
    output = run("frames", "--case", "h264", "--readers", "onlooker", "--cache", str(cache), "--json", code=1)
    assert not json.loads(output)["passed"]


def test_frames_shows_a_table_and_names_what_is_absent(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "decord", Reader("decord", "decord", "a_module_that_is_not_there", OpenCVSession))
    output = run("frames", "--case", "h264", "--readers", "onlooker,decord", "--cache", str(cache))
    assert "h264" in output
    assert "0 of 120" in output
    assert "decord: not installed" in output


def test_decode_prints_medians_and_ratios(cache: Path) -> None:
    output = run(
        "decode", "--size", "tiny", "--repeat", "2", "--readers", "onlooker,opencv", "--cache", str(cache), "--json"
    )
    document: dict[str, Any] = json.loads(output)
    names = [case["name"] for case in document["cases"]]
    assert names == [
        *(f"{task}_96p_gop{gop}" for gop in (250, 30) for task in ("sequential", "sparse")),
        "index_60s_mp4",
        "index_60s_mkv",
    ]
    for case in document["cases"]:
        own = case["readers"]["onlooker"]
        assert case["errors"] == {}
        assert own["wrong"] == 0
        assert len(own["raw_seconds"]) == 2
        assert own["min_seconds"] <= own["median_seconds"] <= own["max_seconds"]
        if "opencv" in case["readers"]:
            ratio = case["readers"]["opencv"]["median_seconds"] / own["median_seconds"]
            assert case["ratio_to_opencv"] == pytest.approx(ratio, rel=0.02)
        else:
            assert case["ratio_to_opencv"] is None
    assert document["ratio_to_opencv"]["sparse_96p_gop30"] > 0
    assert "above 1" in document["reading"]


def test_decode_says_what_a_ratio_means(cache: Path) -> None:
    output = run("decode", "--size", "tiny", "--repeat", "1", "--readers", "onlooker,opencv", "--cache", str(cache))
    assert "Ratios above 1: Onlooker is faster" in " ".join(output.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frames", "--case", "h266"], "no conformance case 'h266'"),
        (["frames", "--readers", "vlc"], "no reader 'vlc'"),
        (["decode", "--size", "vast"], "no size 'vast'"),
    ],
)
def test_wrong_requests_are_configuration_errors(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert words in str(result.exception)
    assert result.exception.exit_code == 2  # type: ignore[union-attr]
