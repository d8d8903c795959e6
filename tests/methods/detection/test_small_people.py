"""The small people detector: data, targets, loss, network, and the weights that are shipped."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from onlooker.data.world_detection import WorldFrames
from onlooker.errors import ConfigError, IncompatibleCheckpoint
from onlooker.methods.detection.small_people import model as models
from onlooker.methods.detection.small_people.accuracy import average_precision, precision, recall, score_frame
from onlooker.methods.detection.small_people.augment import augment, plain
from onlooker.methods.detection.small_people.config import SPECS, Config
from onlooker.methods.detection.small_people.loss import detection_loss, giou
from onlooker.methods.detection.small_people.ship import QUICK, measure_on
from onlooker.methods.detection.small_people.shipped import CARD, WEIGHTS, load_shipped
from onlooker.methods.detection.small_people.source import PeopleSource
from onlooker.methods.detection.small_people.targets import make_targets
from onlooker.methods.loading import load
from onlooker.storage import sha256_of

NOBODY = np.zeros((0, 4))
TINY = Config(widths=(4, 4, 4, 4, 4), neck=4, size=64)


@pytest.fixture(scope="module")
def frames():
    return WorldFrames("train", 2, per_scene=2, widths=(96,), stages=("shop",))


@pytest.fixture(scope="module")
def frame(frames):
    return frames[1]


def test_frames_are_the_same_every_time_and_from_the_cache(frames, frame, tmp_path):
    cached = WorldFrames("train", 2, per_scene=2, widths=(96,), stages=("shop",), cache=tmp_path)
    for again in (frames[1], cached[1], cached[1]):
        for name in ("image", "who", "boxes", "visible"):
            assert np.array_equal(getattr(again, name), getattr(frame, name))
        assert again.name == frame.name or again.name == cached.name(1)


def test_boxes_hold_the_silhouettes(frame):
    height, width = frame.who.shape
    assert len(frame.boxes) == len(frame.visible) > 0
    for number, (x1, y1, x2, y2) in enumerate(frame.boxes, 1):
        rows, columns = np.nonzero(frame.who == number)
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        if len(rows):
            assert x1 - 1.5 <= columns.min()
            assert columns.max() + 1 <= x2 + 1.5
            assert y1 - 1.5 <= rows.min()
            assert rows.max() + 1 <= y2 + 1.5


def test_splits_share_no_scene():
    seeds = {
        split: {WorldFrames(split, 50, seed=seed).seed_of(i) for seed in (0, 1) for i in range(0, 300, 6)}
        for split in ("train", "val", "test")
    }
    assert not seeds["train"] & seeds["val"]
    assert not seeds["train"] & seeds["test"]
    assert not seeds["val"] & seeds["test"]


def test_unknown_splits_and_stages_are_refused():
    with pytest.raises(ConfigError, match="train, val, test"):
        WorldFrames("dev", 1)
    with pytest.raises(ConfigError, match="among"):
        WorldFrames("train", 1, stages=("moon",))
    with pytest.raises(ConfigError, match="at most 30"):
        WorldFrames("train", 1, per_scene=31)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_augmented_boxes_lie_in_the_picture_and_chance_is_the_seed(frame, seed):
    first, second = (augment(frame, frame, 64, np.random.default_rng(seed)) for _ in range(2))
    assert first.image.shape == (64, 64, 3)
    assert first.image.dtype == np.uint8
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.boxes, second.boxes)
    for boxes in (first.boxes, first.ignore):
        assert (boxes >= 0).all()
        assert (boxes <= 64).all()
    assert (first.boxes[:, 3] - first.boxes[:, 1] >= 14).all()


def test_people_who_are_hardly_seen_neither_count_nor_harm(frame):
    hidden = type(frame)(frame.image, frame.who, frame.boxes, np.full_like(frame.visible, 0.1), frame.name)
    picture = plain(hidden)
    assert len(picture.boxes) == 0
    assert len(picture.ignore) == len(frame.boxes)


boxes_in_picture = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(8, 60), st.integers(14, 120)), max_size=5
)


@settings(max_examples=40, deadline=None)
@given(boxes_in_picture)
def test_every_cell_that_learns_a_box_learns_one_of_the_boxes(found):
    boxes = np.array([(x, y, min(x + w, 128), min(y + h, 128)) for x, y, w, h in found], float).reshape(-1, 4)
    made = make_targets(boxes, NOBODY, (128, 128))
    rows, columns = np.nonzero(made["weight"])
    cells = made["sides"][:, rows, columns] * 8
    x, y = columns * 8 + 4, rows * 8 + 4
    learnt = np.stack([x - cells[0], y - cells[1], x + cells[2], y + cells[3]], 1)
    for box in learnt:
        assert np.abs(boxes - box).max(1).min() < 1e-3
    assert made["heat"].max(initial=0) <= 1
    if len(boxes):
        assert (made["heat"] == 1).any()


def test_ignored_boxes_silence_cells_but_not_those_of_others():
    made = make_targets(np.array([[40.0, 40, 72, 104]]), np.array([[32.0, 32, 128, 128]]), (128, 128))
    assert made["keep"][15, 15] == 0
    assert made["keep"][9, 7] == 1
    assert made["keep"][0, 0] == 1


def test_giou_of_equal_and_of_twice_as_large_boxes():
    one = torch.ones(1, 4, 1, 1)
    assert float(giou(one, one)) == pytest.approx(1.0)
    assert float(giou(one, 2 * one)) == pytest.approx(0.25)


def test_silenced_cells_cost_nothing():
    made = make_targets(NOBODY, np.array([[0.0, 0, 64, 64]]), (64, 64))
    batch = {name: torch.from_numpy(value)[None] for name, value in made.items()}
    loud = torch.full((1, 5, 8, 8), 9.0)
    assert float(detection_loss(loud, batch).total) == 0.0
    batch["keep"] = torch.ones(1, 8, 8)
    assert float(detection_loss(loud, batch).total) > 1


def test_a_tiny_network_learns_one_picture():
    torch.manual_seed(0)
    picture = torch.zeros(1, 3, 64, 64)
    picture[:, :, 16:48, 24:40] = 2.0
    made = make_targets(np.array([[24.0, 16, 40, 48]]), NOBODY, (64, 64))
    batch = {name: torch.from_numpy(value)[None] for name, value in made.items()}
    network = models.build(Config(widths=(4, 8, 8, 8, 8), depths=(0, 0, 0, 0), neck=8, size=64)).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.03)
    for _ in range(120):
        optimizer.zero_grad()
        loss = network.training_loss(network(picture), batch)
        loss.backward()
        optimizer.step()
    boxes, scores = models.read_outputs(network(picture).detach()[0], 1, 0.5, 5)
    assert len(boxes) == 1
    assert scores[0] > 0.5
    np.testing.assert_allclose(boxes[0], [24, 16, 40, 48], atol=3)


def test_the_fused_copy_gives_the_same_outputs():
    torch.manual_seed(0)
    network = models.build(TINY).train()
    with torch.no_grad():
        network(torch.randn(4, 3, 64, 64))
        network.eval()
        pictures = torch.randn(2, 3, 64, 96)
        torch.testing.assert_close(network.fused()(pictures), network(pictures), rtol=1e-4, atol=1e-4)
    assert any("norm" in name for name in network.state_dict())


def test_sizes_are_those_of_the_card():
    assert models.measure() == {"parameters": 394_613, "multiply_adds": pytest.approx(434.4e6, rel=1e-3)}


def test_configurations_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="five widths"):
        Config(widths=(4, 4, 4))
    with pytest.raises(ConfigError, match="steps of 32"):
        Config(size=100)


def test_accuracy_counts_each_person_once_and_spares_what_is_ignored():
    people = np.array([[0.0, 0, 10, 30], [50, 0, 60, 30]])
    boxes = np.array([[0.0, 0, 10, 30], [1, 0, 11, 30], [200, 0, 210, 30], [300, 0, 310, 30]])
    row = score_frame(0, boxes, np.array([0.9, 0.8, 0.7, 0.6]), people, np.array([[290.0, 0, 320, 40]]))
    assert row.right == (True, False, False)
    assert average_precision([row]) == pytest.approx(0.5)
    assert recall([row], 0.5) == (0.5, 2)
    assert precision([row], 0.85) == 1.0
    assert average_precision([]) == 0.0


def test_shipped_weights_are_those_of_their_card():
    card = json.loads(CARD.read_text())
    assert sha256_of(WEIGHTS) == card["sha256"]
    assert WEIGHTS.stat().st_size < 3_000_000
    _, digest = load_shipped()
    assert card["sha256"].startswith(digest)
    load("small_people", weights=WEIGHTS, commercial=True)


def test_shipped_weights_load_strictly():
    state = load_file(WEIGHTS)
    network = models.build(Config())
    from onlooker.weights.loading import load_weights

    load_weights(network, state)
    with pytest.raises(IncompatibleCheckpoint, match="missing"):
        load_weights(network, {k: v for k, v in state.items() if k != "head.bias"})
    with pytest.raises(IncompatibleCheckpoint, match="unexpected"):
        load_weights(network, {**state, "more": torch.zeros(1)})


def test_shipped_weights_give_the_recorded_accuracy():
    """On scenes of the test split; the last bits of a picture may differ between machines, the accuracy may not."""
    recorded = json.loads(CARD.read_text())["quick"]
    measured = measure_on(load_shipped()[0], QUICK)
    assert measured["people"] == recorded["people"] > 20
    assert measured["ap50"] == pytest.approx(recorded["ap50"], abs=0.02)


@pytest.mark.real
def test_one_photographed_person_is_found_and_nature_shows_nobody(clips):
    from onlooker.video import Video

    network, _ = load_shipped()
    found = network.detect(Video(clips / "action_ball_juggling_720p.mp4")[53].image, report=0.5)
    nature = [
        len(network.detect(Video(clips / "cuts_fades_nature.mp4")[k].image, report=0.5).boxes) for k in (100, 300)
    ]
    assert nature == [0, 0]
    assert len(found.boxes) <= 2


def test_the_source_reads_as_the_trainer_wants_it(frames):
    source = PeopleSource(frames)
    sample = source.training_sample(0, 3, SPECS["default"])
    assert {name: tuple(value.shape) for name, value in sample.items()} == {
        "images": (3, 256, 256),
        "heat": (1, 32, 32),
        "keep": (32, 32),
        "sides": (4, 32, 32),
        "weight": (32, 32),
    }
    assert source.classes == ("person",)
    assert len({source.name(i) for i in range(len(source))}) == len(source)
