"""Subjects are followed from window to window: no frame twice, the same after a kill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

import onlooker as ol
from onlooker.analysis.options import Options
from onlooker.analysis.pipeline import Chunk, Pipeline
from onlooker.analysis.stage import Context, Inputs, Output, Stage
from onlooker.analysis.stages.actions import Actions
from onlooker.analysis.teaching import teach
from onlooker.analysis.trails import LASTS, Trails
from onlooker.methods.recognition.dense_trajectories import Config, Extractor
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
from onlooker.records import FrameTracks
from onlooker.records.snapshot import dump_state, load_state
from onlooker.video import Video
from onlooker.video.writer import VideoWriter

torch.set_num_threads(1)

CONFIG = Config(compensate=False, scales=1)
GROUND = np.random.default_rng(0).integers(0, 255, (40, 60), np.uint8).repeat(4, 0).repeat(4, 1)[..., None]
BOX = np.array([0, 0, 48, 40], np.float32)


def image_at(frame: int) -> np.ndarray:
    """A texture that goes by."""
    return np.roll(GROUND, (frame, 2 * frame), (0, 1))[:40, :48].repeat(3, -1)


class Drawn:
    """Draws, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.sides: set[float] = set()

    def __call__(self, subject: int, frames: Sequence[int], boxes: object, side: float) -> Iterator[np.ndarray]:
        self.sides.add(side)
        for frame in frames:
            self.asked.append(frame)
            yield image_at(frame)


def boxes_of(frames: range) -> dict[int, np.ndarray]:
    return dict.fromkeys(frames, BOX)


def alone(frames: range) -> Trajectories:
    extractor = Extractor(CONFIG)
    return extractor.step(np.stack([image_at(frame) for frame in frames]), extractor.init_state())[0]


def same(one: Trajectories, other: Trajectories) -> bool:
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(Trajectories))


def test_windows_share_what_was_followed_once() -> None:
    drawn, state = Drawn(), {}
    trails = Trails(CONFIG, 24, drawn)
    first = trails.window(state, 3, boxes_of(range(10, 34)), 60.0)
    assert same(first, alone(range(10, 34)))
    second = trails.window(state, 3, boxes_of(range(22, 46)), 60.0 * 1.1)
    assert drawn.asked == [*range(10, 46)]
    assert drawn.sides == {60.0}
    whole = alone(range(10, 46))
    assert same(second, whole.pick(np.flatnonzero(whole.frame >= 12)))
    assert len(second) > len(alone(range(22, 46))) > 20


def test_a_window_without_overlap_or_of_another_size_begins_anew() -> None:
    drawn, state = Drawn(), {}
    trails = Trails(CONFIG, 20, drawn)
    trails.window(state, 3, boxes_of(range(20)), 60.0)
    assert same(trails.window(state, 3, boxes_of(range(10, 30)), 75.0), alone(range(10, 30)))
    assert same(trails.window(state, 3, boxes_of(range(40, 60)), 75.0), alone(range(40, 60)))
    assert drawn.sides == {60.0, 75.0}
    trails.keep(state, [4])
    assert state == {}


def test_a_stream_does_not_last_for_ever() -> None:
    drawn, state = Drawn(), {}
    trails = Trails(CONFIG, 16, drawn)
    seen = []
    for start in range(0, 16 * LASTS + 16, 8):
        trails.window(state, 3, boxes_of(range(start, start + 16)), 60.0)
        seen.append(len(state[3]["frames"]))
    assert max(seen) == 16 * LASTS
    assert seen[seen.index(16 * LASTS) + 1] == 16


def test_what_is_remembered_is_enough_to_go_on_after_a_kill() -> None:
    windows = [boxes_of(range(start, start + 24)) for start in (0, 12, 24)]
    state, kept = {}, {}
    trails = Trails(CONFIG, 24, Drawn())
    for boxes in windows[:2]:
        trails.window(state, 3, boxes, 60.0)
    kept = load_state(dump_state(state))
    expected = trails.window(state, 3, windows[2], 62.0)
    again = Trails(CONFIG, 24, Drawn())
    assert same(again.window(kept, 3, windows[2], 62.0), expected)
    assert dump_state(kept) == dump_state(state)


