"""People keep apart: nobody stands in or walks through somebody else, and nobody moves who has no need to."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from onlooker.world.crowd import keep_apart
from onlooker.world.script import Act, Role, Waypoint
from onlooker.world.world import World


def _walk(*points: tuple[float, float, float], acts: tuple[Act, ...] = ()) -> Role:
    return Role(1, 1, tuple(Waypoint(*point) for point in points), acts)


def _apart(first: Role, second: Role, seconds: float = 10.0) -> tuple[np.ndarray, list[np.ndarray]]:
    aside = keep_apart((first, second), seconds)
    times = np.arange(len(aside[0])) / 10
    paths = [
        np.stack(
            [np.interp(times, [p.time for p in role.path], [getattr(p, axis) for p in role.path]) for axis in "xy"], -1
        )
        for role in (first, second)
    ]
    delta = paths[1] + aside[1] - paths[0] - aside[0]
    return np.linalg.norm(delta, axis=1), aside


def test_with_room_nobody_steps_aside() -> None:
    _, aside = _apart(_walk((0, -3, 0), (10, 3, 0)), _walk((0, 3, 1), (10, -3, 1)))
    assert not np.concatenate(aside).any()


def test_two_who_meet_head_on_pass_side_by_side() -> None:
    distance, aside = _apart(_walk((0, -4, 0), (10, 4, 0)), _walk((0, 4, 0), (10, -4, 0)))
    assert distance.min() > 0.4
    for offset in aside:
        assert np.abs(offset[:, 0]).max() < 0.05  # across the way, not back and forth
        assert np.abs(offset[[0, -1]]).max() < 0.02
        assert np.abs(np.diff(offset, axis=0)).max() * 10 < 1.2  # metres per second
    assert np.allclose(aside[0], -aside[1], atol=1e-6)


def test_two_at_the_same_spot_stand_side_by_side() -> None:
    spot = _walk((0, 1, 1), (10, 1, 1))
    distance, _ = _apart(spot, spot)
    assert distance.min() > 0.45


def test_who_sits_stays() -> None:
    sitting = _walk((0, 0, 0), (10, 0, 0), acts=(Act("sit", -1, 12),))
    distance, aside = _apart(sitting, _walk((0, -4, 0), (10, 4, 0)))
    assert not aside[0].any()
    assert distance.min() > 0.4


@pytest.mark.parametrize(("stage", "seed"), [("street", 4), ("shop", 1), ("platform", 1), ("room", 0), ("film_set", 1)])
def test_scenes_have_nobody_inside_somebody_else(stage: str, seed: int) -> None:
    world = World(stage=stage, people=6, seconds=20, seed=seed, size=(64, 64), rate=10)
    places = [performer.place(world.times()) for performer in world.scene.performers]
    near = [np.linalg.norm(a - b, axis=1) < 0.4 for a, b in combinations(places, 2)]
    assert np.mean(near) < 0.01
    assert all(np.linalg.norm(a - b, axis=1).min() > 0.15 for a, b in combinations(places, 2))
