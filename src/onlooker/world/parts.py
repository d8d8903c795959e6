"""The solid parts that a dressed body is drawn with: tapered elliptical strands between points of the skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.world.body import Colour
from onlooker.world.geometry import Floats
from onlooker.world.pose import FRAME, JOINT, Skeleton

Offset = tuple[float, float, float]
Size = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Part:
    """A strand from one point to another.

    `start` and `end` are (joint, joint, share): a point between two joints. `size` at each end is half-width to the
    left and half-depth to the front in metres, measured in the named frame. `round` 1 closes the ends like a
    capsule, 0 like a disc. `bias` moves the part towards the viewer by that many metres when parts of one body are
    put in order.
    """

    name: str
    start: tuple[str, str, float]
    end: tuple[str, str, float]
    frame: str
    start_size: Size
    end_size: Size
    colour: Colour
    round: float = 1.0
    bias: float = 0.0
    start_offset: Offset = (0.0, 0.0, 0.0)
    end_offset: Offset = (0.0, 0.0, 0.0)
    pattern: str = "plain"
    pattern_colour: Colour = (0, 0, 0)
    end_frame: str = ""


class PartTable:
    """Parts as arrays, so that all of them are placed at once for every time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.names = tuple(part.name for part in parts)
        self.colours: tuple[Colour, ...] = tuple(part.colour for part in parts)
        self.bias = np.array([part.bias for part in parts])
        self.round = np.array([part.round for part in parts])
        self._ends = [self._end([p.start for p in parts], [p.start_offset for p in parts])]
        self._ends.append(self._end([p.end for p in parts], [p.end_offset for p in parts]))
        self.frames = np.array([[FRAME[p.frame], FRAME[p.end_frame or p.frame]] for p in parts]).T
        self.sizes = np.array([[p.start_size, p.end_size] for p in parts]).transpose(1, 0, 2)

    @staticmethod
    def _end(
        points: list[tuple[str, str, float]], offsets: list[Offset]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, Floats]:
        first = np.array([JOINT[a] for a, _, _ in points])
        second = np.array([JOINT[b] for _, b, _ in points])
        return first, second, np.array([share for _, _, share in points])[:, None], np.array(offsets)

    def place(self, skeleton: Skeleton) -> tuple[Floats, Floats]:
        """End points (2, time, part, 3) and the two in-frame axes left and front (2, time, part, 2, 3) of every
        part."""
        points, axes = [], []
        for (first, second, share, offset), frame in zip(self._ends, self.frames, strict=True):
            orientation = skeleton.frames[:, frame]
            point = skeleton.joints[:, first] * (1 - share) + skeleton.joints[:, second] * share
            points.append(point + np.einsum("tpij,pj->tpi", orientation, offset))
            axes.append(np.swapaxes(orientation[..., :, 1::-1], -1, -2))
        return np.stack(points), np.stack(axes)
