"""Frames to pairs of frames with the flow between them, as it is and without the camera's motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.camera import (
    NOTHING,
    Boxes,
    Keypoints,
    Matrix,
    homography,
    keypoints,
    match,
    moved_corners,
    outside,
    warp,
)
from onlooker.methods.recognition.dense_trajectories.config import Config
from onlooker.methods.recognition.dense_trajectories.farneback import Expansion, Flow, Room, expand, flows
from onlooker.methods.recognition.dense_trajectories.pyramid import Grey, Level, grey_levels


@dataclass(frozen=True, slots=True)
class View:
    """One frame, prepared once: its grey levels, their expansions, where people are, and keypoints outside of them."""

    index: int
    greys: list[Grey]
    expansions: list[Expansion]
    boxes: Boxes
    keypoints: Keypoints

    @property
    def mask(self) -> NDArray[np.uint8] | None:
        """255 where nobody is; None where nobody is at all."""
        height, width = self.greys[0].shape
        return outside(self.boxes, width, height) if len(self.boxes) else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two frames in a row and the flow from the first to the second on every level.

    `residual` is the flow when the second frame is warped to the first one's camera; the flow itself where no camera
    motion was found or asked for. `matrix` takes pixels of the first frame to the second.
    """

    before: View
    after: View
    flow: list[Flow]
    residual: list[Flow]
    matrix: Matrix | None


class Motion:
    """Prepares frames, and finds what moved between two of them. Any number of threads may use one."""

    def __init__(self, config: Config, sizes: tuple[Level, ...]) -> None:
        self._config, self._sizes = config, sizes
        self._room = Room()

    def view(self, index: int, grey: Grey, boxes: Boxes) -> View:
        """Prepare a frame."""
        found = View(index, grey_levels(grey, self._sizes), expand(grey, self._sizes), boxes, NOTHING)
        if not self._config.compensate:
            return found
        return replace(found, keypoints=keypoints(grey, found.mask, self._config.matcher))

    def pair(self, before: View, after: View) -> Pair:
        """The flow between two frames, as it is and without the camera's motion."""
        flow = flows(before.expansions, after.expansions, self._room)
        matrix = self._matrix(before, after, flow[0]) if self._config.compensate else None
        if matrix is None:
            return Pair(before, after, flow, flow, None)
        still = warp(after.greys[0], before.greys[0], matrix)
        return Pair(before, after, flow, flows(before.expansions, expand(still, self._sizes), self._room), matrix)

    def _matrix(self, before: View, after: View, flow: Flow) -> Matrix | None:
        found = match(before.keypoints, after.keypoints)
        corners = moved_corners(before.greys[0], flow, after.mask)
        previous, current = (np.concatenate(both) for both in zip(found, corners, strict=True))
        return homography(previous, current)
