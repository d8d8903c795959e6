"""Boxes are the extent of masks, ids are unique, hands hold what the truth says they hold."""

from __future__ import annotations

import numpy as np
import pytest

from onlooker.records.schemas import SCHEMAS
from onlooker.world import World
from onlooker.world.export import normalised_silhouette, run_lengths
from onlooker.world.pose import JOINT
from onlooker.world.things import KINDS
from onlooker.world.truth import mask_box

STAGES = ("street", "shop", "platform", "room", "film_set")


@pytest.fixture(scope="module", params=STAGES)
def world(request: pytest.FixtureRequest) -> World:
    return World(stage=request.param, people=4, seconds=12, seed=21, size=(240, 136), rate=4)


@pytest.fixture(scope="module")
def frames(world: World) -> list:
    return list(world.frames())


def test_boxes_are_the_extent_of_masks(frames: list) -> None:
    for image, truth in frames:
        assert image.dtype == np.uint8
        assert image.shape == (*truth.instances.shape, 3)
        for item in (*truth.people, *truth.things):
            extent = item.extent
            mask = truth.mask(extent.instance)
            assert extent.visible_box == mask_box(mask)
            assert 0 <= extent.visible <= 1
            if extent.visible_box is None:
                assert extent.visible == 0
                continue
            x1, y1, x2, y2 = extent.full_box
            a1, b1, a2, b2 = extent.visible_box
            assert a1 >= x1 - 1.5
            assert b1 >= y1 - 1.5
            assert a2 <= x2 + 1.5
            assert b2 <= y2 + 1.5


def test_silhouettes_contain_what_is_seen(frames: list) -> None:
    for _, truth in frames[::5]:
        for person in truth.people:
            whole = truth.silhouette(person.track_id)
            seen = truth.mask(person.extent.instance)
            assert not (seen & ~whole).any()
            if person.visible == 1:
                assert np.array_equal(seen, whole)


def test_instances_are_unique_and_known(world: World, frames: list) -> None:
    for _, truth in frames:
        instances = [item.extent.instance for item in (*truth.people, *truth.things)]
        assert len(set(instances)) == len(instances)
        assert sorted(truth.order) == sorted(instances)
        assert len({person.track_id for person in truth.people}) == len(world.scene.performers)
        assert len({person.identity for person in truth.people}) == len(world.scene.performers)
        props = {501 + index for index, prop in enumerate(world.stage.props) if prop.label}
        assert set(np.unique(truth.instances).tolist()) <= {0, *instances, *props}


def test_order_is_by_depth(frames: list) -> None:
    for _, truth in frames[::5]:
        distance = {item.extent.instance: item.extent.distance for item in (*truth.people, *truth.things)}
        assert [distance[i] for i in truth.order] == sorted(distance.values())


def test_the_nearer_hides_the_farther() -> None:
    """Where two whole silhouettes overlap well apart in depth, the pixel belongs to the nearer one."""
    world = World(stage="street", people=6, seconds=20, seed=2, size=(320, 180), rate=2)
    met = 0
    for _, truth in world.frames():
        people = sorted(truth.people, key=lambda person: person.extent.distance)
        for number, near in enumerate(people):
            for far in people[number + 1 :]:
                if far.extent.distance - near.extent.distance < 1.2:
                    continue
                both = truth.silhouette(near.track_id) & truth.silhouette(far.track_id)
                assert not (truth.mask(far.extent.instance) & both).any()
                met += int(both.any())
    assert met > 3


def test_held_things_are_in_the_hand(world: World, frames: list) -> None:
    for _, truth in frames:
        people = {person.track_id: person for person in truth.people}
        for thing in truth.things:
            if thing.holder is None or thing.opened is not None:
                continue
            kind = KINDS[thing.kind]
            grip = np.array(thing.place) + np.array([0, 0, kind.grip])
            hands = people[thing.holder].joints_3d[[JOINT["l_hand"], JOINT["r_hand"]]]
            goal = hands.mean(0) if kind.wide else hands[np.linalg.norm(hands - grip, axis=1).argmin()]
            assert np.allclose(goal, grip, atol=1e-9)
            assert any(r.predicate == "holds" and r.other == thing.name for r in truth.relations)


