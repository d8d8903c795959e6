"""Actions taught from a few clips: told apart in changed copies, the unknown not forced into a known one."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import onlooker as ol
from onlooker.analysis.augment import Change, changes
from onlooker.analysis.extract import extract
from onlooker.analysis.search import search_like
from onlooker.analysis.teaching import read_examples, teach
from onlooker.errors import ConfigError
from onlooker.methods.recognition.recogniser import UNKNOWN
from onlooker.methods.recognition.taught import learn
from onlooker.video import Video
from onlooker.video.writer import VideoWriter


def write(path: Path, pictures: list[np.ndarray]) -> Path:
    with VideoWriter(path, 96, 72, rate=10.0) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


def pattern(kind: str, k: int) -> np.ndarray:
    """Red, blue, green or grey, with stripes of its own."""
    image = np.random.default_rng(5).integers(0, 60, (72, 96, 3), dtype=np.uint8)
    channel = {"red": 0, "green": 1, "blue": 2}.get(kind)
    if channel is None:
        image += 90
    else:
        image[..., channel] += 150
    image[(k % 6) * 10 : (k % 6) * 10 + 10] //= 2
    return image


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per action, two clips each; and one of something else."""
    folder = tmp_path_factory.mktemp("examples")
    for kind in ("red", "green", "blue"):
        (folder / kind).mkdir()
        for take in range(2):
            write(folder / kind / f"{take}.mp4", [pattern(kind, k + take) for k in range(20)])
    write(folder / "grey.mp4", [pattern("grey", k) for k in range(20)])
    return folder


@pytest.fixture(scope="module")
def taught(clips: Path, colour_weights: Path) -> Path:
    out = clips / "mine.safetensors"
    done = teach(read_examples([str(clips)]), out, backbone=str(colour_weights), copies=5, moments=1)
    assert done.actions == {"blue": 2, "green": 2, "red": 2}
    assert done.right > 0.9
    return out


def test_copies_in_other_speed_crop_light_and_noise_keep_their_action(clips: Path, taught: Path) -> None:
    model = ol.load(str(taught))
    assert model.labels == ("blue", "green", "red", UNKNOWN)
    right = []
    for kind in ("red", "green", "blue"):
        with Video(clips / kind / "0.mp4") as video:
            for change in changes(6, flip=True, seed=99):
                seconds = min(2.0 * change.speed, video.index.end)
                images = change.of_pictures(video.clip(0.0, seconds, frames=4, size=40).images)
                right.append(model.predict(images).top(1)[0][0] == kind)
    assert np.mean(right) >= 0.9


def test_what_is_none_of_them_is_unknown(clips: Path, taught: Path) -> None:
    label, score = ol.load(str(taught)).predict(clips / "grey.mp4").top(1)[0]
    assert label == UNKNOWN
    assert score > 0.5


def test_analyze_takes_the_file_and_says_nothing_of_the_unknown(clips: Path, taught: Path, tmp_path: Path) -> None:
    video = write(tmp_path / "both.mp4", [pattern("red" if k < 40 else "grey", k) for k in range(80)])
    run = ol.analyze(video, tmp_path, actions=str(taught), detector="none", annotate=False, report=False)
    rows = [row for row in run.segments.to_pylist() if row["source"].startswith("taught/")]
    assert {row["label"] for row in rows} == {"red"}
    assert max(row["end"] for row in rows) == pytest.approx(4.0, abs=0.6)
    assert "data that of the examples" in run.manifest.licences[rows[0]["source"]]


