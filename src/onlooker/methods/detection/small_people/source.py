"""Frames of the world as the trainer reads them: augmented squares with their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onlooker.data.world_detection import WorldFrames
from onlooker.methods.detection.small_people.accuracy import FrameScore, score_frame
from onlooker.methods.detection.small_people.augment import Picture, augment, plain
from onlooker.methods.detection.small_people.model import SmallPeople
from onlooker.methods.detection.small_people.targets import make_targets
from onlooker.weights.inputs import InputSpec

LEAST = 0.03  # scores from here on count in the average precision


class PeopleSource:
    """`WorldFrames` for training and measuring; the only class is "person".

    >>> source = PeopleSource(WorldFrames("train", scenes=1, per_scene=2, widths=(64,)))
    >>> sample = source.training_sample(0, 5, InputSpec(frames=1, short_side=64, crop=64))
    >>> sample["images"].shape, sample["heat"].shape
    (torch.Size([3, 64, 64]), torch.Size([1, 8, 8]))
    """

    classes = ("person",)

    def __init__(self, frames: WorldFrames) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def label(self, index: int) -> int:
        """The one class there is."""
        del index
        return 0

    def name(self, index: int) -> str:
        """The frame's seed and number."""
        return self._frames.name(index)

    def training_sample(self, index: int, draw: int, spec: InputSpec) -> dict[str, Tensor]:
        """An augmented square of `spec.crop` pixels: `images` uint8 (3, crop, crop) and `make_targets` of it."""
        rng = np.random.default_rng(draw)
        other = self._frames[int(rng.integers(len(self._frames)))]
        return _sample(augment(self._frames[index], other, spec.crop, rng))

    def truth(self, index: int) -> Picture:
        """A whole frame as rendered, with the people who count."""
        return plain(self._frames[index])

    def score(self, detector: SmallPeople, index: int) -> FrameScore:
        """How right a detector is on a whole frame."""
        picture = self.truth(index)
        found = detector.detect(picture.image, report=LEAST)
        people, ignore = picture.boxes.astype(np.float64), picture.ignore.astype(np.float64)
        return score_frame(index, found.boxes, found.scores, people, ignore)

    def random_clip(self, index: int, spec: InputSpec, draw: int) -> NDArray[np.uint8]:
        """One frame; detectors are trained on `training_sample`."""
        del spec, draw
        return self._frames[index].image[None]

    def clips(self, index: int, spec: InputSpec, count: int) -> list[NDArray[np.uint8]]:
        """One frame."""
        return [self.random_clip(index, spec, count)]


def _sample(picture: Picture) -> dict[str, Any]:
    made = make_targets(picture.boxes, picture.ignore, picture.image.shape[:2])
    images = torch.from_numpy(np.ascontiguousarray(picture.image.transpose(2, 0, 1)))
    return {"images": images, **{name: torch.from_numpy(value) for name, value in made.items()}}
