"""Looks, and who gets an old id back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onlooker.methods.tracking import load_tracker, relink
from onlooker.methods.tracking.relink.appearance import dark
from onlooker.records.frames import Detections

CONFIG = relink.VARIANTS["default"]
PLACE = np.array([[500.0, 50, 100]])
NOBODY = np.zeros(0, np.int64)


def person(shirt, trousers, seed=0, light=1.0, size=(120, 48)):
    """A picture of a standing figure on grey."""
    rng = np.random.default_rng(seed)
    picture = np.full((*size, 3), 128, np.float64)
    rows, columns = size
    picture[: rows // 6, columns // 3 : -columns // 3] = (200, 160, 130)
    picture[rows // 6 : rows // 2, columns // 5 : -columns // 5] = shirt
    picture[rows // 2 :, columns // 4 : -columns // 4] = trousers
    return (picture * light + rng.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)


def look(picture):
    box = np.array([[0, 0, picture.shape[1], picture.shape[0]]], float)
    return relink.describe(picture, box)


def test_same_clothes_are_nearer_than_other_clothes_also_in_other_light_and_size():
    red = look(person((180, 30, 40), (30, 40, 90)))
    again = look(person((180, 30, 40), (30, 40, 90), seed=1, light=0.93, size=(150, 60)))
    green = look(person((40, 140, 60), (30, 40, 90), seed=2))
    assert relink.distance(red, red)[0, 0] == pytest.approx(0, abs=1e-6)
    assert relink.distance(red, again)[0, 0] < 0.5 * relink.distance(red, green)[0, 0]


def test_histograms_sum_to_one_and_a_missing_look_is_far():
    picture = person((180, 30, 40), (30, 40, 90))
    assert look(picture).sum() == pytest.approx(6 * 3, rel=1e-5)
    none = relink.describe(picture, np.array([[500.0, 500, 520, 560], [-30, -30, -5, -5]]))
    assert not none.any()
    assert relink.distance(none, look(picture)) == pytest.approx(1.0)


def _gallery(ids, looks, time=0.0):
    count = len(ids)
    return relink.remember(
        relink.empty_gallery(),
        np.array(ids),
        np.concatenate(looks),
        np.full(count, time),
        np.tile([[50.0, 50, 100]], (count, 1)),
        CONFIG,
    )


def _ask(gallery, looks, present=(), time=60.0):
    looks = np.concatenate(looks)
    places = np.tile([[500.0, 50, 100]], (len(looks), 1))
    return relink.return_ids(gallery, looks, places, time, np.array(present, np.int64), CONFIG).tolist()


RED, GREEN, BLACK = (
    look(person(shirt, (30, 40, 90), seed=i)) for i, shirt in enumerate([(180, 30, 40), (40, 140, 60), (20, 20, 20)])
)
RED_AGAIN = look(person((180, 30, 40), (30, 40, 90), seed=9))


def test_a_known_look_returns_a_stranger_does_not():
    gallery = _gallery([3, 7], [RED, GREEN])
    assert _ask(gallery, [RED_AGAIN, BLACK]) == [3, 0]


def test_an_id_is_given_once_and_not_while_its_owner_is_present():
    gallery = _gallery([3, 7], [RED, GREEN])
    assert sorted(_ask(gallery, [RED_AGAIN, RED])) == [0, 3]
    assert _ask(gallery, [RED_AGAIN], present=[3]) == [0]


def test_two_lookalikes_are_too_doubtful_to_return_either():
    gallery = _gallery([3, 7], [RED, RED_AGAIN])
    assert _ask(gallery, [look(person((180, 30, 40), (30, 40, 90), seed=5))]) == [0]


def test_the_gallery_is_bounded_and_ages():
    gallery = relink.empty_gallery()
    for who in range(1, 400):
        gallery = relink.remember(gallery, np.array([who]), RED, np.array([float(who)]), np.zeros((1, 3)), CONFIG)
    assert len(gallery["id"]) == CONFIG.people
    assert gallery["id"].min() == 400 - CONFIG.people
    for _ in range(10):
        gallery = relink.remember(gallery, np.array([399]), RED, np.array([400.0]), np.zeros((1, 3)), CONFIG)
    assert (gallery["id"] == 399).sum() == CONFIG.views
    assert len(relink.forget(gallery, 400 + CONFIG.memory + 1, CONFIG)["id"]) == 0
    assert len(relink.forget(gallery, 401, CONFIG)["id"]) == len(gallery["id"])


def _walk(tracker, state, figure, start, frames=15, y=60):
    """The ids while a figure walks through an empty picture."""
    ids = []
    for frame in range(frames):
        picture = np.full((300, 400, 3), 128, np.uint8)
        x = 40 + 8 * frame
        picture[y : y + figure.shape[0], x : x + figure.shape[1]] = figure
        box = np.array([[x, y, x + figure.shape[1], y + figure.shape[0]]], np.float32)
        seen = Detections(box, np.array([0.9], np.float32), ("person",))
        tracks, state = tracker.step(picture, start + frame / 10, seen, state)
        ids += tracks.ids.tolist()
    return set(ids), state


@pytest.mark.parametrize("cut", [False, True])
def test_someone_who_leaves_and_returns_keeps_the_id_and_a_stranger_gets_a_new_one(cut):
    tracker = load_tracker()
    state = tracker.init_state(400, 300)
    red, green = person((180, 30, 40), (30, 40, 90)), person((40, 140, 60), (90, 80, 60))
    first, state = _walk(tracker, state, red, 0.0)
    if cut:
        state = tracker.cut(state)
    for time in np.arange(2, 10, 0.1):
        _, state = tracker.step(np.full((300, 400, 3), 128, np.uint8), float(time), Detections(), state)
    other, state = _walk(tracker, state, green, 10.0)
    for time in np.arange(12, 20, 0.1):
        _, state = tracker.step(np.full((300, 400, 3), 128, np.uint8), float(time), Detections(), state)
    again, state = _walk(tracker, state, person((180, 30, 40), (30, 40, 90), seed=4), 20.0)
    assert (first, other, again) == ({1}, {2}, {1})


def test_black_clothes_must_match_closer_than_coloured_ones():
    black, night = look(person((18, 18, 20), (14, 14, 16))), look(person((26, 22, 22), (24, 22, 24), seed=4))
    assert dark(black)[0] > CONFIG.dark > dark(RED)[0]
    apart = relink.distance(black, night)[0, 0]
    nearer = replace(CONFIG, accept=apart + 0.01, accept_dark=apart - 0.01)
    assert relink.return_ids(_gallery([3], [black]), night, PLACE, 60.0, NOBODY, nearer).tolist() == [0]
    assert relink.return_ids(
        _gallery([3], [black]), night, PLACE, 60.0, NOBODY, replace(nearer, dark=1.1)
    ).tolist() == [3]


def test_who_comes_in_by_the_edge_gets_an_id_once_the_look_is_known():
    """Somebody walks out to the left and comes back: while only a strip is seen, there is no id to be wrong about."""
    tracker = load_tracker()
    state = tracker.init_state(200, 150)
    figure = person((180, 30, 40), (30, 40, 90), size=(120, 48))
    way = [*range(60, -60, -6), *[-60] * 40, *range(-48, 60, 2)]
    given = []
    for frame, left in enumerate(way):
        picture = np.full((150, 200, 3), 128, np.uint8)
        inside = slice(max(left, 0), max(left + 48, 0))
        boxes = np.zeros((0, 4), np.float32)
        if inside.stop - inside.start > 4:
            picture[20:140, inside] = figure[:, 48 - (inside.stop - inside.start) :]
            boxes = np.array([[inside.start, 20, inside.stop, 140]], np.float32)
        seen = Detections(boxes, np.full(len(boxes), 0.9, np.float32), ("person",) * len(boxes))
        tracks, state = tracker.step(picture, frame / 10, seen, state)
        given.append(tracks.ids[tracks.observed].tolist())
    assert given[8] == [1]
    assert given[-1] == [1]
    assert {number for ids in given for number in ids} == {1}


def test_a_plain_figure_looks_like_itself():
    picture = np.full((200, 100, 3), 90, np.uint8)
    look = relink.describe(picture, np.array([[10.0, 10, 60, 150]]))
    assert relink.distance(look, look)[0, 0] == pytest.approx(0, abs=1e-6)