def test_pictures_that_repeat_are_left_out() -> None:
    def halting(subject: int, frames: Sequence[int], boxes: object, side: float) -> Iterator[np.ndarray]:
        return (image_at(frame // 3) for frame in frames)

    trails, state = Trails(CONFIG, 60, halting), {}
    assert same(trails.window(state, 3, boxes_of(range(60)), 60.0), alone(range(20)))
    later = trails.window(state, 3, boxes_of(range(30, 90)), 60.0)
    whole = alone(range(30))
    assert same(later, whole.pick(np.flatnonzero(whole.frame >= 10)))


class Given(Stage):
    """Somebody from 1 s to 4 s, who grows."""

    name = "given"
    gives = ("tracks", "jumps")

    def run(self, inputs: Inputs, state: dict) -> tuple[Output, dict]:
        tracks = []
        for index in inputs.clip.indices.tolist():
            there = int(30 <= index < 120)
            box = np.array([[10, 10, 50, 50 + 40 * (index > 80)]], np.float32)[:there]
            ids = np.array([7], np.int64)[:there]
            tracks.append(FrameTracks(ids, box, np.ones(there, np.float32), ("person",) * there, ids > 0))
        return Output({"tracks": tracks, "jumps": frozenset()}), state


@pytest.fixture(scope="module")
def goes_by(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trails") / "goes_by.mp4"
    with VideoWriter(path, 96, 96, rate=30.0) as writer:
        for frame in range(150):
            writer.write(np.roll(GROUND, (frame, 2 * frame), (0, 1))[:96, :96].repeat(3, -1))
    return path


@pytest.fixture(scope="module")
def taught(goes_by: Path) -> Path:
    out = goes_by.parent / "mine.safetensors"
    settings = {"width": 64, "scales": 1, "compensate": False}
    teach({"going by": [str(goes_by)]}, out, settings=settings, copies=1, moments=1)
    return out


def rows_of(video: Path, weights: Path, size: int, *, killed_after: int | None = None) -> dict[str, list]:
    options = Options.parse({"actions": str(weights), "actions_window": 1.0, "actions_step": 0.25})
    context = Context("v", 96, 96, None, 30.0, False, options, lambda: Video(video))
    rows: dict[str, list] = {"actions": [], "segments": []}
    states = None
    with Video(video) as opened:
        starts = range(0, len(opened), size)
        for number, first in enumerate(starts):
            if number in (0, killed_after):
                pipeline = Pipeline([Given(context), Actions(context)], states)
            clip = opened.read(range(first, min(first + size, len(opened))))
            (result,) = pipeline.run(iter([Chunk(clip, number == 0, number == len(starts) - 1, checkpoint=True)]))
            states = load_state(dump_state(result.states))
            for name in rows:
                rows[name] += [row for part in result.tables.get(name, []) for row in part.to_pylist()]
    return rows


def test_neither_chunks_nor_a_kill_change_a_row(goes_by: Path, taught: Path) -> None:
    expected = rows_of(goes_by, taught, 150)
    assert {row["label"] for row in expected["segments"] if row["track_id"] is None} == {"going by"}
    assert {row["track_id"] for row in expected["actions"]} == {None, 7}
    assert rows_of(goes_by, taught, 40, killed_after=2) == expected


def test_scores_are_those_of_the_model_where_there_is_one_window(goes_by: Path, taught: Path, tmp_path: Path) -> None:
    model = ol.load(str(taught))
    end = model.spec.seconds
    run = ol.analyze(goes_by, tmp_path, actions=str(taught), end=end, detector="none", annotate=False, report=False)
    with Video(goes_by) as video:
        clip = video.clip(0.0, end, frames=model.spec.frames, size=model.spec.short_side)
    best, score = model.predict(clip).top(1)[0]
    (row,) = [row for row in run.actions.to_pylist() if row["label"] == best]
    assert row["score"] == pytest.approx(score, abs=0.02)
