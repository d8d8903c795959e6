"""WebDataset shards: read in place, and nothing in them can lead out of them."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from onlooker.data.clips import VideoClips
from onlooker.data.formats.shards import expand, read_shards
from onlooker.errors import ConfigError, MediaError, RecordError
from onlooker.weights.inputs import InputSpec

SPEC = InputSpec(frames=4, stride=2, rate=10.0, short_side=32, crop=32)


@pytest.fixture
def shard(tmp_path, video):
    """`shard(name, [(member, content or TarInfo)])`; the content "video" is one."""

    def write(name, members, mode="w"):
        path = tmp_path / name
        with tarfile.open(path, mode) as archive:
            for member, content in members:
                if isinstance(content, tarfile.TarInfo):
                    archive.addfile(content)
                    continue
                data = video.read_bytes() if content == "video" else content
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return path

    return write


def test_labels_come_from_cls_json_and_txt(shard, video):
    path = shard(
        "a.tar",
        [("1.mp4", "video"), ("1.cls", b"1\n"), ("./d/2.mp4", "video"), ("./d/2.json", b'{"label": "wave"}'),
         ("3.x.mp4", b""), ("3.txt", b"wave"), ("3.MP4", "video"), ("3.jpg", b"thumb")],
    )  # fmt: skip
    clips = VideoClips(read_shards(path, classes=("jump", "wave")))
    assert [(sample.where, sample.labels) for sample in clips.samples] == [
        ("a.tar:1", (1,)), ("a.tar:d/2", (1,)), ("a.tar:3", (1,))
    ]  # fmt: skip
    assert clips.clips(1, SPEC, 1)[0].mean(axis=(1, 2, 3)) == pytest.approx([84, 108, 132, 156], abs=6)
    assert np.array_equal(clips.random_clip(0, SPEC, 5), clips.random_clip(0, SPEC, 5))


def test_patterns_of_shards(shard, tmp_path):
    for number in range(9, 12):
        shard(f"t-{number:03d}.tar", [(f"{number}.mp4", "video"), (f"{number}.txt", b"wave")])
    listing = read_shards(str(tmp_path / "t-{009..011}.tar"))
    assert listing.classes == ("wave",)
    assert [sample.where for sample in listing.samples] == ["t-009.tar:9", "t-010.tar:10", "t-011.tar:11"]
    assert len(expand([tmp_path / "t-*.tar"])) == 3
    for pattern in ("t-{009..012}.tar", "u-*.tar", "t-{3..1}.tar", "t-{0..999999999}.tar"):
        with pytest.raises(ConfigError):
            expand([tmp_path / pattern])


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_members_that_lead_out_are_faults_and_the_rest_is_read(shard):
    path = shard(
        "a.tar",
        [("ok.mp4", "video"), ("ok.txt", b"wave"), ("../up.mp4", "video"), ("/abs.mp4", "video"),
         ("", link("passwd.txt", "/etc/passwd")), ("", link("hard.mp4", "ok.mp4", tarfile.LNKTYPE)),
         ("", link("fifo.mp4", "", tarfile.FIFOTYPE))],
    )  # fmt: skip
    listing = read_shards(path)
    assert [sample.where for sample in listing.samples] == ["a.tar:ok"]
    assert [fault.split(": ")[0] for fault in listing.faults] == [
        "a.tar:'../up.mp4'", "a.tar:'/abs.mp4'", "a.tar:'passwd.txt'", "a.tar:'hard.mp4'", "a.tar:'fifo.mp4'"
    ]  # fmt: skip
    with pytest.raises(RecordError, match="leads out"):
        VideoClips(listing)


def test_keys_that_make_no_sample_are_faults(shard):
    path = shard(
        "a.tar",
        [("1.mp4", "video"), ("1.mkv", "video"), ("1.txt", b"wave"), ("2.mp4", "video"), ("3.cls", b"0"),
         ("4.mp4", "video"), ("4.cls", b"x"), ("5.mp4", "video"), ("5.json", b'{"label": [1]}'), ("2.txt", b"wave"),
         ("6.mp4", "video"), ("6.cls", b"7"), ("7.mp4", "video"), ("7.txt", b"swim")],
    )  # fmt: skip
    listing = read_shards(path, classes=("jump", "wave"))
    assert not listing.samples
    said = "\n".join(listing.faults)
    for words in ("a.tar:1: 2 videos", "a.tar:2: no label", "a.tar:3: no videos", "a.tar:4.cls: this is no label",
                  "a.tar:5.json: this is no label", "a.tar:2.txt: the key '2' comes back", "a.tar:6: the label 7 is",
                  "a.tar:7: 'swim' is none"):  # fmt: skip
        assert words in said


@pytest.mark.parametrize("cut", [100, 700, 3000])
def test_a_shard_that_is_cut_off_is_a_fault(shard, cut):
    path = shard("a.tar", [("1.mp4", "video"), ("1.txt", b"wave"), ("2.mp4", "video"), ("2.txt", b"wave")])
    path.write_bytes(path.read_bytes()[:cut])
    assert any("no tar file from here on" in fault for fault in read_shards(path, classes=("wave",)).faults)


def test_compressed_shards_are_refused_with_the_reason(shard):
    path = shard("a.tar", [("1.mp4", "video"), ("1.txt", b"wave")], "w:gz")
    (fault,) = read_shards(path, classes=("wave",)).faults
    assert "decompress" in fault


def test_a_broken_member_is_an_error_with_its_name(shard):
    path = shard("a.tar", [("1.mp4", b"no video at all"), ("1.txt", b"wave")])
    with pytest.raises(MediaError, match=r"a\.tar:1: 1\.mp4"):
        VideoClips(read_shards(path)).clips(0, SPEC, 1)


def test_labels_that_are_numbers_need_names(shard):
    path = shard("a.tar", [("1.mp4", "video"), ("1.cls", b"0")])
    with pytest.raises(ConfigError, match="which classes"):
        read_shards(path)
