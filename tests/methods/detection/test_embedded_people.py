"""The parts of the embedded detector on made pictures, and the whole on real ones."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.methods.detection import load_detector
from onlooker.methods.detection.embedded_people import EmbeddedPeople, background, calibrate, fusion, size_prior
from onlooker.methods.detection.embedded_people.boxes import iou, merge_overlapping
from onlooker.methods.detection.embedded_people.cascades import Parts, body_from_face, load_cascade
from onlooker.methods.detection.embedded_people.hog import Hits
from onlooker.methods.detection.embedded_people.scenes import make_scene, moments
from onlooker.methods.detection.flow import move_boxes
from onlooker.records.snapshot import dump_state, load_state


def scene(frames=14, size=(180, 240)):
    """A figure of dark clothes walks over a rough bright ground."""
    rng = np.random.default_rng(0)
    ground = rng.integers(150, 200, (*size, 3), np.uint8)
    images = np.repeat(ground[None], frames, 0)
    for index, image in enumerate(images):
        x = 20 + 6 * index
        image[60:70, x + 8 : x + 18] = (200, 160, 130)
        image[70:105, x + 3 : x + 23] = (40, 30, 90)
        image[105:140, x + 5 : x + 12] = (30, 30, 30)
        image[105:140, x + 15 : x + 22] = (30, 30, 30)
    return images, np.arange(frames) / 10


def run(images, times, sizes, save=False):
    detector = load_detector("embedded")
    state = detector.init_state(images.shape[2], images.shape[1])
    found, start = [], 0
    for size in [*sizes, len(images)]:
        part = slice(start, start + size)
        if len(images[part]):
            results, state = detector.run(images[part], times[part], state)
            found += results
        if save:
            state = load_state(dump_state(state))
        start += size
    return found, state


WHOLE = None


@settings(deadline=None, max_examples=3)
@given(st.lists(st.integers(1, 6), max_size=6))
def test_result_does_not_depend_on_how_frames_are_split_or_the_state_is_saved(sizes):
    global WHOLE
    images, times = scene()
    WHOLE = WHOLE or run(images, times, [])
    found, state = run(images, times, sizes, save=True)
    for a, b in zip(WHOLE[0], found, strict=True):
        assert a.boxes.tobytes() == b.boxes.tobytes()
        assert a.scores.tobytes() == b.scores.tobytes()
    assert dump_state(state) == dump_state(WHOLE[1])


def test_scores_are_probabilities_boxes_lie_inside_and_labels_match():
    images, times = scene()
    for found in run(images, times, [])[0]:
        assert found.boxes.dtype == found.scores.dtype == np.float32
        assert found.labels == ("person",) * len(found)
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()


def test_source_says_embedded_and_low_accuracy():
    detector = EmbeddedPeople()
    assert re.fullmatch(r"embedded_people/default@[0-9a-f]{8}", detector.source)
    assert detector.accuracy == "embedded, low accuracy"
    with pytest.raises(ConfigError, match="choose from default"):
        EmbeddedPeople("huge")


def test_the_classic_variant_needs_no_weights():
    assert EmbeddedPeople("classic").source == "embedded_people/classic@none"


def test_none_finds_nobody():
    detector = load_detector("none")
    found, _ = detector.run(*scene(3), detector.init_state(240, 180))
    assert [len(f) for f in found] == [0, 0, 0]


def _watch(pictures, people=None, elapsed=0.2):
    config = background.BackgroundConfig()
    state = background.init_background()
    nobody = np.zeros(pictures[0].shape[:2], bool)
    for picture in pictures:
        mask, trust, state = background.step_background(
            picture, elapsed, nobody, nobody if people is None else people, state, config
        )
    return mask, trust, state


def test_what_moves_is_foreground_and_the_rest_is_not():
    images, _ = scene(40, (180, 320))
    mask, trust, _ = _watch(list(images))
    x = 20 + 6 * 39
    assert trust == 1.0
    assert mask[72:100, x + 4 : x + 22].mean() > 0.95
    assert mask[:, : x - 30].mean() < 0.02


def test_a_person_who_stands_still_fades_only_where_nobody_was_found():
    images, _ = scene(1)
    empty = images[0].copy()
    empty[55:145, 15:50] = 175
    pictures = [empty] * 40 + [images[0]] * 150
    people = np.zeros(empty.shape[:2], bool)
    people[55:145, 15:50] = True
    forgotten, _, _ = _watch(pictures)
    kept, _, _ = _watch(pictures, people)
    assert kept[75:100, 26:40].mean() > 0.95
    assert forgotten[75:100, 26:40].mean() < 0.05


def test_the_hole_left_by_somebody_who_goes_is_no_person():
    images, _ = scene(1)
    empty = np.full_like(images[0], 175)
    there = empty.copy()
    there[60:140, 25:43] = 40
    mask, _, _ = _watch([there] * 40 + [empty])
    assert mask.mean() < 0.001


def test_a_cut_starts_the_background_again():
    images, _ = scene(2)
    mask, trust, state = _watch([images[0]] * 30 + [255 - images[0]])
    assert trust == 0
    assert not mask.any()
    assert state["age"] == 0


def test_flow_moves_boxes_with_their_content():
    rng = np.random.default_rng(1)
    before = rng.integers(0, 60, (160, 200), np.uint8)
    patch = rng.integers(100, 255, (80, 30), np.uint8)
    after = before.copy()
    before[40:120, 50:80] = patch
    after[43:123, 55:85] = patch
    moved, quality = move_boxes(before, after, np.array([[50.0, 40, 80, 120]]))
    np.testing.assert_allclose(moved, [[55, 43, 85, 123]], atol=0.3)
    assert quality[0] > 0.9


def test_size_prior_learns_the_line_and_refuses_disorder():
    rng = np.random.default_rng(0)
    bottoms = rng.uniform(100, 300, 200)
    sums = size_prior.observe(size_prior.init_prior(), bottoms, 0.2 * bottoms + 10, np.ones(200), 1.0)
    slope, offset = size_prior.line(sums, 360)
    np.testing.assert_allclose(slope * bottoms + offset, 0.2 * bottoms + 10, atol=1.0)
    wild = size_prior.observe(size_prior.init_prior(), bottoms, rng.uniform(10, 200, 200), np.ones(200), 1.0)
    assert np.isnan(size_prior.line(wild, 360)).all()
    assert np.isnan(size_prior.line(size_prior.init_prior(), 360)).all()


def test_windows_around_one_person_become_one_box():
    boxes = np.array([[10.0, 10, 40, 90], [12, 11, 42, 92], [200, 10, 230, 90]])
    merged, margins, support = fusion.cluster(Hits(boxes, np.array([0.5, 1.5, 0.2])))
    assert margins.tolist() == [1.5, 0.2]
    assert support.tolist() == [2, 1]
    assert iou(merged[:1], boxes[1:2])[0, 0] > 0.8


@pytest.mark.parametrize(("bottom", "expected"), [(120.0, [75, 10, 160, 200]), (170.0, [80, 10, 160, 170])])
def test_a_box_that_ends_at_the_waist_is_drawn_down_to_where_its_face_asks_for(bottom, expected):
    """The face is 30 wide; its body would be 240 tall and is cut by the picture at 200."""
    box = np.array([[80.0, 10, 160, bottom]])
    face = Parts(np.array([[100.0, 15, 130, 45]]), np.array([3.0]))
    body = body_from_face(face.boxes, 300, 200)
    nothing = Parts(np.zeros((0, 4)), np.zeros(0))
    none = np.zeros((0, 4))
    hits = Hits(none, np.zeros(0))
    found = fusion.gather(hits, face, body, nothing, none, none, box, np.array([0.6]))
    assert found.boxes.round().tolist() == [expected]
    assert (found.faces[0], found.net[0]) == (3.0, 0.6)


def test_the_network_tightens_the_windows_that_it_meets_and_adds_who_they_missed():
    hits = Hits(np.array([[10.0, 10, 50, 90]]), np.array([1.0]))
    boxes, scores = np.array([[14.0, 14, 46, 86], [200, 10, 230, 90]]), np.array([0.3, 0.8])
    nothing = Parts(np.zeros((0, 4)), np.zeros(0))
    found = fusion.gather(hits, nothing, np.zeros((0, 4)), nothing, np.zeros((0, 4)), np.zeros((0, 4)), boxes, scores)
    np.testing.assert_allclose(found.boxes, [[11.2, 11.2, 48.8, 88.8], [200, 10, 230, 90]])
    assert found.net.tolist() == [0.3, 0.8]
    assert np.isnan(found.margins).tolist() == [False, True]
    outline = np.array([[10.0, 10, 50, 110]])
    drawn = fusion.fit_to_motion(found, outline)
    np.testing.assert_allclose(drawn.boxes[0, 3], 88.8 + 0.35 * (110 - 88.8))


def test_suppression_drops_doubles_pieces_and_boxes_around_two_people():
    boxes = np.array([[0.0, 0, 30, 80], [3, 2, 33, 82], [8, 10, 18, 40], [50, 0, 80, 80], [0, 0, 85, 100]])
    kept = fusion.suppress(boxes, np.array([0.9, 0.8, 0.7, 0.85, 0.6]))
    assert kept.tolist() == [0, 3]


def test_sizes_that_cannot_be_are_refused_only_where_the_scene_is_known():
    boxes = np.array([[10.0, 50, 30, 100], [10, 80, 20, 100], [10, 10, 90, 190], [10, 170, 20, 200]])
    mask = np.zeros((200, 200), np.uint8)

    def scene_with(slope, trust):
        return fusion.Scene(mask, 1.0, trust, np.zeros((0, 4)), 200, 200, slope, 0.0)

    assert fusion.impossible(boxes, scene_with(0.55, 1.0)).tolist() == [False, True, False, False]
    assert fusion.impossible(boxes, scene_with(0.3, 1.0)).tolist() == [False, False, True, False]
    assert not fusion.impossible(boxes, scene_with(0.55, 0.0)).any()
    assert not fusion.impossible(boxes, scene_with(float("nan"), 1.0)).any()


def test_merged_regions_do_not_touch():
    merged = merge_overlapping(np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [5, 0, 25, 10], [50, 50, 60, 60]]))
    assert sorted(merged.tolist()) == [[0, 0, 30, 10], [50, 50, 60, 60]]


def test_body_from_face_stays_in_the_picture():
    body = body_from_face(np.array([[300.0, 60, 360, 120]]), 640, 480)
    assert body.tolist() == [[240, 39, 420, 480]]
    assert not load_cascade("frontalface_default").empty()


def test_scenes_are_the_same_every_time_and_share_no_seed_between_splits():
    first, again = (make_scene(0, 3, "test", 1.0) for _ in range(2))
    assert first.configuration == again.configuration
    assert [make_scene(0, n, "val", 1.0).seed % 10 for n in range(3)] == [1, 1, 1]
    assert first.seed % 10 == 2
    one, other = next(moments(first)), next(moments(again))
    assert np.array_equal(one.image, other.image)
    assert one.people.tolist() == other.people.tolist()


def test_fit_separates_what_can_be_separated():
    rng = np.random.default_rng(0)
    features = np.concatenate([np.ones((200, 1)), rng.normal(0, 1, (200, 2))], 1)
    truth = (features[:, 1] - 0.5 > 0).astype(float)
    weights = calibrate.fit([("a", features[:100], truth[:100]), ("b", features[100:], truth[100:])])
    assert ((features @ weights > 0) == (truth > 0)).mean() > 0.95
    assert weights[1] > 5 * abs(weights[2])


def test_measure_counts_each_person_once():
    people = np.array([[0.0, 0, 10, 30], [50, 0, 60, 30]])
    found = np.array([[0.0, 0, 10, 30], [1, 0, 11, 30], [200, 0, 210, 30], [300, 0, 310, 30]])
    example = calibrate.Example(
        "a", "test", np.zeros((0, 1)), found, found, np.full(4, 0.9), people, np.array([[290.0, 0, 320, 40]])
    )
    figures = calibrate.measure([example])
    assert (figures["precision"], figures["recall"], figures["people"]) == (0.333, 0.5, 2)


def test_labels_are_boxes():
    for entry in json.loads(calibrate.LABELS.read_text())["clips"].values():
        for truth in entry["frames"].values():
            boxes = np.array(truth["people"] + truth.get("ignore", []), float).reshape(-1, 4)
            assert (boxes[:, 2:] > boxes[:, :2]).all()


def _detect(path, limit):
    from onlooker.video import Video

    detector, state, found = load_detector("embedded"), None, []
    for frame in Video(path):
        state = state or detector.init_state(frame.image.shape[1], frame.image.shape[0])
        results, state = detector.run(frame.image[None], np.array([frame.time]), state)
        found += results
        if len(found) == limit:
            break
    return found


@pytest.mark.real
@pytest.mark.slow
def test_people_are_found_in_the_street_scene(clips):
    labels = json.loads(calibrate.LABELS.read_text())["clips"]["pedestrians_vtest.mp4"]["frames"]
    found = _detect(clips / "pedestrians_vtest.mp4", 231)
    right = people = 0
    for frame in (40, 130, 230):
        truth = np.array(labels[str(frame)]["people"], float)
        good = found[frame].boxes[found[frame].scores > 0.5].astype(float)
        right += int((iou(truth, good).max(1, initial=0) > 0.5).sum())
        people += len(truth)
    assert right >= 0.7 * people


@pytest.mark.real
@pytest.mark.slow
def test_nature_shows_almost_nobody(clips):
    found = _detect(clips / "cuts_fades_nature.mp4", 720)
    assert np.mean([(f.scores > 0.5).any() for f in found]) < 0.05


@pytest.mark.real
def test_a_signing_person_is_found_by_the_face(clips):
    found = _detect(clips / "sign_eat.mkv", 47)
    truth = np.array([[200.0, 72, 426, 480]])
    hits = [iou(truth, f.boxes[f.scores > 0.5].astype(float)).max(initial=0) > 0.5 for f in found]
    assert np.mean(hits) > 0.7
