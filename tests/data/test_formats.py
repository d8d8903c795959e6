"""Every public format in its true syntax: what is read, and each fault with its file and line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from onlooker.data.checks import inspect
from onlooker.data.clips import VideoClips
from onlooker.data.formats.charades import read_charades
from onlooker.data.formats.diving48 import read_diving48
from onlooker.data.formats.epic import read_epic
from onlooker.data.formats.folders import read_frames
from onlooker.data.formats.framelist import read_frame_list
from onlooker.data.formats.gluoncv import read_gluoncv
from onlooker.data.formats.hmdb51 import read_hmdb51
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.data.formats.something import read_something
from onlooker.data.formats.ucf101 import read_ucf101
from onlooker.data.media import FrameFolder, VideoFile
from onlooker.errors import ConfigError, MediaError, RecordError
from onlooker.weights.inputs import InputSpec

SPEC = InputSpec(frames=4, stride=2, rate=10.0, short_side=32, crop=32)


def places(faults):
    """The `file:line` of each fault."""
    return [fault.split(": ")[0] for fault in faults]


def test_kinetics_csv_with_more_columns_quotes_and_folders_of_classes(tmp_path, place):
    (tmp_path / "k.csv").write_text(
        'label,youtube_id,time_start,time_end,split,is_cc\n"air drumming",-0hDZrC1qgQ,18,28,train,0\n'
        "archery,abc,1,11,train,1\narchery,def,0,10,validate,0\n"
    )
    place(tmp_path / "train" / "air_drumming" / "-0hDZrC1qgQ_000018_000028.mkv")
    listing = read_kinetics(tmp_path / "k.csv", split="train")
    assert listing.classes == ("air drumming", "archery")
    one, other = listing.samples
    assert (one.path.name, one.start, one.end, one.video) == ("-0hDZrC1qgQ_000018_000028.mkv", 0, None, "-0hDZrC1qgQ")
    assert (other.path.name, other.start, other.end, other.where) == ("abc.mp4", 1, 11, "k.csv:3")


def test_kinetics_json(tmp_path):
    entry = '"{}": {{"annotations": {{"label": "{}", "segment": [{}, {}]}}, "duration": 10.0, "subset": "{}"}}'
    lines = [entry.format("a", "archery", 6, 16, "training"), entry.format("b", "bowling", 5, 5, "training"),
             entry.format("c", "bowling", 5, 15, "validation"), '"d": {"url": "x"}']  # fmt: skip
    (tmp_path / "k.json").write_text("{\n" + ",\n".join(lines) + "\n}")
    listing = read_kinetics(tmp_path / "k.json", split="training", classes=("archery", "bowling"))
    assert [sample.video for sample in listing.samples] == ["a"]
    assert places(listing.faults) == ["k.json:3", "k.json:5"]


def test_a_kinetics_id_cannot_lead_elsewhere(tmp_path):
    (tmp_path / "k.csv").write_text("label,youtube_id,time_start,time_end\na,../../secret,0,1\na,/etc/passwd,0,1\n")
    listing = read_kinetics(tmp_path / "k.csv")
    assert places(listing.faults) == ["k.csv:2", "k.csv:3"]
    assert not listing.samples


@pytest.fixture
def ucf(tmp_path):
    (tmp_path / "classInd.txt").write_text("1 ApplyEyeMakeup\n2 HandstandPushups\n")
    (tmp_path / "UCF-101").mkdir()
    return tmp_path


def test_ucf101(ucf):
    (ucf / "trainlist01.txt").write_text(
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\nHandstandPushups/v_HandStandPushups_g08_c02.avi 2\n"
    )
    (ucf / "testlist01.txt").write_text("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\n")
    train, test = (read_ucf101(ucf / name).checked() for name in ("trainlist01.txt", "testlist01.txt"))
    assert [sample.labels for sample in (*train.samples, *test.samples)] == [(0,), (1,), (0,)]
    assert train.samples[0].path == ucf / "UCF-101" / "ApplyEyeMakeup" / "v_ApplyEyeMakeup_g08_c01.avi"
    # the same number in two classes is another group
    assert [sample.group for sample in train.samples] == ["ApplyEyeMakeup/g08", "HandstandPushups/g08"]
    assert train.disjoint_groups


def test_ucf101_faults(ucf):
    (ucf / "trainlist01.txt").write_text(
        "ApplyEyeMakeup/a_g01_c01.avi 2\nSwimming/b_g01_c01.avi 1\nc.avi 1\n\nApplyEyeMakeup/../../d.avi 1\n"
    )
    assert places(read_ucf101(ucf / "trainlist01.txt").faults) == [f"trainlist01.txt:{line}" for line in (1, 2, 3, 5)]
    (ucf / "classInd.txt").write_text("1 ApplyEyeMakeup\n3 HandstandPushups\n")
    with pytest.raises(RecordError, match=r"classInd\.txt:2"):
        read_ucf101(ucf / "trainlist01.txt")
    (ucf / "classInd.txt").unlink()
    with pytest.raises(ConfigError, match=r"classInd\.txt"):
        read_ucf101(ucf / "trainlist01.txt")


def test_hmdb51(tmp_path):
    (tmp_path / "brush_hair_test_split1.txt").write_text("April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 \nb.avi 2 \n")
    (tmp_path / "wave_test_split1.txt").write_text("c.avi 0 \nd.avi 1 \ne.avi 3 \nf.avi\n")
    train, test = (read_hmdb51(tmp_path, part=part) for part in ("train", "test"))
    assert train.classes == ("brush_hair", "wave")
    assert [(sample.path.name, sample.labels) for sample in train.samples[1:]] == [("d.avi", (1,))]
    assert [sample.path for sample in test.samples] == [tmp_path / "brush_hair" / "b.avi"]
    assert places(train.faults) == ["wave_test_split1.txt:3", "wave_test_split1.txt:4"]
    with pytest.raises(ConfigError, match="split2"):
        read_hmdb51(tmp_path, part="train", split=2)


SOMETHING = [
    {"id": "78687", "label": "holding potato next to bottle", "template": "Holding [something] next to [something]",
     "placeholders": ["potato", "bottle"]},
    {"id": "42", "label": "x", "template": "Throwing [something]", "placeholders": ["x"]},
    {"id": "43"},
    {"label": "y", "template": "Throwing [something]"},
    {"id": "../44", "template": "Holding [something] next to [something]"},
]  # fmt: skip


def test_something_something(tmp_path, place, frames):
    lines = ",\n".join(map(json.dumps, SOMETHING))
    (tmp_path / "something-something-v2-train.json").write_text(f"[\n{lines}\n]")
    labels = {"Holding something next to something": "1", "Pushing something": "0"}
    (tmp_path / "something-something-v2-labels.json").write_text(json.dumps(labels))
    place(tmp_path / "20bn-something-something-v2" / "78687.webm")
    listing = read_something(tmp_path / "something-something-v2-train.json")
    assert listing.classes == ("Pushing something", "Holding something next to something")
    assert [(sample.path.name, sample.labels) for sample in listing.samples] == [("78687.webm", (1,))]
    assert places(listing.faults) == [f"something-something-v2-train.json:{line}" for line in (3, 4, 5, 6)]
    frames(tmp_path / "frames" / "78687", 3)
    listing = read_something(tmp_path / "something-something-v2-train.json", root=tmp_path / "frames")
    assert listing.samples[0].media == FrameFolder(tmp_path / "frames" / "78687", 12.0)


@pytest.mark.parametrize(
    ("text", "line"), [("[\n{}\n,]", 3), ('[{"id": "1",\n"id": "2"}]', 1), ("[\n\n{]", 3), ("[{}]\n[", 1), ("[{}", 1)]
)
def test_broken_json_is_a_fault_with_its_line(tmp_path, text, line):
    (tmp_path / "train.json").write_text(text)
    faults = read_something(tmp_path / "train.json", classes=("a",)).faults
    assert any(fault.startswith(f"train.json:{line}: ") and "JSON" in fault for fault in faults)


CHARADES = (
    "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"
    '46GP8,HR43,Kitchen,6,7,Yes,"A person cooks, and\nlaughs.",food;stove,"A person, cooking",'
    "c001 0.00 1.00;c000 0.50 2.00,2.00\n"
    "N11GT,0KZ7,Stairs,6,7,No,x,y,z,,20.00\n"
    "BAD01,0KZ7,Stairs,6,7,No,x,y,z,c000 5.00 4.00;c001 30.00 31.00;c009 1.0 2.0;junk;c001 19.0 25.0,20.00\n"
)


@pytest.fixture
def charades(tmp_path):
    (tmp_path / "Charades_v1_classes.txt").write_text("c000 Holding some clothes\nc001 Putting clothes somewhere\n")
    (tmp_path / "Charades_v1_train.csv").write_text(CHARADES)
    return tmp_path / "Charades_v1_train.csv"


def test_charades_videos_and_segments(charades):
    listing = read_charades(charades)
    assert listing.multi_label
    assert [sample.labels for sample in listing.samples] == [(0, 1), (), (1,)]
    assert [sample.group for sample in listing.samples[:2]] == ["HR43", "0KZ7"]
    segments = read_charades(charades, part="segments").samples
    # the first ends where the second is in its middle; at its own middle, 0.5 s, both are on
    assert [(one.start, one.end, one.labels) for one in segments[:2]] == [(0.0, 1.0, (0, 1)), (0.5, 2.0, (0,))]


def test_charades_faults_and_doubts_are_told_apart(charades):
    listing = read_charades(charades)
    assert places(listing.faults) == ["Charades_v1_train.csv:5"] * 4
    said = "\n".join(listing.faults)
    assert all(word in said for word in ("5 to 4 s is empty", "begins after the end", "outside 0 to 1", "'junk'"))
    assert places(listing.warnings) == ["Charades_v1_train.csv:5"]


def test_charades_frames_have_their_rate(charades, frames, tmp_path):
    frames(tmp_path / "Charades_v1_rgb" / "46GP8", 48, "46GP8-{:06d}.jpg")
    listing = read_charades(charades, part="segments", rate=24.0)
    with listing.samples[1].media.open() as opened:
        assert opened.duration == 2.0
        # 0.75 s at 24 a second is image 18
        assert opened.clip(0.5, 1.0, frames=1).mean() == pytest.approx(180, abs=2)


EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,stop_frame,"
    "narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
)
ROW = "P01_01_{0},P01,P01_01,00:00:01.089,{1},{2},8,202,open door,open,{3},door,{4},['door'],[3]\n"


@pytest.fixture
def epic(tmp_path):
    (tmp_path / "EPIC_100_verb_classes.csv").write_text("id,key,instances,category\n0,take,\"['take']\",retrieve\n"
                                                        "1,put,\"['put', 'place']\",leave\n")  # fmt: skip
    (tmp_path / "EPIC_100_noun_classes.csv").write_text("id,key,instances,category\n0,tap,\"['tap']\",appliances\n")
    return tmp_path / "EPIC_100_train.csv"


def test_epic_kitchens(epic, place, tmp_path):
    epic.write_text(
        EPIC + ROW.format(0, "00:00:00.14", "00:00:01.37", 1, 0) + ROW.format(1, "0:0:1.5", "0:0:1.9", 0, 0)
    )
    place(tmp_path / "P01" / "videos" / "P01_01.MP4")
    verbs, nouns = (read_epic(epic, target=target).checked() for target in ("verb", "noun"))
    assert verbs.classes == ("take", "put")
    assert [sample.labels for sample in (*verbs.samples, *nouns.samples)] == [(1,), (0,), (0,), (0,)]
    assert (verbs.samples[0].start, verbs.samples[0].end) == pytest.approx((0.14, 1.37))
    assert (verbs.samples[0].video, verbs.samples[0].group) == ("P01_01", "P01")
    assert verbs.samples[0].media == VideoFile(tmp_path / "P01" / "videos" / "P01_01.MP4")
    middle = VideoClips(verbs).clips(0, SPEC, 1)[0]
    assert middle.mean() == pytest.approx(12 * 7.5, abs=9)


def test_epic_actions_are_pairs(epic, place, tmp_path):
    (tmp_path / "EPIC_100_noun_classes.csv").write_text(
        "id,key,instances,category\n0,tap,[],a\n1,pan,[],b\n2,lid,[],b\n"
    )
    epic.write_text(EPIC + "".join(ROW.format(i, "0:0:1", "0:0:2", v, n) for i, (v, n) in enumerate([(0, 2), (1, 1)])))
    place(tmp_path / "P01" / "videos" / "P01_01.MP4")
    actions = read_epic(epic, target="action").checked()
    assert actions.classes == ("take tap", "take pan", "take lid", "put tap", "put pan", "put lid")
    assert [sample.labels for sample in actions.samples] == [(2,), (4,)]
    epic.write_text(EPIC + ROW.format(0, "0:0:1", "0:0:2", 2, 0) + ROW.format(1, "0:0:1", "0:0:2", 0, 3))
    assert len(read_epic(epic, target="action").faults) == 2  # no such verb, no such noun
    with pytest.raises(ConfigError, match="leave labels out"):
        read_epic(epic, target="action", classes=("take tap",))


def test_epic_frames_take_their_rate_from_the_table(epic, frames, tmp_path):
    epic.write_text(EPIC + ROW.format(0, "00:00:00.5", "00:00:01.0", 1, 0))
    frames(tmp_path / "P01" / "rgb_frames" / "P01_01", 10, "frame_{:010d}.jpg")
    (tmp_path / "EPIC_100_video_info.csv").write_text("video_id,duration,fps,resolution\nP01_01,1.0,10.0,1920x1080\n")
    clips = VideoClips(read_epic(epic, target="verb"))
    assert clips.clips(0, SPEC, 1)[0].mean(axis=(1, 2, 3)) == pytest.approx([50, 60, 80, 90], abs=3)


def test_epic_faults(epic):
    epic.write_text(
        EPIC + ROW.format(0, "00:00:02", "00:00:01", 0, 0) + ROW.format(1, "0:0:1", "0:0:2", 9, 0)
        + ROW.format(1, "0:0:1", "0:0:2", 0, 0) + ROW.format(3, "soon", "0:0:2", 0, 0)
        + ROW.format(4, "0:0:1", "0:0:2", 0, 0).replace("P01,P01_01", "P02,P01_01") + "one,two\n"
    )  # fmt: skip
    assert places(read_epic(epic, target="verb").faults) == [f"EPIC_100_train.csv:{line}" for line in range(2, 8)]
    epic.write_text(EPIC.replace("verb_class,", ""))
    with pytest.raises(RecordError, match="no column verb_class"):
        read_epic(epic, target="verb")


def test_diving48(tmp_path):
    entries = [{"vid_name": "kA-b_X_00012", "label": 1, "start_frame": 0, "end_frame": 128},
               {"vid_name": "kAbX_00013", "label": 2, "start_frame": 0, "end_frame": 1},
               {"vid_name": "kAbX_00014", "label": 0, "start_frame": 9, "end_frame": 9},
               {"vid_name": "kAbX_00015", "label": 0}]  # fmt: skip
    (tmp_path / "Diving48_V2_train.json").write_text("[" + ",\n ".join(map(json.dumps, entries)) + "]")
    (tmp_path / "Diving48_vocab.json").write_text('[["Back", "15som", "05Twis", "FREE"], ["Back", "15som", "15Twis"]]')
    listing = read_diving48(tmp_path / "Diving48_V2_train.json", root=tmp_path)
    assert listing.classes == ("Back 15som 05Twis FREE", "Back 15som 15Twis")
    (sample,) = listing.samples
    assert (sample.path.name, sample.labels, sample.group) == ("kA-b_X_00012.mp4", (1,), "kA-b_X")
    assert places(listing.faults) == [f"Diving48_V2_train.json:{line}" for line in (2, 3, 4)]


def test_gluoncv_lists_of_videos_and_of_frame_folders(tmp_path, place, frames):
    place(tmp_path / "v" / "a b.mp4")
    frames(tmp_path / "v" / "c", 5)
    (tmp_path / "list.txt").write_text("v/a b.mp4 20 0\nv/c 5 1\nv/c 7 1\nv/a b.mp4 0\nv/a b.mp4 20 2\n")
    listing = read_gluoncv(tmp_path / "list.txt", classes=("x", "y"), rate=10.0)
    assert [(sample.path.name, sample.labels, sample.frames) for sample in listing.samples] == [
        ("a b.mp4", (0,), 20), ("c", (1,), 5), ("c", (1,), 7)
    ]  # fmt: skip
    assert places(listing.faults) == ["list.txt:3", "list.txt:4", "list.txt:5"]
    with pytest.raises(ConfigError, match="which classes"):
        read_gluoncv(tmp_path / "list.txt")


def test_frame_folders_give_the_frames_on_screen(tmp_path, frames):
    frames(tmp_path / "jump" / "a", 12, "{}.png", first=0)
    (tmp_path / "jump" / "a" / "notes.txt").write_text("no image")
    clips = VideoClips(read_frames(tmp_path, rate=10.0))
    assert clips.classes == ("jump",)
    # 0.8 s from the middle of 1.2 s: image 10 comes after image 9, not after image 1
    assert clips.clips(0, SPEC, 1)[0].mean(axis=(1, 2, 3)).tolist() == [30, 50, 70, 90]
    assert clips.clips(0, SPEC, 1)[0].shape == (4, 32, 43, 3)
    assert np.array_equal(clips.random_clip(0, SPEC, 3), clips.random_clip(0, SPEC, 3))
    assert len({float(clips.random_clip(0, SPEC, draw).mean()) for draw in range(8)}) > 2


def test_a_broken_image_and_unlike_sizes_are_errors_with_the_place(tmp_path, frames):
    from PIL import Image

    folder = frames(tmp_path / "jump" / "a", 8)
    (folder / "img_00004.jpg").write_bytes(b"not a jpeg")
    clips = VideoClips(read_frames(tmp_path, rate=10.0))
    with pytest.raises(MediaError, match=r"jump/a: a/img_00004\.jpg"):
        clips.clips(0, SPEC, 1)
    Image.new("RGB", (64, 20)).save(folder / "img_00004.jpg")
    with pytest.raises(MediaError, match="unlike sizes"):
        clips.clips(0, SPEC, 1)


def test_frame_lists(tmp_path, frames):
    folder = frames(tmp_path / "46GP8", 12, "46GP8-{:06d}.jpg")
    rows = [f'46GP8 0 {i} 46GP8/46GP8-{i + 1:06d}.jpg "{"0,1" if i == 7 else "1"}"' for i in range(12)]
    rows[3], rows[4] = rows[4], rows[3]
    header = "original_vido_id video_id frame_id path labels\n"
    (tmp_path / "train.csv").write_text(header + "\n".join(rows) + '\nNONE 1 0 none/0.jpg ""\n')
    listing = read_frame_list(tmp_path / "train.csv", classes=("a", "b"), rate=10.0).checked()
    assert [(sample.video, sample.labels, sample.where) for sample in listing.samples] == [
        ("46GP8", (0, 1), "train.csv:2"), ("NONE", (), "train.csv:14")
    ]  # fmt: skip
    assert listing.multi_label
    clip = VideoClips(listing).clips(0, SPEC, 1)[0]
    assert clip.mean(axis=(1, 2, 3)) == pytest.approx([30, 50, 70, 90], abs=2)
    (folder / "46GP8-000005.jpg").unlink()
    found = inspect({"train": listing}).faults
    assert [place for place in places(found) if "csv" in place] == ["train.csv:2", "train.csv:14"]
    assert "46GP8-000005.jpg" in found[-2]


def test_frame_list_faults(tmp_path):
    header = "original_vido_id video_id frame_id path labels\n"
    (tmp_path / "train.csv").write_text(
        header
        + 'V 0 0 V/0.jpg "0"\nV 0 0 V/1.jpg "0"\nV 0 x V/2.jpg "0"\nV 0 3 V/3.jpg "5"\nV 0 4 ../4.jpg "0"\nV 0 5\n'
    )
    assert sorted(places(read_frame_list(tmp_path / "train.csv", classes=("a",)).faults)) == [
        f"train.csv:{line}" for line in (3, 4, 5, 6, 7)
    ]
