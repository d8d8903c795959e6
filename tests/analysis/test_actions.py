"""The stage that says what is done: a tiny model that really tells two actions apart, saved with its card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import onlooker as ol
from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Chunk, Pipeline
from onlooker.analysis.stage import Context, Inputs, Output, Stage
from onlooker.analysis.stages.actions import Actions
from onlooker.errors import ConfigError, UnsafeCheckpoint
from onlooker.records import FrameTracks
from onlooker.video import Video
from onlooker.video.writer import VideoWriter
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

torch.set_num_threads(1)
RATE = 10.0


def context_of(video: Path, weights: Path, **options: object) -> Context:
    values = Options.parse({"actions": str(weights), "actions_window": 2.0, "actions_step": 1.0, **options})
    return Context("v", 96, 72, None, 10.0, False, values, lambda: Video(video))


class Given(Stage):
    """Stands in for detector and tracker: a red person in a blue picture, from 1 s to 3 s."""

    name = "given"
    gives = ("tracks", "jumps")

    def run(self, inputs: Inputs, state: dict) -> tuple[Output, dict]:
        tracks = []
        for index in inputs.clip.indices.tolist():
            there = 10 <= index < 30
            box = np.array([[4 + index % 40, 16, 44 + index % 40, 56]], np.float32)[: int(there)]
            ids = np.array([7], np.int64)[: int(there)]
            tracks.append(FrameTracks(ids, box, np.ones(len(ids), np.float32), ("person",) * len(ids), ids > 0))
        return Output({"tracks": tracks, "jumps": frozenset()}), state


@pytest.fixture(scope="session")
def walker(tmp_path_factory: pytest.TempPathFactory, paint) -> Path:
    path = tmp_path_factory.mktemp("walker") / "walker.mp4"
    with VideoWriter(path, 96, 72, rate=10.0) as writer:
        for k in range(50):
            writer.write(paint(False, k, True if 10 <= k < 30 else None))
    return path


def tables_of(video: Path, weights: Path, sizes: list[int], *, killed_after: int | None = None) -> dict[str, list]:
    """The rows of the stage over chunks of these sizes, begun anew from the saved state after `killed_after` chunks."""
    context, rows, states = context_of(video, weights), {"actions": [], "segments": []}, None
    with Video(video) as opened:
        starts = np.cumsum([0, *sizes]).tolist()
        starts = [start for start in starts if start < len(opened)]
        for number, first in enumerate(starts):
            clip = opened.read(range(first, min(first + sizes[min(number, len(sizes) - 1)], len(opened))))
            if number in (0, killed_after):
                pipeline = Pipeline([Given(context), Actions(context)], states)
            last = number == len(starts) - 1
            (result,) = pipeline.run(iter([Chunk(clip, number == 0, last, checkpoint=True)]))
            states = result.states
            for name in rows:
                rows[name] += [row for part in result.tables.get(name, []) for row in part.to_pylist()]
    return rows


def test_a_person_and_the_picture_get_their_own_labels(walker: Path, colour_weights: Path) -> None:
    rows = tables_of(walker, colour_weights, [50])
    whole = [(row["label"], row["start"], row["end"]) for row in rows["segments"] if row["track_id"] is None]
    person = [(row["label"], row["start"], row["end"]) for row in rows["segments"] if row["track_id"] == 7]
    assert whole == [("blue", 0.0, 5.0)]
    ((label, start, end),) = person
    assert label == "red"
    assert start == pytest.approx(1.0, abs=0.5)
    assert end == pytest.approx(3.0, abs=0.5)
    boxes = [(row["x1"], row["x2"]) for row in rows["actions"] if row["track_id"] == 7]
    assert all(x2 - x1 == 40 for x1, x2 in boxes)
    assert {row["source"].partition("@")[0] for row in rows["actions"]} == {"timesformer/tiny"}


@pytest.mark.parametrize("sizes", [[7] * 8, [1] * 50, [20, 30]])
def test_neither_chunks_nor_a_kill_change_a_row(walker: Path, colour_weights: Path, sizes: list[int]) -> None:
    expected = tables_of(walker, colour_weights, [50])
    assert tables_of(walker, colour_weights, sizes) == expected
    assert tables_of(walker, colour_weights, sizes, killed_after=len(sizes) // 2) == expected


def test_what_is_seen_at_once_does_not_grow(walker: Path, colour_weights: Path) -> None:
    context = context_of(walker, colour_weights)
    stage = Actions(context)
    pipeline = Pipeline([Given(context), stage])
    with Video(walker) as opened:
        list(pipeline.run(Chunk(opened.read(range(k, k + 5)), k == 0, k == 45) for k in range(0, 50, 5)))
    assert len(stage._pictures) <= 4


def test_analyze_names_actions_in_tables_and_report(colours: Path, colour_weights: Path, tmp_path: Path) -> None:
    run = ol.analyze(
        colours, tmp_path, actions=str(colour_weights), actions_window=2.0, detector="none", annotate=False, report=True
    )
    segments = [row for row in run.segments.to_pylist() if row["source"].startswith("timesformer/tiny@")]
    assert [row["label"] for row in segments] == ["red", "blue"]
    assert segments[0]["end"] == pytest.approx(4.0, abs=0.6)
    assert run.manifest.bad_intervals == []
    assert len(run.manifest.weights["actions"]) == 64
    assert any(name.startswith("timesformer/tiny@") for name in run.manifest.licences)
    run.validate()
    page = (run.folder / "report.html").read_text()
    assert 'class="lane actions"' in page
    assert "red: 0:00 to 0:04" in page
    with pytest.raises(ConfigError, match="configuration"):
        ol.analyze(colours, tmp_path, actions=str(colour_weights), actions_window=1.0, detector="none", annotate=False)


def test_a_short_video_is_labelled_as_prediction_labels_it(colours: Path, colour_weights: Path, tmp_path: Path) -> None:
    run = ol.analyze(
        colours, tmp_path, actions=str(colour_weights), end=1.5, detector="none", annotate=False, report=False
    )
    (best,) = [row for row in run.actions.to_pylist() if row["score"] > 0.5]
    with Video(colours) as video:
        predicted = ol.load(str(colour_weights)).predict(video.clip(0.0, 1.5)).top(1)[0]
    assert best["label"] == predicted[0] == "red"
    assert best["score"] == pytest.approx(predicted[1], abs=0.1)


def test_a_method_without_weights_is_refused_before_any_work(
    colours: Path, colour_weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"timesformer/base is a method without weights.*--weights FILE"):
        ol.analyze(colours, tmp_path, actions="timesformer/base")
    with pytest.raises(ConfigError, match=r"no method 'timesfomer'.*timesformer"):
        ol.analyze(colours, tmp_path, actions="timesfomer")
    with pytest.raises(UnsafeCheckpoint, match="onlooker weights convert"):
        ol.analyze(colours, tmp_path, actions="model.pth")
    with pytest.raises(ConfigError, match="no weights there"):
        ol.analyze(colours, tmp_path, actions="absent.safetensors")
    with pytest.raises(ConfigError, match="name the method"):
        ol.analyze(colours, tmp_path, actions_weights=str(colour_weights))
    assert not list(tmp_path.iterdir())


def test_a_card_that_names_other_classes_is_refused(colour_weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from onlooker.methods.recognition.recogniser import open_recogniser
    from onlooker.weights.header import read_header

    card = Card.from_metadata(read_header(colour_weights).metadata, "x")
    assert card is not None
    path = tmp_path / "wrong.safetensors"
    save_weights(path, load_file(colour_weights), replace(card, labels=("red",)))
    with pytest.raises(ConfigError, match="names 1 classes, the model has 2"):
        open_recogniser(str(path))
