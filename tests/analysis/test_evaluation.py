"""How right a classifier is on a list: figures by hand, broken videos by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onlooker.analysis.evaluation import evaluate_recognition
from onlooker.errors import ConfigError
from onlooker.video.writer import VideoWriter


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, paint) -> Path:
    """Two red and two blue videos."""
    folder = tmp_path_factory.mktemp("videos")
    for name, red in (("r1", True), ("r2", True), ("b1", False), ("b2", False)):
        with VideoWriter(folder / f"{name}.mp4", 96, 72, rate=10.0) as writer:
            for k in range(30):
                writer.write(paint(red, k))
    return folder


def test_figures_classes_and_confusions_of_a_list_with_a_wrong_label(
    videos: Path, colour_weights: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "val.txt"
    listing.write_text("r1.mp4 red\nr2.mp4 red\nb1.mp4 blue\nb2.mp4 red\n")  # the last label is wrong
    found = evaluate_recognition(str(colour_weights), listing, root=videos, clips=2)
    assert found.videos == 4
    assert found.figures["top1"] == 0.75
    assert found.figures["top5"] == 1.0
    assert found.figures["mean_class"] == pytest.approx((1 + 2 / 3) / 2)
    assert [(one.label, one.videos, one.accuracy) for one in found.classes] == [
        ("blue", 1, 1.0),
        ("red", 3, pytest.approx(2 / 3)),
    ]
    assert found.confusions == (("red", "blue", 1),)
    assert found.broken == ()


def test_labels_by_number_mean_the_order_of_the_card_and_folders_their_names(
    videos: Path, colour_weights: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "val.txt"
    listing.write_text("r1.mp4 1\nb1.mp4 0\n")
    assert evaluate_recognition(str(colour_weights), listing, root=videos).figures["top1"] == 1.0
    for label, name in (("red", "r1"), ("blue", "b1")):
        (tmp_path / "set" / label).mkdir(parents=True)
        (tmp_path / "set" / label / f"{name}.mp4").symlink_to(videos / f"{name}.mp4")
    assert evaluate_recognition(str(colour_weights), tmp_path / "set").figures["top1"] == 1.0


def test_a_broken_video_is_named_and_counts_in_no_figure(
    videos: Path, colour_weights: Path, tmp_path: Path, onlooker
) -> None:
    (tmp_path / "torn.mp4").write_bytes((videos / "r1.mp4").read_bytes()[:300])
    listing = tmp_path / "val.txt"
    listing.write_text(f"{videos / 'r1.mp4'} red\ntorn.mp4 red\n{videos / 'b1.mp4'} blue\nlost.mp4 blue\n")
    done = onlooker("evaluate", "recognition", "--weights", colour_weights, "--data", listing, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said["videos"], said["top1"]) == (2, 1.0)
    assert [Path(one["video"]).name for one in said["broken"]] == ["torn.mp4", "lost.mp4"]
    assert all("val.txt:" in one["error"] or "lost.mp4" in one["error"] for one in said["broken"])
    assert [one["videos"] for one in said["per_class"]] == [1, 1]


def test_several_labels_are_scored_by_average_precision(
    videos: Path, colour_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onlooker.analysis import evaluation
    from onlooker.data.clips import VideoClips
    from onlooker.data.media import VideoFile
    from onlooker.data.samples import Listing, Sample

    samples = [Sample(VideoFile(videos / f"{n}.mp4"), labels, n) for n, labels in (("r1", (1,)), ("b1", (0, 1)))]
    source = VideoClips(Listing(tuple(samples), ("blue", "red"), multi_label=True))
    monkeypatch.setattr(evaluation, "_open", lambda *_: source)
    found = evaluate_recognition(str(colour_weights), videos)
    assert found.figures["mean_ap"] == pytest.approx(1.0)
    assert [(one.label, one.videos, one.accuracy) for one in found.classes] == [("blue", 1, None), ("red", 2, None)]


def test_classes_that_the_weights_do_not_know_are_refused(videos: Path, colour_weights: Path, tmp_path: Path) -> None:
    listing = tmp_path / "val.txt"
    listing.write_text("r1.mp4 crimson\n")
    with pytest.raises(ConfigError, match=r"know no class called crimson.*blue, red"):
        evaluate_recognition(str(colour_weights), listing, root=videos)
    listing.write_text("lost.mp4 red\n")
    with pytest.raises(ConfigError, match="none of its 1 videos can be read"):
        evaluate_recognition(str(colour_weights), listing)
    with pytest.raises(ConfigError, match="without weights"):
        evaluate_recognition("timesformer", listing)
