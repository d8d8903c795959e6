"""People walk around furniture: shortest ways, who is sent into it, and whole scenes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.world.routes import around_furniture, footprints, shortest_way
from onlooker.world.scenery import Prop, box, cylinder
from onlooker.world.script import Role, Script, Waypoint
from onlooker.world.world import World

TABLE = Prop("table", box((0, 0, 0.7), (2, 1, 0.05), (1, 1, 1)))
LAMP = Prop("lamp", box((5, 0, 2.5), (1, 1, 0.1), (1, 1, 1)))


def _path(*points: Waypoint, props: tuple[Prop, ...] = (TABLE,)) -> tuple[Waypoint, ...]:
    return around_furniture(Script("s", "", (Role(1, 1, points),)), props).roles[0].path


def test_a_prop_takes_up_the_floor_under_its_low_parts() -> None:
    bin_ = Prop("bin", cylinder((3, 1, 0), 0.5, 0.9, (1, 1, 1)))
    assert np.allclose(footprints([TABLE, LAMP, bin_]), [[-1, -0.5, 1, 0.5], [2.5, 0.5, 3.5, 1.5]])
    assert footprints([]).shape == (0, 4)


def test_a_way_with_nothing_in_it_stays() -> None:
    points = (Waypoint(0, -3, 2), Waypoint(5, 3, 2), Waypoint(6, 3, -2))
    assert _path(*points) == points
    assert _path(Waypoint(0, 4, 0), Waypoint(2, 6, 0), props=(LAMP,)) == (Waypoint(0, 4, 0), Waypoint(2, 6, 0))


def test_a_way_through_a_table_goes_round_its_corners_at_an_even_pace() -> None:
    path = _path(Waypoint(0, -3, 0.1), Waypoint(6, 3, 0.1))
    assert len(path) == 4
    assert path[0] == Waypoint(0, -3, 0.1)
    assert path[-1] == Waypoint(6, 3, 0.1)
    corners = np.array([(p.x, p.y) for p in path])
    assert np.allclose(corners[1:3], [[-1.3, 0.8], [1.3, 0.8]], atol=0.01)
    pace = np.linalg.norm(np.diff(corners, axis=0), axis=1) / np.diff([p.time for p in path])
    assert np.allclose(pace, pace[0])


def test_who_is_sent_into_a_table_stands_beside_it_and_who_lies_on_it_stays() -> None:
    (point,) = _path(Waypoint(0, 0.2, -0.3))
    assert (point.x, point.y) == pytest.approx((0.2, -0.8))
    lying = (Waypoint(0, 0, 0, z=0.7), Waypoint(3, 0.5, 0, z=0.7))
    assert _path(*lying) == lying
    pushed = (Waypoint(0, -2, 0), Waypoint(1, 2, 0, slide=True))
    assert _path(*pushed) == pushed


def test_who_stands_close_to_the_table_can_still_leave() -> None:
    path = _path(Waypoint(0, 0, -0.65), Waypoint(4, 0, 2))
    corners = np.array([(p.x, p.y) for p in path])
    assert len(path) == 4
    assert np.all((np.abs(corners[1:-1, 0]) > 1) & (np.abs(corners[1:-1, 1]) > 0.5))


_SIDE = st.floats(-4, 4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(_SIDE, _SIDE, st.floats(0.2, 2), st.floats(0.2, 2)), min_size=1, max_size=5), st.data())
def test_the_shortest_way_stays_outside_and_is_no_shorter_than_the_line(boxes, data) -> None:
    walls = np.array([[x, y, x + w, y + h] for x, y, w, h in boxes])
    start = np.array([-6.0, data.draw(_SIDE)])
    end = np.array([7.0, data.draw(_SIDE)])
    way = shortest_way(start, end, walls)
    assert np.array_equal(way[0], start)
    assert np.array_equal(way[-1], end)
    dense = np.concatenate([a + (b - a) * np.linspace(0, 1, 400)[:, None] for a, b in pairwise(way)])
    inside = (dense[:, None] > walls[:, :2] + 1e-6) & (dense[:, None] < walls[:, 2:] - 1e-6)
    assert not inside.all(-1).any()
    back = shortest_way(end, start, walls)
    lengths = [np.linalg.norm(np.diff(w, axis=0), axis=1).sum() for w in (way, back)]
    assert lengths[0] == pytest.approx(lengths[1])
    assert lengths[0] >= np.linalg.norm(end - start) - 1e-9


def test_no_way_around_leaves_the_straight_line() -> None:
    walls = np.array([[-1, -1, 1, 1.0]])
    assert np.array_equal(shortest_way(np.zeros(2), np.array([3.0, 0]), walls), [[0, 0], [3, 0]])  # from within


@pytest.mark.parametrize(("stage", "seed"), [("platform", 0), ("room", 1), ("shop", 3), ("street", 2), ("film_set", 1)])
def test_nobody_walks_through_furniture(stage: str, seed: int) -> None:
    world = World(stage=stage, people=6, seconds=30, seed=seed, size=(64, 64), rate=10)
    blocks = footprints(world.stage.props)
    inside = []
    for performer in world.scene.performers:
        place, floor = performer.place(world.times()), performer.floor(world.times())
        within = ((place[:, None] > blocks[:, :2]) & (place[:, None] < blocks[:, 2:])).all(-1).any(-1)
        inside.append(within & (floor < 0.1))
        assert performer.speed(world.times()).max() < 4.0
    assert np.mean(inside) < 0.005
