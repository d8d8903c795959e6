"""Recipes over every kind of data on disk, and broken videos, which stop a run by name."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from PIL import Image
from torch import nn

from onlooker.data.checks import check_splits
from onlooker.data.clips import VideoClips
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.errors import ConfigError, MediaError, RecordError
from onlooker.training import run
from onlooker.training.evaluation import score_videos
from onlooker.training.processes import PlainProcess
from onlooker.training.run import check_data, train
from onlooker.training.sources import open_source
from onlooker.video import VideoWriter
from onlooker.weights.inputs import InputSpec

SPEC = InputSpec(frames=2, stride=2, rate=10.0, short_side=16, crop=16)
COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20)}


def write_video(path, colour, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, 32, 24, rate=10) as writer:
        for i in range(6):
            writer.write(np.full((24, 32, 3), COLOURS[colour], np.uint8) + np.uint8(i + 5 * number))
    return path


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """`train/red/0.mp4` ... `val/green/9.mp4`: four videos to train with and two to test with."""
    root = tmp_path_factory.mktemp("videos")
    for number, (split, colour) in enumerate((s, c) for s in ("train", "train", "val") for c in COLOURS):
        write_video(root / split / colour / f"{number}.mp4", colour, number)
    return root


def the_recipe(recipe, train_data, val_data, **changes):
    return recipe(
        data={"train": train_data, "val": val_data},
        loop={"epochs": 1, "batch": 4},
        augment={"short_side": None},
        **changes,
    )


@pytest.fixture
def kinds(videos, tmp_path):
    """The same videos as folders, a list, a GluonCV list, frames and shards: (train, val) of each kind."""
    for split in ("train", "val"):
        files = sorted((videos / split).rglob("*.mp4"))
        lines = [f"{path} {path.parent.name}" for path in files]
        (tmp_path / f"{split}.csv").write_text("\n".join(lines))
        numbered = [f"{path} 6 {int(path.parent.name == 'green')}" for path in files]
        (tmp_path / f"{split}.txt").write_text("\n".join(numbered))
        with tarfile.open(tmp_path / f"{split}-000.tar", "w") as archive:
            for path in files:
                for name, content in ((path.name, path.read_bytes()), (f"{path.stem}.txt", path.parent.name.encode())):
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        for path in files:
            folder = tmp_path / "frames" / split / path.parent.name / path.stem
            folder.mkdir(parents=True)
            for i in range(6):
                colour = np.array(COLOURS[path.parent.name], np.uint8) + np.uint8(i + int(path.stem))
                Image.fromarray(np.full((24, 32, 3), colour, np.uint8)).save(folder / f"{i:05d}.png")
    names = {"labels": ["red", "green"]}

    def pair(kind, pattern, **more):
        return [{"kind": kind, "path": pattern.format(split), **more} for split in ("train", "val")]

    return {
        "folders": pair("folders", str(videos) + "/{}"),
        "csv": pair("csv", "{}.csv"),
        "gluoncv": pair("gluoncv", "{}.txt", **names),
        "frames": pair("frames", "frames/{}", rate=10.0),
        "webdataset": pair("webdataset", "{}-{{000..000}}.tar"),
    }


@pytest.mark.parametrize("kind", ["folders", "csv", "gluoncv", "frames", "webdataset"])
def test_every_kind_gives_the_same_labelled_clips(kinds, recipe, tmp_path, kind):
    asked = the_recipe(recipe, *kinds[kind])
    report = check_data(asked, base=tmp_path)
    assert report == {"train": 4, "val": 2, "warnings": []}
    source = open_source(asked.data.train, tmp_path)
    seen = set()
    for index in range(4):
        clip, name = source.clips(index, SPEC, 1)[0], source.classes[source.label(index)]
        assert clip.shape == (2, 16, 21, 3)
        seen.add((name, int(clip[..., 0].mean() > clip[..., 1].mean())))
    assert seen == {("red", 1), ("green", 0)}


def test_training_from_shards_with_worker_processes_is_that_without(kinds, recipe, tmp_path):
    results = []
    for workers in (0, 2):
        data = dict(zip(("train", "val"), kinds["webdataset"], strict=True)) | {"workers": workers}
        asked = recipe(data=data, loop={"epochs": 1, "batch": 2}, augment={"short_side": None})
        results.append(train(asked, tmp_path / f"run{workers}", base=tmp_path, device="cpu").accuracy)
    assert results[0] == results[1]


def test_classes_missing_from_validation_keep_their_numbers(videos, recipe, tmp_path):
    (tmp_path / "train.csv").write_text(f"{videos}/train/green/1.mp4 green\n{videos}/train/red/0.mp4 red\n")
    (tmp_path / "val.csv").write_text(f"{videos}/val/red/4.mp4 red\n")
    asked = the_recipe(recipe, {"kind": "csv", "path": "train.csv"}, {"kind": "csv", "path": "val.csv"})
    assert check_data(asked, base=tmp_path)["warnings"] == ["val: no video of 1 classes: green"]
    sources, _ = run._open_checked(asked, tmp_path, "exist")
    assert sources["val"].label(0) == 1


def break_two(videos, tmp_path):
    good = sorted((videos / "train").rglob("*.mp4"))
    whole = good[0].read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "page.mp4").write_text("<html>404</html>")
    lines = [f"{path} {path.parent.name}" for path in good] + ["cut.mp4 red", "page.mp4 green"]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    (tmp_path / "val.csv").write_text(f"{videos}/val/red/4.mp4 red\n{videos}/val/green/5.mp4 green")


def test_broken_videos_are_all_named_before_training(videos, recipe, tmp_path):
    break_two(videos, tmp_path)
    asked = the_recipe(recipe, {"kind": "csv", "path": "train.csv"}, {"kind": "csv", "path": "val.csv"})
    with pytest.raises(RecordError) as caught:
        train(asked, tmp_path / "run", base=tmp_path, device="cpu")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["train.csv:5", "train.csv:6"]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_video_that_is_met_in_training_stops_the_run_by_name(videos, recipe, tmp_path, workers):
    break_two(videos, tmp_path)
    data = {"train": {"kind": "csv", "path": "train.csv"}, "val": {"kind": "csv", "path": "val.csv"}}
    asked = recipe(
        data={**data, "check_videos": "exist", "workers": workers},
        loop={"epochs": 1, "batch": 6},
        augment={"short_side": None},
    )
    with pytest.raises(MediaError) as caught:
        train(asked, tmp_path / "run", base=tmp_path, device="cpu")
    assert str(caught.value).startswith(("train.csv:5: ", "train.csv:6: "))
    assert "Traceback" not in str(caught.value)


def test_testing_names_a_broken_video_too(videos, recipe, tmp_path):
    break_two(videos, tmp_path)
    source = VideoClips(read_kinetics(tmp_path / "train.csv"))
    check_splits({"train": source})
    with pytest.raises(MediaError, match=r"train\.csv:5"):
        score_videos(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), source, SPEC, PlainProcess())


def test_numbers_without_names_are_refused(kinds, recipe, tmp_path):
    one, two = kinds["gluoncv"]
    asked = the_recipe(recipe, {**one, "labels": []}, two)
    with pytest.raises(ConfigError, match="which classes they are"):
        check_data(asked, base=tmp_path)


def test_a_run_that_goes_on_does_not_open_all_videos_again(videos, recipe, tmp_path, monkeypatch):
    asked = the_recipe(recipe, *({"kind": "folders", "path": str(videos / split)} for split in ("train", "val")))
    looks = []
    monkeypatch.setattr(run, "check_splits", lambda sources, content, look: looks.append(look) or [])
    for _ in range(2):
        train(asked, tmp_path / "run", base=tmp_path, device="cpu")
    assert looks == ["open", "exist"]


EPIC = "participant_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame,verb_class\n"
LISTS = {
    "ucf101": ({"classInd.txt": "1 red\n2 green\n", "l.txt": "red/0.mp4 1\ngreen/1.mp4 2\n"}, "l.txt", {}),
    "hmdb51": ({"red_test_split2.txt": "0.mp4 1\n", "green_test_split2.txt": "1.mp4 1\n"}, ".",
               {"part": "train", "split": 2}),
    "ssv2": ({"labels.json": '{"red": "0", "green": "1"}',
              "l.json": '[{"id": "red/0", "template": "red"}, {"id": "green/1", "template": "[green]"}]'},
             "l.json", {}),
    "charades": ({"Charades_v1_classes.txt": "c000 red\nc001 green\n",
                  "l.csv": "id,actions\nred/0,c000 0 0.5\ngreen/1,c001 0 0.4\n"}, "l.csv", {"part": "segments"}),
    "epic": ({"EPIC_100_verb_classes.csv": "id,key\n0,red\n1,green\n",
              "l.csv": EPIC + "P01,P01_0,0:0:0,0:0:0.5,1,2,0\nP01,P01_1,0:0:0,0:0:0.5,1,2,1\n"}, "l.csv",
             {"target": "verb"}),
    "diving48": ({"Diving48_vocab.json": '[["red"], ["green"]]',
                  "l.json": '[{"vid_name": "red/0", "label": 0, "start_frame": 0, "end_frame": 6},'
                            '{"vid_name": "green/1", "label": 1, "start_frame": 0, "end_frame": 6}]'}, "l.json", {}),
    "csv": ({"l.csv": "label,youtube_id,time_start,time_end,split\nred,0,0,0.5,x\ngreen,1,0,0.4,x\ngreen,1,0,1,y\n"},
            "l.csv", {"split": "x", "labels": ["red", "green"]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", LISTS)
def test_every_published_format_can_stand_in_a_recipe(videos, recipe, tmp_path, kind):
    files, path, more = LISTS[kind]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "media").symlink_to(videos / "train")
    for number, colour in enumerate(COLOURS):
        (tmp_path / f"P01_{number}.MP4").symlink_to(videos / "train" / colour / f"{number}.mp4")
    root = "." if kind == "epic" else "media"
    data = {"kind": kind, "path": path, "root": root, **more}
    asked = recipe(data={"train": data, "val": data}).data.train
    source = open_source(asked, tmp_path)
    assert len(source) == 2
    for index in range(2):
        clip, name = source.clips(index, SPEC, 1)[0], source.classes[source.labels(index)[0]]
        assert name == ("red" if clip[..., 0].mean() > clip[..., 1].mean() else "green")


def test_charades_is_trained_with_several_labels(videos, recipe, tmp_path):
    (tmp_path / "Charades_v1_classes.txt").write_text("c000 red\nc001 green\n")
    for split in ("train", "val"):
        rows = [
            f"{split}/{path.parent.name}/{path.stem},c00{int(path.parent.name == 'green')} 0 0.5,0.6"
            for path in sorted((videos / split).rglob("*.mp4"))
        ]
        (tmp_path / f"{split}.csv").write_text("id,actions,length\n" + "\n".join(rows) + "\n")
    data = {split: {"kind": "charades", "path": f"{split}.csv", "root": str(videos)} for split in ("train", "val")}
    asked = recipe(data=data, objective="multi_label", loop={"epochs": 1, "batch": 4}, augment={"short_side": None})
    result = train(asked, tmp_path / "run", base=tmp_path, device="cpu")
    assert result.accuracy.figure[0] == "mAP"
    assert result.accuracy.videos == 2
