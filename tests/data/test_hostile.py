"""Lists of nonsense: whatever stands in them, a reader says so in our words or gives samples that can be checked."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onlooker.data.checks import inspect
from onlooker.data.formats.charades import read_charades
from onlooker.data.formats.diving48 import read_diving48
from onlooker.data.formats.epic import read_epic
from onlooker.data.formats.framelist import read_frame_list
from onlooker.data.formats.gluoncv import read_gluoncv
from onlooker.data.formats.hmdb51 import read_hmdb51
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.data.formats.shards import read_shards
from onlooker.data.formats.something import read_something
from onlooker.data.formats.ucf101 import read_ucf101
from onlooker.errors import OnlookerError

CLASSES = ("a", "b")
READERS = {
    "kinetics": partial(read_kinetics, classes=CLASSES),
    "ucf101": partial(read_ucf101, classes=CLASSES),
    "ssv2": partial(read_something, classes=CLASSES),
    "charades": partial(read_charades, classes=CLASSES),
    "epic": partial(read_epic, target="verb", classes=CLASSES),
    "diving48": partial(read_diving48, classes=CLASSES),
    "gluoncv": partial(read_gluoncv, classes=CLASSES),
    "frame_list": partial(read_frame_list, classes=CLASSES),
    "webdataset": partial(read_shards, classes=CLASSES),
}
HEADERS = ("original_vido_id video_id frame_id path labels\n",
           "label,youtube_id,time_start,time_end,split\n", "id,subject,actions,length\n",
           "participant_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame,verb_class\n")  # fmt: skip
LONG = "x" * 300

words = st.sampled_from(
    ["a", "b", "0", "1", "-1", "nan", "inf", "1e999", "..", "/", ",", " ", "\n", '"', "{", "}", "[", "]", ":", "\0",
     ";", "c000", "P01", "P01_01", LONG, "ä", "\u2028", "\r", '"id"', '"template"', '"vid_name"', '"label"', "1:2:3:4"]
)  # fmt: skip


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.tuples(st.sampled_from(("", *HEADERS)), st.lists(words, max_size=24)))
@example(text=("", ["[", '{"id": ', "1", "}", "]"]))
@example(text=(HEADERS[1], ["a,", LONG, ",0,1,train\n", "..,a,0,1,train\n", "a\0,a,0,1,train\n", "a,a,nan,inf,x"]))
@example(text=(HEADERS[3], ["P01,P01_", LONG, ",0,1,2,3,0\nP01,P01_\0,0,1,2,3,0\n"]))
@example(text=(HEADERS[2], [LONG, ",x,c000 0 1,1\n", "a,x,c000 nan 1;c000 0 inf,1e999\n"]))
@example(text=("", [LONG, "/", LONG, " 1 0\n", "a\0b 1 0\n", "/ 1 0\n"]))
@example(text=("", ["a/", LONG, "\n", "a/b\0.avi 1\n", "a/. 1\n"]))
@example(text=("", ["[[" * 100_000]))
def test_nonsense_is_refused_in_our_words(tmp_path, kind, text):
    path = tmp_path / "list.txt"
    path.write_text(text[0] + "".join(text[1]), encoding="utf-8")
    try:
        listing = READERS[kind](path)
    except OnlookerError:
        return
    found = inspect({"train": listing}, look="open")
    assert len(found.faults) >= (1 if not listing.samples else 0)
    for sample in listing.samples:
        assert all(0 <= label < 2 for label in sample.labels)
        assert sample.start >= 0
        assert sample.end is None or sample.start < sample.end < float("inf")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00" * 600, b"PK\x03\x04" + bytes(600), bytes(range(256)) * 6])
@pytest.mark.parametrize("kind", READERS)
def test_bytes_that_are_no_list(tmp_path, kind, content):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    try:
        faults = inspect({"train": READERS[kind](path)}, look="open").faults
    except OnlookerError as error:
        faults = [str(error)]
    assert faults
    assert any("list.txt" in fault or "train" in fault for fault in faults)


def test_a_loop_of_links_and_a_folder_in_place_of_a_video(tmp_path):
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "list.txt").write_text("loop.mp4 a\nfolder.mp4 b\n")
    found = inspect({"train": read_kinetics(tmp_path / "list.txt")})
    assert [fault.split(": ")[0] for fault in found.faults] == ["list.txt:1", "list.txt:2"]


def test_a_split_folder_of_nonsense(tmp_path):
    (tmp_path / "a_test_split1.txt").write_text(f"{LONG} 1\nx\0y 1\n../z.avi 1\n 1 1 1\n")
    found = inspect({"train": read_hmdb51(tmp_path, part="train")})
    assert {fault.split(": ")[0] for fault in found.faults} == {f"a_test_split1.txt:{line}" for line in range(1, 5)}
