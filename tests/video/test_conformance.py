"""The suite itself (is the truth true?), and Onlooker on every case of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.video import Video
from onlooker.video.conformance.boxes import matrix_of
from onlooker.video.conformance.corpus import Sample, all_cases, build, select
from onlooker.video.conformance.encode import Recipe, write_video
from onlooker.video.conformance.frames_benchmark import chosen_readers, frames_benchmark
from onlooker.video.conformance.numbers import LEVELS, Reading, draw, read
from onlooker.video.conformance.readers import READERS, OpenCVSession, Reader, Seen
from onlooker.video.conformance.score import examine
from onlooker.video.conformance.truth import packet_places

NAMES = [case.name for case in all_cases()]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    return {sample.case.name: sample for sample in build(cache=tmp_path_factory.mktemp("conformance"))}


# --- numbers ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 65_535), st.integers(24, 200), st.integers(16, 200))
@settings(max_examples=60, deadline=None)
def test_a_number_is_read_back_at_any_size(number: int, width: int, height: int) -> None:
    assert read(draw(number, width, height)) == Reading(number)


@given(st.integers(0, 65_535), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_turned_picture_is_known_as_turned(number: int, turns: int) -> None:
    reading = read(np.rot90(draw(number, 96, 64), -turns))
    assert reading == Reading(number, turns)
    assert reading.upright is None


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (23, 15)])
def test_small_pictures_carry_a_grey_level(size: tuple[int, int]) -> None:
    assert [read(draw(number, *size)).number for number in range(LEVELS)] == list(range(LEVELS))
    with pytest.raises(ConfigError, match="carries the numbers"):
        draw(LEVELS, *size)


def test_noise_black_and_smears_carry_no_number() -> None:
    rng = np.random.default_rng(3)
    read_from_noise = [read(rng.integers(0, 256, (64, 96, 3), np.uint8)).number for _ in range(50)]
    assert read_from_noise == [None] * 50
    assert read(np.zeros((64, 96, 3), np.uint8)).number is None
    blend = (draw(21_845, 96, 64).astype(np.uint16) + draw(43_690, 96, 64)) // 2
    assert read(blend.astype(np.uint8)).number is None


def test_a_number_survives_coarse_jpeg() -> None:
    coded = cv2.imencode(".jpg", draw(51_966, 96, 64), [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    assert read(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)).number == 51_966


# --- the truth --------------------------------------------------------------------------------------------------


def test_an_undamaged_file_decodes_to_its_truth(samples: dict[str, Sample]) -> None:
    """Plain decoding from the start, which no reader can get wrong, shows the numbers that the suite claims."""
    for name, sample in samples.items():
        truth = sample.truth
        if truth.damaged or name == "ts_wrap":
            continue
        with av.open(str(sample.path)) as container:
            stream = next(s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
            frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(stream)]
        assert [read(image).number for image, _ in frames] == list(truth.numbers), name
        if name != "avi_h264":  # its packets carry no presentation times
            times = [time - frames[0][1] for _, time in frames]
            assert np.allclose(times, truth.times, atol=0.0011), name


def test_damage_is_real_and_sound_frames_are_sound(samples: dict[str, Sample]) -> None:
    """Where damage may show, something shows in most files; where it may not, plain decoding finds the numbers."""
    shown = 0
    for sample in samples.values():
        truth = sample.truth
        if not truth.damaged or not truth.readable:
            continue
        met: dict[int, int | None] = {}
        with av.open(str(sample.path)) as container:
            start = None
            try:
                for frame in container.decode(video=0):
                    start = frame.time if start is None else start
                    nearest = int(np.argmin(np.abs(np.array(truth.times) - (frame.time - start))))
                    met[nearest] = read(frame.to_ndarray(format="rgb24")).number
            except av.FFmpegError:
                shown += 1
        for index, number in met.items():
            if truth.sound[index]:
                assert number == truth.numbers[index], (sample.case.name, index)
        shown += any(met.get(k) != truth.numbers[k] for k, sound in enumerate(truth.sound) if not sound)
    assert shown > 15


def test_the_corpus_has_what_its_names_say(samples: dict[str, Sample]) -> None:
    def packets(name: str) -> list[av.Packet]:
        with av.open(str(samples[name].path)) as container:
            return [p for p in container.demux(video=0) if p.size]

    hidden = sum((bytes(p)[-1] & 0xE0) == 0xC0 for p in packets("vp9_altref"))  # superframe index, VP9 annex B
    assert hidden >= 2
    assert len(packets("vp8_hidden")) > len(samples["vp8_hidden"].truth.numbers)
    assert sum(p.is_discard for p in packets("copied_cut")) == 9
    assert not packets("copied_cut")[9].is_keyframe
    in_file_order = [p.pts for p in packets("avi_h264")]  # AVI knows no presentation times: B-frames look in order
    assert in_file_order == sorted(in_file_order)
    assert packets("ts_ten_hours")[0].pts >= 36_000 * 90_000
    with av.open(str(samples["ts_wrap"].path)) as container:
        assert container.streams.video[0].start_time < 0
    for name, promised in (("count_too_large", 68), ("count_too_large_avi", 96), ("fragmented", 0)):
        with av.open(str(samples[name].path)) as container:
            assert container.streams.video[0].frames == promised, name
    pictures = {}
    for name in ("interlaced", "full_range", "ten_bit", "h264_422"):
        with av.open(str(samples[name].path)) as container:
            pictures[name] = next(container.decode(video=0))
            assert pictures[name].width == 96
    assert pictures["interlaced"].interlaced_frame
    assert pictures["full_range"].color_range == 2
    assert pictures["ten_bit"].format.name == "yuv420p10le"
    assert pictures["h264_422"].format.name == "yuv422p"


def test_display_matrices_turn_as_they_say(samples: dict[str, Sample]) -> None:
    """ISO 14496-12 8.3.2: (p, q) is shown at (a p + c q, b p + d q); rows count downwards."""
    expected = {90: (0.0, -1.0, 1.0, 0.0), 180: (-1.0, 0.0, 0.0, -1.0), 270: (0.0, 1.0, -1.0, 0.0)}
    for degrees, matrix in expected.items():
        assert matrix_of(samples[f"rotated_{degrees}"].path) == matrix


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    names = ["h264_bframes", "vfr", "av1", "vp9_altref", "hevc", "bits_mkv", "lost_transport", "many_streams"]

    def digests(folder: str, seed: int) -> dict[str, str]:
        built = build(select(names), seed=seed, cache=tmp_path / folder)
        return {s.case.name: hashlib.sha256(s.path.read_bytes()).hexdigest() for s in built}

    first = digests("a", 1)
    assert digests("b", 1) == first
    other = digests("c", 2)
    assert all(other[name] != first[name] for name in names)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux tells how a thread is scheduled")
def test_an_encoder_leaves_the_process_at_its_usual_priority(tmp_path: Path) -> None:
    build(select(["av1"]), cache=tmp_path)  # SVT-AV1 asks for real time where root runs it
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_cached_truth_is_the_truth(tmp_path: Path) -> None:
    case = select(["bits_mp4"])
    assert build(case, cache=tmp_path)[0].truth == build(case, cache=tmp_path)[0].truth
    assert not list(tmp_path.rglob(".making*"))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="no conformance case 'h266'"):
        select(["h266"])
    with pytest.raises(ConfigError, match="no reader 'vlc'"):
        chosen_readers(["vlc"])
    assert {case.name for case in select(["ts*"])} == {"ts", "ts_ten_hours", "ts_wrap"}


def test_packets_are_found_where_they_lie(tmp_path: Path) -> None:
    for kind in ("mp4", "mkv"):
        path = tmp_path / f"clip.{kind}"
        write_video(path, Recipe(container=kind))
        content = path.read_bytes()
        places = packet_places(path)
        assert len(places) == 48
        assert all(content[p.start : p.end] == p.data for p in places)


# --- the score --------------------------------------------------------------------------------------------------


class _Shifted(OpenCVSession):
    """A reader that gives the frame behind the one asked for, and says nothing."""

    def at_index(self, index: int) -> Seen | None:
        return super().at_index(index + 1)


class _Silent(OpenCVSession):
    """A reader that loses every second frame in sequence and raises for times."""

    def frames(self):  # type: ignore[no-untyped-def]
        yield from list(super().frames())[::2]

    def at_time(self, seconds: float) -> Seen | None:
        raise RuntimeError("no times here")


def test_wrong_missing_and_raising_readers_are_told_apart(samples: dict[str, Sample]) -> None:
    sample = samples["h264"]
    shifted = examine(Reader("shifted", "x", "cv2", _Shifted), sample, queries=10)
    assert shifted.modes["sequential"].clean
    # behind the last frame there is none: missing, not wrong
    assert shifted.modes["random"].wrong + shifted.modes["random"].missing == 10
    silent = examine(Reader("silent", "x", "cv2", _Silent), sample, queries=10)
    assert (silent.modes["sequential"].missing, silent.modes["sequential"].wrong) == (24, 23)
    assert silent.modes["time"].errors == 10
    assert silent.note == "RuntimeError: no times here"


def test_a_file_that_nobody_can_read_must_be_refused(samples: dict[str, Sample]) -> None:
    result = examine(READERS["opencv"], samples["no_index"])
    assert result.refused is not None
    assert result.total().clean


def test_readers_that_are_not_installed_are_named_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Reader("decord", "decord", "a_module_that_is_not_there", OpenCVSession)
    monkeypatch.setitem(READERS, "decord", gone)
    result = frames_benchmark(readers=["decord", "opencv"], cases=["h264"], cache=tmp_path)
    assert result["readers"]["decord"] == {"version": None, "not_run": "not installed"}
    assert list(result["cases"][0]["readers"]) == ["opencv"]
    assert result["readers"]["opencv"]["asked"] == 48 + 3 * 24


def test_opencv_fails_where_it_is_known_to(samples: dict[str, Sample]) -> None:
    """The naive loop goes wrong silently: that is why the suite exists (opencv/opencv#9053)."""
    assert examine(READERS["opencv"], samples["vfr"]).total().wrong > 0
    assert examine(READERS["opencv"], samples["bits_mp4"]).total().wrong > 0


# --- Onlooker ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_onlooker_gives_every_frame_right(samples: dict[str, Sample], name: str) -> None:
    result = examine(READERS["onlooker"], samples[name])
    faults = {mode: count for mode, count in result.modes.items() if not count.clean}
    assert not faults, (result.refused, result.note)


REAL = [
    "codec_av1.mkv",
    "codec_hevc.mp4",
    "odd_corrupted.mp4",
    "odd_irregular_pts_vtest.avi",
    "odd_rotated_90.mov",
    "odd_rotated_person.mp4",
    "odd_truncated.mp4",
    "odd_unordered.mov",
    "odd_vfr_people.mp4",
    "action_eye_makeup.avi",
    "sign_walk.mkv",
]


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_any_order_gives_the_same_pixels_on_real_clips(clips: Path, name: str) -> None:
    options = {"on_corrupt": "hold_last", "max_bad_ratio": 1.0}
    with Video(clips / name, **options) as video:
        length = min(len(video), 120)
        whole = video.read(range(length), size=96)
    with Video(clips / name, **options) as video:
        for index in np.random.default_rng(0).permutation(length)[:24]:
            one = video.read([int(index)], size=96)
            assert one.status[0] == whole.status[index], index
            assert np.array_equal(one.images[0], whole.images[index]), index
            assert one.times[0] == whole.times[index]
