"""`onlooker data check`: every fault of real-looking folders, once, with its place, and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from onlooker.cli.data import app
from onlooker.data.report import check_data
from onlooker.errors import ConfigError


def run(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def kinetics(tmp_path, place):
    for number, name in enumerate(("a", "b", "c", "d")):
        place(tmp_path / f"{name}.mp4", number)
    (tmp_path / "train.csv").write_text("a.mp4 jump\nb.mp4 wave\n")
    (tmp_path / "val.csv").write_text("c.mp4 jump\nd.mp4 wave\n")
    return tmp_path


def test_good_lists_pass(kinetics):
    done = run("kinetics", kinetics / "train.csv", kinetics / "val.csv")
    assert done.exit_code == 0, done.output
    assert "train: 2 samples of 2 videos, 2 classes" in done.output
    assert "no faults, no warnings" in done.output


def test_every_fault_is_listed_at_once(kinetics, video):
    whole = video.read_bytes()
    (kinetics / "broken.mp4").write_bytes(b"this is no video")
    (kinetics / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (kinetics / "copy.mp4").write_bytes((kinetics / "c.mp4").read_bytes())
    (kinetics / "empty.mp4").touch()
    (kinetics / "train.csv").write_text(
        "a.mp4 jump\nb.mp4 wave\ngone.mp4 wave\nbroken.mp4 jump\ncut.mp4 jump\na.mp4 jump\nempty.mp4 wave\n"
        "b.mp4 jump\nonly_a_path\n"
    )
    (kinetics / "val.csv").write_text("c.mp4 jump\na.mp4 jump\ncopy.mp4 wave\nd.mp4 wave\n")
    report = check_data("kinetics", [kinetics / "train.csv", kinetics / "val.csv"])
    faults = {(fault["file"], fault["line"]): fault["message"] for fault in report.to_dict()["faults"]}
    wanted = {
        ("train.csv", 3): "no such file", ("train.csv", 4): "broken.mp4", ("train.csv", 5): "cut.mp4",
        ("train.csv", 6): "is already at train.csv:1", ("train.csv", 7): "empty", ("train.csv", 8): "another label",
        ("train.csv", 9): "path label", ("val.csv", 2): "is in train (train.csv:1)", ("val.csv", 3): "another label",
    }  # fmt: skip
    assert set(faults) == set(wanted)
    assert all(words in faults[place] for place, words in wanted.items())


def test_damage_inside_a_video_needs_decoding(kinetics, clips):
    (kinetics / "a.mp4").write_bytes((clips / "odd_corrupted.mp4").read_bytes())
    assert run("kinetics", kinetics / "train.csv", "--look", "exist").exit_code == 0
    done = run("kinetics", kinetics / "train.csv", "--look", "decode")
    assert done.exit_code == 1
    assert "train.csv:1: odd_corrupted.mp4" in done.output.replace("a.mp4", "odd_corrupted.mp4")


def test_parts_behind_the_end(kinetics):
    (kinetics / "p.csv").write_text(
        "label,youtube_id,time_start,time_end,split\njump,a,0,1,train\nwave,a,1,2,train\njump,b,5,15,train\n"
        "jump,c,1,9,train\nwave,d,1,1,train\n"
    )
    done = run("kinetics", kinetics / "p.csv", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert [(fault["line"], fault["message"].split(" from ")[0]) for fault in report["faults"]] == [
        (4, "the part"), (6, "the part")
    ]  # fmt: skip
    assert "behind the end" in report["faults"][0]["message"]
    assert [warning["line"] for warning in report["warnings"]] == [5]
    assert report["splits"] == [{"name": "p", "samples": 4, "videos": 3, "classes": 2}]


def test_groups_in_two_of_ucf101s_lists(tmp_path, place):
    (tmp_path / "classInd.txt").write_text("1 Jump\n")
    for name in ("v_Jump_g01_c01.avi", "v_Jump_g01_c02.avi", "v_Jump_g02_c01.avi"):
        place(tmp_path / "Jump" / name)
    (tmp_path / "trainlist01.txt").write_text("Jump/v_Jump_g01_c01.avi 1\nJump/v_Jump_g02_c01.avi 1\n")
    (tmp_path / "testlist01.txt").write_text("Jump/v_Jump_g01_c02.avi\n")
    done = run("ucf101", tmp_path / "trainlist01.txt", tmp_path / "testlist01.txt")
    assert done.exit_code == 1
    assert "testlist01.txt:1: the group Jump/g01 is also in trainlist01 (trainlist01.txt:1)" in done.output


def test_hmdb51_is_one_folder_with_both_splits(tmp_path, place):
    for name in ("a", "b"):
        place(tmp_path / "wave" / f"{name}.avi")
    (tmp_path / "wave_test_split1.txt").write_text("a.avi 1\nb.avi 2\n")
    done = run("hmdb51", tmp_path)
    assert done.exit_code == 0, done.output
    assert "test: 1 samples" in done.output


def test_gaps_in_frame_folders(tmp_path, frames):
    folder = frames(tmp_path / "wave" / "one", 6)
    (folder / "img_00003.jpg").unlink()
    frames(tmp_path / "wave" / "two", 6)
    thinned = frames(tmp_path / "wave" / "three", 9)
    for number in (2, 4, 6, 8):
        (thinned / f"img_{number:05d}.jpg").unlink()
    done = run("frames", tmp_path, "--rate", 10)
    assert done.exit_code == 1
    assert "wave/one: one: no image with the number 3" in done.output
    assert "1 faults" in done.output
    with pytest.raises(ConfigError, match="--rate"):
        check_data("frames", [tmp_path])


def test_wrong_requests(kinetics):
    for arguments, words in (
        (("kinetic", [kinetics / "train.csv"]), "kinetics"),
        (("kinetics", [kinetics / "train.csv"], None, None), "look"),
    ):
        with pytest.raises(ConfigError, match=words):
            check_data(*arguments[:2], look="open" if len(arguments) == 2 else "look")


def test_the_command_needs_no_torch(kinetics):
    code = (
        "import sys; from onlooker.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as end: assert not end.code, end.code\n"
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "data", "check", "kinetics", str(kinetics / "train.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