def test_search_finds_the_moment_that_looks_like_a_clip(clips: Path, colour_weights: Path, tmp_path: Path) -> None:
    kinds = ("grey", "red", "grey", "green")
    write(tmp_path / "long.mp4", [pattern(kinds[k // 30], k) for k in range(120)])
    write(tmp_path / "other.mp4", [pattern("blue", k) for k in range(40)])
    extract(str(colour_weights), [str(tmp_path)], tmp_path / "runs")
    best, *rest = search_like(str(clips / "red" / "1.mp4"), [tmp_path / "runs"], backbone=str(colour_weights))
    assert best.video == "long.mp4"
    assert 3.0 <= (best.start + best.end) / 2 <= 6.0
    assert [one.similarity for one in (best, *rest)] == sorted((one.similarity for one in (best, *rest)), reverse=True)
    spans = sorted((one.start, one.end) for one in (best, *rest) if one.video == "long.mp4")
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    assert (
        len(search_like(str(clips / "red" / "1.mp4"), [tmp_path / "runs"], backbone=str(colour_weights), most=1)) == 1
    )


def test_search_names_what_is_missing(clips: Path, taught: Path, colour_weights: Path, tmp_path: Path) -> None:
    example = str(clips / "red" / "0.mp4")
    with pytest.raises(ConfigError, match="no run folder in it; write them with: onlooker extract"):
        search_like(example, [tmp_path], backbone=str(colour_weights))
    extract(str(taught), [str(clips / "grey.mp4")], tmp_path)
    with pytest.raises(ConfigError, match=r"of timesformer/tiny@.*theirs are of taught/default@"):
        search_like(example, [tmp_path], backbone=str(colour_weights))


def test_the_command_line_teaches_and_reports(clips: Path, colour_weights: Path, tmp_path: Path, onlooker) -> None:
    pairs = [f"red={clips}/red/0.mp4", f"blue={clips}/blue/0.mp4", f"unknown={clips}/grey.mp4"]
    arguments = [tmp_path / "mine", *pairs, "--backbone", colour_weights, "--copies", "3", "--json"]
    done = onlooker("teach", *arguments)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["actions"] == {"blue": 1, "red": 1}
    assert said["strange"] is not None
    assert not [text for text in said["warnings"] if "fewer than three" in text]
    assert (tmp_path / "mine.safetensors").is_file()
    wrong = onlooker("teach", tmp_path / "x", "red=nowhere.mp4")
    assert wrong.returncode == 2
    assert "no such clip" in wrong.stderr


def test_examples_are_pairs_and_folders(clips: Path) -> None:
    given = read_examples([str(clips), f"wave={clips}/grey.mp4"])
    assert sorted(given) == ["blue", "green", "red", "wave"]
    assert [Path(clip).name for clip in given["red"]] == ["0.mp4", "1.mp4"]
    for wrong in (["wave"], ["wave="], [f"unknown={clips}/grey.mp4"], []):
        with pytest.raises(ConfigError):
            read_examples(wrong)


def test_a_lesson_is_right_about_vectors_whose_truth_is_known() -> None:
    """Three directions, examples that vary much along a fourth; strangers lie along a fifth."""
    rng = np.random.default_rng(0)
    axes = np.eye(40)
    known = {
        name: 4 * axes[at] + 3 * rng.normal(size=(12, 1)) * axes[10] + 0.2 * rng.normal(size=(12, 40))
        for at, name in enumerate(("a", "b", "c"))
    }
    lesson = learn(known)
    assert lesson.calibrated
    assert lesson.right == 1.0
    assert lesson.confused == ()
    import torch

    def answer(vector: np.ndarray) -> int:
        return int(lesson.head(torch.tensor(vector[None], dtype=torch.float32)).argmax())

    for at in range(3):
        assert answer(4 * axes[at] - 4 * axes[10]) == at
    assert answer(4 * axes[20] + 3 * axes[10]) == 3
    assert not learn({"a": known["a"]}).calibrated
    with_strangers = learn({"a": known["a"], "b": known["b"]}, strangers=4 * axes[20] + 0.2 * rng.normal(size=(9, 40)))
    assert with_strangers.calibrated
    with pytest.raises(ConfigError, match="a: no usable example"):
        learn({"a": np.full((2, 4), np.nan)})


def test_changes_are_what_they_say() -> None:
    images = np.random.default_rng(0).integers(0, 200, (3, 20, 30, 3), dtype=np.uint8)
    assert np.array_equal(Change().of_pictures(images), images)
    assert np.array_equal(Change(flip=True).of_pictures(images), images[:, :, ::-1])
    assert Change(crop=(0.5, 0.0, 1.0, 1.0)).of_pictures(images).shape == (3, 20, 15, 3)
    assert Change(gain=0.5).of_pictures(images).mean() == pytest.approx(images.mean() / 2, abs=1)
    grain = Change(noise=10.0, seed=3).of_pictures(images).astype(int) - images
    assert grain.std() == pytest.approx(10, abs=1.5)
    found = changes(7, flip=False, seed=1)
    assert found[0].is_none
    assert found == changes(7, flip=False, seed=1)
    assert not any(change.flip for change in found)
    assert min(change.speed for change in found) == pytest.approx(0.6)
    assert max(change.speed for change in found) == pytest.approx(1.7)


def test_clips_that_do_not_decode_whole_are_named(clips: Path, colour_weights: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    data = write(broken, [pattern("red", k) for k in range(60)]).read_bytes()
    noise = np.random.default_rng(0).bytes(len(data) // 4)
    broken.write_bytes(data[: len(data) // 2] + noise + data[len(data) // 2 + len(noise) :])
    done = teach({"red": [str(broken)], "blue": [str(clips / "blue" / "0.mp4")]}, tmp_path / "m.safetensors",
                 backbone=str(colour_weights), copies=2, moments=2)  # fmt: skip
    assert any(text.startswith("broken.mp4: ") and "do not decode" in text for text in done.warnings), done.warnings
    assert not [text for text in done.warnings if "0.mp4" in text]


def test_what_names_no_actions_is_refused_with_what_to_do(clips: Path, taught: Path, tmp_path: Path) -> None:
    video = clips / "grey.mp4"
    with pytest.raises(ConfigError, match=r"Did you mean mine\.safetensors\?"):
        ol.analyze(video, tmp_path, actions=str(taught.with_suffix("")))
    with pytest.raises(ConfigError, match="no weights there"):
        ol.analyze(video, tmp_path, actions=str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="knows no action by itself: teach it some"):
        ol.analyze(video, tmp_path, actions="dense_trajectories")
