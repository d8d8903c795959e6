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
    Points,
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

Matches = tuple[Points, Points]
"""Places in x and y that agree in two frames."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame: its grey levels, where people are, and keypoints outside of them and the levels' expansions where they
    were found."""

    index: int
    greys: list[Grey]
    boxes: Boxes
    keypoints: Keypoints | None = None
    expansions: list[Expansion] | None = None

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
        self.config, self.sizes = config, sizes
        self._room = Room()

    def view(self, index: int, grey: Grey, boxes: Boxes) -> View:
        """A frame, not prepared."""
        return View(index, grey_levels(grey, self.sizes), boxes)

    def prepare(self, view: View) -> View:
        """With all that is needed for the flow to it and from it."""
        return self.expand(self.look(view))

    def look(self, view: View) -> View:
        """With keypoints, unless they are there."""
        if view.keypoints is not None:
            return view
        compensate, matcher = self.config.compensate, self.config.matcher
        return replace(view, keypoints=keypoints(view.greys[0], view.mask, matcher) if compensate else NOTHING)

    def expand(self, view: View) -> View:
        """With expansions, unless they are there."""
        if view.expansions is not None:
            return view
        return replace(view, expansions=expand(view.greys[0], self.sizes))

    def match(self, before: View, after: View) -> Matches:
        """Where the keypoints of two frames, which were looked for, agree."""
        assert before.keypoints is not None
        assert after.keypoints is not None
        return match(before.keypoints, after.keypoints)

    def pair(self, before: View, after: View) -> Pair:
        """The flow between two frames, as it is and without the camera's motion; prepares what is not."""
        before, after = self.prepare(before), self.prepare(after)
        return self.flow(before, after, self.match(before, after))

    def flow(self, before: View, after: View, matches: Matches) -> Pair:
        """The same from keypoints that are matched already."""
        before, after = self.expand(before), self.expand(after)
        assert before.expansions is not None
        assert after.expansions is not None
        flow = flows(before.expansions, after.expansions, self._room)
        matrix = self._matrix(before, after, matches, flow[0]) if self.config.compensate else None
        if matrix is None:
            return Pair(before, after, flow, flow, None)
        still = expand(warp(after.greys[0], before.greys[0], matrix), self.sizes)
        return Pair(before, after, flow, flows(before.expansions, still, self._room), matrix)

    def _matrix(self, before: View, after: View, matches: Matches, flow: Flow) -> Matrix | None:
        corners = moved_corners(before.greys[0], flow, after.mask)
        previous, current = (np.concatenate(both) for both in zip(matches, corners, strict=True))
        return homography(previous, current)