@pytest.mark.parametrize("stage", ["shop", "platform", "room", "film_set"])
def test_things_do_not_jump(stage: str) -> None:
    """The hand is at the thing when it takes it: nothing moves faster than an arm does."""
    scene = World(stage=stage, people=3, seconds=25, seed=13, size=(64, 64), rate=20).scene
    times = np.arange(500) / 20
    skeletons = [performer.skeleton(times)[0] for performer in scene.performers]
    assert scene.events
    for track in scene.tracks:
        place, _ = track.bottom(times, lambda role: skeletons[role])
        steps = np.linalg.norm(np.diff(place, axis=0), axis=1)
        assert steps.max() < 0.45, track.thing.name


def test_tables_have_the_schemas_and_join(world: World) -> None:
    tables = world.truth_tables("clip.mp4")
    assert {"tracks", "detections", "actions", "segments", "identities", "events", "shots", "captions"} == set(tables)
    for name, table in tables.items():
        assert table.schema == SCHEMAS[name]
        assert set(table["video"].to_pylist()) <= {"clip.mp4"}
    tracks = tables["tracks"].to_pylist()
    assert tracks
    assert {row["track_id"] for row in tracks} <= {row["track_id"] for row in tables["identities"].to_pylist()}
    width, height = world.size
    for row in tracks:
        assert 0 <= row["x1"] < row["x2"] <= width
        assert 0 <= row["y1"] < row["y2"] <= height
    for row in tables["segments"].to_pylist():
        assert 0 <= row["start"] < row["end"] <= world.seconds + 1e-9
    assert len({row["event_id"] for row in tables["events"].to_pylist()}) == tables["events"].num_rows


def test_faces_have_landmarks_on_the_head(frames: list) -> None:
    checked = 0
    for _, truth in frames:
        for person in truth.people:
            box = person.face_box
            head = person.joints[JOINT["head"]]
            if box is not None and head[2] > 0.5:
                size = person.joints[JOINT["head_top"], :2] - head[:2]
                reach = 3.0 * np.hypot(*size) + 3
                assert np.hypot((box[0] + box[2]) / 2 - head[0], (box[1] + box[3]) / 2 - head[1]) < reach
                checked += 1
    assert checked


def test_clothes_change_while_the_identity_stays() -> None:
    settings = {"stage": "street", "people": 1, "seconds": 2, "seed": 3, "size": (160, 90), "rate": 4}
    one, other = World(**settings, outfits=[1]), World(**settings, outfits=[2])
    first, second = one.scene.performers[0], other.scene.performers[0]
    assert first.body == second.body
    assert first.outfit != second.outfit
    for (_, a), (_, b) in zip(one.frames(), other.frames(), strict=True):
        assert np.array_equal(a.people[0].joints_3d, b.people[0].joints_3d)


def test_run_lengths_say_the_mask() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((7, 5)) < 0.5
        runs = run_lengths(mask)
        values = np.concatenate([np.full(length, number % 2, bool) for number, length in enumerate(runs)])
        assert np.array_equal(values.reshape(5, 7).T, mask)


def test_normalised_silhouettes_fill_the_height() -> None:
    mask = np.zeros((40, 60), bool)
    mask[5:35, 50:58] = True
    picture = normalised_silhouette(mask, 64)
    assert picture.shape == (64, 64)
    assert picture.max(1).min() == 255
    columns = np.flatnonzero(picture.max(0))
    assert abs(columns.mean() - 31.5) <= 1


def test_hat_brims_belong_to_the_box() -> None:
    world = World(stage="room", people=4, seconds=12, seed=23, size=(240, 136), rate=4)
    for index in (14, 17, 29):
        for person in world.frame(index)[1].people:
            if person.extent.visible_box is not None:
                assert person.extent.visible_box[2] <= person.extent.full_box[2] + 1.5
