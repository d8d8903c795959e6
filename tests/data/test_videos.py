"""Lists and folders of labelled videos, and the checks before training: every fault with its place."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from onlooker.data.checks import check_splits
from onlooker.data.clips import VideoClips
from onlooker.data.formats.common import read_classes
from onlooker.data.formats.folders import read_folders as read_folder_listing
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.data.world import WorldSource
from onlooker.errors import ConfigError, MediaError, RecordError
from onlooker.weights.inputs import InputSpec
from onlooker.world.dataset import Recipe, WorldClips
from onlooker.world.export import export_kinetics


def read_list(*arguments, **options):
    return VideoClips(read_kinetics(*arguments, **options))


def read_folders(*arguments, **options):
    return VideoClips(read_folder_listing(*arguments, **options))


SPEC = InputSpec(frames=4, stride=2, rate=10.0, short_side=32, crop=32)


@pytest.fixture
def folder(tmp_path, video):
    """Two classes with two different videos each."""
    for number, (label, name) in enumerate(
        [("jump", "a.mp4"), ("jump", "b c.mp4"), ("wave", "d.mp4"), ("wave", "e.mp4")]
    ):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / name).write_bytes(video.read_bytes() + bytes(number))
    return tmp_path


def test_a_plain_list_takes_spaces_and_commas_numbers_and_names(folder):
    (folder / "train.csv").write_text(
        '# comment\njump/a.mp4 0\njump/b c.mp4 jump\n\nwave/d.mp4,1\n"wave/e.mp4", wave\n'
    )
    clips = read_list(folder / "train.csv", classes=("jump", "wave"))
    assert [item.labels[0] for item in clips.samples] == [0, 0, 1, 1]
    assert [item.path.name for item in clips.samples] == ["a.mp4", "b c.mp4", "d.mp4", "e.mp4"]
    assert clips.samples[2].where == "train.csv:5"


def test_lines_are_counted_as_editors_count_them(folder):
    (folder / "train.csv").write_bytes("jump/a.mp4 0\r\n# a\u2028separator\x0b and\x85 another\r\nwrong\r\n".encode())
    assert read_kinetics(folder / "train.csv", classes=("jump", "wave")).faults == (
        "train.csv:3: 'wrong' is no `path label`",
    )
    (folder / "k.csv").write_text('label,youtube_id,time_start,time_end\n"a\u2028b",x,0,1\n"a\nb",x,0,1\na,x,1,1\n')
    assert [fault.split(": ")[0] for fault in read_kinetics(folder / "k.csv").faults] == ["k.csv:5"]


def test_every_faulty_line_is_named(folder):
    (folder / "train.csv").write_text("jump/a.mp4 0\nonly_a_path.mp4\njump/a.mp4 7\nwave/d.mp4 swim\n")
    with pytest.raises(RecordError) as caught:
        read_list(folder / "train.csv", classes=("jump", "wave"))
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["train.csv:2", "train.csv:3", "train.csv:4"]
    assert "outside 0 to 1" in lines[1]


def test_numbers_need_class_names(folder):
    (folder / "train.csv").write_text("jump/a.mp4 0\n")
    with pytest.raises(ConfigError, match="which classes"):
        read_list(folder / "train.csv")


def test_the_published_csv_gives_parts_of_videos(folder, video):
    shutil.copy(video, folder / "x.mp4")
    export_kinetics([("jump", "x", 0.0, 1.0, "train"), ("wave", "x", 1.0, 2.0, "train"), ("wave", "y", 0, 1, "val")],
                    folder / "k.csv")  # fmt: skip
    clips = read_list(folder / "k.csv", split="train")
    assert clips.classes == ("jump", "wave")
    assert len(clips) == 2
    means = [float(clips.clips(i, SPEC, 1)[0].mean()) for i in range(2)]
    assert means[0] < 80 < 130 < means[1]
    (folder / "bad.csv").write_text("label,youtube_id,time_start,time_end,split\njump,x,2,1,train\njump,x,a,1,train\n")
    with pytest.raises(RecordError) as caught:
        read_list(folder / "bad.csv")
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["bad.csv:2", "bad.csv:3"]


def test_windows_lie_where_they_should(folder):
    clips = read_folders(folder)
    assert clips.classes == ("jump", "wave")
    middle = clips.clips(0, SPEC, 1)[0]
    assert middle.shape == (4, 32, 43, 3)
    # 0.8 s from the middle of 2 s: frames 7, 9, 11, 13 of a ramp of 12 per frame
    assert middle.mean(axis=(1, 2, 3)) == pytest.approx([84, 108, 132, 156], abs=6)
    early, _, late = (clip.mean() for clip in clips.clips(0, SPEC, 3))
    assert early < middle.mean() < late
    draws = {float(clips.random_clip(0, SPEC, draw).mean()) for draw in range(8)}
    assert len(draws) > 3
    assert np.array_equal(clips.random_clip(0, SPEC, 5), clips.random_clip(0, SPEC, 5))
    segments = InputSpec(frames=4, short_side=32, crop=32, sampling="segments")
    assert clips.clips(0, segments, 1)[0].mean(axis=(1, 2, 3)) == pytest.approx([30, 90, 150, 210], abs=12)


def test_an_unreadable_video_is_an_error_and_never_replaced(folder):
    (folder / "jump" / "a.mp4").write_bytes(b"this is no video")
    with pytest.raises(MediaError, match=r"a\.mp4"):
        read_folders(folder).clips(0, SPEC, 1)


def test_classes_from_a_file(tmp_path):
    (tmp_path / "classes.txt").write_text("jump\nwave\n")
    assert read_classes(tmp_path / "classes.txt") == ("jump", "wave")
    (tmp_path / "classes.txt").write_text("jump\nwave\njump\n")
    with pytest.raises(RecordError, match=r"classes\.txt:3.*already number 0"):
        read_classes(tmp_path / "classes.txt")


def test_folders_that_are_no_classes_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="wave"):
        read_folders(folder, classes=("jump",))
    with pytest.raises(ConfigError, match="no such folder"):
        read_folders(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no folders"):
        read_folders(tmp_path / "empty")


def lists(folder, train, val):
    (folder / "train.csv").write_text(train)
    (folder / "val.csv").write_text(val)
    return {name: read_list(folder / f"{name}.csv", classes=("jump", "wave")) for name in ("train", "val")}


def test_good_splits_pass_with_a_warning_for_an_untested_class(folder):
    splits = lists(folder, "jump/a.mp4 0\nwave/d.mp4 1\n", "jump/b c.mp4 0\n")
    assert check_splits(splits) == ["val: no video of 1 classes: wave"]


def test_missing_and_empty_files_and_empty_classes(folder):
    (folder / "none.mp4").touch()
    splits = lists(folder, "jump/a.mp4 0\ngone.mp4 0\nnone.mp4 0\n", "wave/d.mp4 1\nlost.mp4 1\n")
    with pytest.raises(RecordError) as caught:
        check_splits(splits)
    text = str(caught.value)
    assert "train.csv:2: no such file" in text
    assert "train.csv:3: the file is empty" in text
    assert "val.csv:2: no such file" in text
    assert "train: no video of 1 classes: wave" in text


def test_the_same_video_in_two_splits_is_found_by_path_link_and_content(folder):
    shutil.copy(folder / "wave" / "e.mp4", folder / "copy.mp4")
    (folder / "link.mp4").symlink_to(folder / "jump" / "a.mp4")
    train = "jump/a.mp4 0\njump/b c.mp4 0\nwave/e.mp4 1\n"
    splits = lists(folder, train, "jump/../jump/b c.mp4 0\nlink.mp4 0\ncopy.mp4 1\n")
    with pytest.raises(RecordError) as caught:
        check_splits(splits)
    lines = str(caught.value).splitlines()
    assert [line.split(": the same video is in train ")[0] for line in lines] == ["val.csv:1", "val.csv:2", "val.csv:3"]
    with pytest.raises(RecordError) as caught:
        check_splits(splits, content=False)
    assert "val.csv:3" not in str(caught.value)


def test_two_labels_for_one_video_in_a_split(folder):
    splits = lists(folder, "jump/a.mp4 0\njump/a.mp4 1\nwave/d.mp4 1\n", "wave/e.mp4 1\n")
    with pytest.raises(RecordError, match=r"train\.csv:2: the same video has another label at train\.csv:1"):
        check_splits(splits)


def test_an_empty_list_is_a_fault(folder):
    with pytest.raises(RecordError, match="val: there is no video"):
        check_splits(lists(folder, "jump/a.mp4 0\nwave/d.mp4 1\n", ""))


def world(split, **changes):
    recipe = Recipe(
        labels=("sit_down", "stand_up"), frames=4, size=32, stages=("room",), reversed_pairs=True, **changes
    )
    return WorldSource(WorldClips(recipe, split, 6))


def test_worlds_share_nothing_between_splits():
    assert check_splits({"train": world("train"), "val": world("val")}) == []
    with pytest.raises(RecordError, match="the same video is in train"):
        check_splits({"train": world("train"), "val": world("train")})


def test_world_clips_have_the_models_frames_or_are_refused():
    source = world("train")
    spec = InputSpec(frames=2, short_side=32, crop=32)
    assert np.array_equal(source.random_clip(0, spec, 0), source.clips(0, spec, 1)[0])
    assert source.clips(1, spec, 3)[0].shape == (2, 32, 32, 3)
    with pytest.raises(ConfigError, match="render a multiple"):
        source.clips(0, InputSpec(frames=3, short_side=32, crop=32), 1)
