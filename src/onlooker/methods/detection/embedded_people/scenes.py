"""Short scenes of the world with their truth, on which the fused score is fitted and measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.dataset import SPLITS
from onlooker.world.seeds import child_seed, generator
from onlooker.world.stages import STAGES
from onlooker.world.world import World

RATE = 5.0  # as often as the detector looks
SEEN, GONE, SMALLEST = 0.3, 0.05, 14.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame with its time, the boxes to find and the boxes that neither count nor harm, (n, 4) xyxy."""

    image: NDArray[np.uint8]
    time: float
    people: NDArray[np.float64]
    ignore: NDArray[np.float64]


def make_scene(seed: int, number: int, split: str, seconds: float) -> World:
    """Scene `number` of a series: the stages in turn, cast, view, camera and light from the seed. The last digit of
    the scene's own seed tells the split, as in `data.world_detection`, so that no scene of training comes back."""
    own = child_seed(seed, "scenes", split, number) // 10 * 10 + SPLITS.index(split)
    rng = generator(own, "series")
    return World(
        stage=tuple(STAGES)[number % len(STAGES)],
        people=int(rng.integers(2, 8)),
        seconds=seconds,
        seed=own,
        size=(640, 360),
        rate=RATE,
        camera="shake" if rng.random() < 0.2 else "static",
        view=int(rng.integers(3)),
        light=None if rng.random() < 0.6 else ("day", "overcast", "evening")[int(rng.integers(3))],
    )


def moments(world: World) -> Iterator[Moment]:
    """Every frame of a scene."""
    width, height = world.size
    for image, truth in world.frames():
        people: list[NDArray[np.float64]] = []
        ignore: list[NDArray[np.float64]] = []
        for person in truth.people:
            if person.full_box is None or person.visible < GONE:
                continue
            box = np.clip(person.full_box, 0, [width, height, width, height])
            counts = person.visible >= SEEN and box[3] - box[1] >= SMALLEST
            (people if counts else ignore).append(box)
        boxes = (np.array(kind, float).reshape(-1, 4) for kind in (people, ignore))
        yield Moment(image, truth.time, *boxes)
