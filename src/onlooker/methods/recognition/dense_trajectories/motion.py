"""Frames to pairs of frames with the flow between them, as it is and without the camera's motion."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.camera import (
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

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class View:
    """One frame, prepared once: its grey levels, their expansions, and where people are."""

    index: int
    greys: list[Grey]
    expansions: list[Expansion]
    boxes: Boxes

    @property
    def mask(self) -> NDArray[np.uint8]:
        """255 where nobody is."""
        height, width = self.greys[0].shape
        return outside(self.boxes, width, height)


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


def view(index: int, grey: Grey, boxes: Boxes, sizes: tuple[Level, ...]) -> View:
    """Prepare a frame."""
    return View(index, grey_levels(grey, sizes), expand(grey, sizes), boxes)


def with_flow(views: Iterable[View], last: View) -> Iterator[tuple[View, View, list[Flow]]]:
    """Each view with the one before it and the flow between them; `last` comes before the first."""
    room = Room()
    for now in views:
        yield last, now, flows(last.expansions, now.expansions, room)
        last = now


class Compensation:
    """Takes the camera's motion out of flows. Keeps the keypoints of the last frame, which are of use once more."""

    def __init__(self, config: Config, sizes: tuple[Level, ...]) -> None:
        self._config, self._sizes = config, sizes
        self._known: tuple[int, Keypoints] | None = None
        self._room = Room()

    def pairs(self, moved: Iterable[tuple[View, View, list[Flow]]]) -> Iterator[Pair]:
        """The pairs of views with their flow and residual flow."""
        for before, after, flow in moved:
            matrix = self._matrix(before, after, flow[0]) if self._config.compensate else None
            residual = flow
            if matrix is not None:
                still = warp(after.greys[0], before.greys[0], matrix)
                residual = flows(before.expansions, expand(still, self._sizes), self._room)
            yield Pair(before, after, flow, residual, matrix)

    def _matrix(self, before: View, after: View, flow: Flow) -> Matrix | None:
        found = match(self._keypoints(before), self._keypoints(after))
        corners = moved_corners(before.greys[0], flow, after.mask)
        previous, current = (np.concatenate(both) for both in zip(found, corners, strict=True))
        return homography(previous, current)

    def _keypoints(self, frame: View) -> Keypoints:
        if self._known is None or self._known[0] != frame.index:
            self._known = (frame.index, keypoints(frame.greys[0], frame.mask, self._config.matcher))
        return self._known[1]


def ahead(items: Iterable[Item], depth: int = 3) -> Iterator[Item]:
    """The same items; while one is in use, up to `depth` more are made in a thread.

    OpenCV and NumPy run without the lock. More than one, because frames differ in how long each step of them takes.
    """
    end = object()
    source = iter(items)
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, source, end) for _ in range(depth))
        while (item := pending.popleft().result()) is not end:
            pending.append(pool.submit(next, source, end))
            yield item  # type: ignore[misc]
