"""Decoded pictures to displayed RGB images of one size."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from onlooker.errors import ConfigError
from onlooker.video.buffers import keep_memory
from onlooker.video.color import Converter
from onlooker.video.frames import Images
from onlooker.video.header import Header
from onlooker.video.limits import Limits
from onlooker.video.orientation import Orientation

Size = int | tuple[int, int] | None
"""None (as displayed), the short side in pixels, or (height, width)."""

_LARGE = 300_000
"""Pixels from which handing a picture to another thread costs less than it gains."""
_AHEAD = 3
"""Pictures that may wait for their conversion."""


class Pictures:
    """Images of one video: right colours, turned for display, all of the first frame's size."""

    def __init__(self, header: Header, limits: Limits, *, apply_rotation: bool) -> None:
        self._stored = header.stored_size
        self._orientation = header.orientation if apply_rotation else Orientation()
        self._name, self._limits = header.info.name, limits
        self._converter, self._lock = Converter(), threading.Lock()
        keep_memory()

    def rgb(self, picture: Any) -> Images:
        """uint8 RGB (height, width, 3) as displayed; a picture of another size is scaled to the first one's.

        None gives black: what stands in before the first picture that can be decoded.
        """
        if picture is None:
            return np.zeros((*self.shape(None), 3), np.uint8)
        with self._lock:
            image = self._converter.rgb(picture)
        if (picture.width, picture.height) != self._stored:
            image = _resized(image, self._stored[1], self._stored[0])
        return self._orientation.apply(image)

    def shape(self, size: Size) -> tuple[int, int]:
        """(height, width) of the images for a wanted `size`. Raises ConfigError, LimitExceeded."""
        width, height = self._orientation.size(*self._stored)
        if size is None:
            return height, width
        if isinstance(size, int):
            short = min(height, width)
            wanted = (max(1, round(height * size / short)), max(1, round(width * size / short)))
        else:
            wanted = (int(size[0]), int(size[1]))
        if size == 0 or min(wanted) < 1 or (isinstance(size, int) and size < 1):
            raise ConfigError(f"size is the short side or (height, width) in pixels, not {size!r}.")
        self._limits.check_picture(wanted[1], wanted[0], self._name)
        return wanted

    def place_all(self, jobs: Iterable[tuple[Any, Images]]) -> None:
        """Convert each picture into its place (height, width, 3); large ones while `jobs` decodes the next."""
        if self._stored[0] * self._stored[1] < _LARGE:
            for picture, out in jobs:
                self._place(picture, out)
            return
        with ThreadPoolExecutor(1, "onlooker-rgb") as worker:
            waiting: deque[Future[None]] = deque()
            for picture, out in jobs:
                waiting.append(worker.submit(self._place, picture, out))
                if len(waiting) > _AHEAD:
                    waiting.popleft().result()
            for job in waiting:
                job.result()

    def _place(self, picture: Any, out: Images) -> None:
        image = self.rgb(picture)
        if image.shape == out.shape:
            out[...] = image
        else:
            out[...] = _resized(image, out.shape[0], out.shape[1])


def _resized(image: Images, height: int, width: int) -> Images:
    """Area averages when shrinking, linear interpolation when growing."""
    shrinks = height * width < image.shape[0] * image.shape[1]
    resized: Images = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return resized
