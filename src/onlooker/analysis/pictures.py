"""The frames that sliding windows still ask for, small, and the squares that are cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.video import Video

READ_AT_ONCE = 64  # frames

Image = NDArray[np.uint8]


class Pictures:
    """Frames of a video that is `width` displayed pixels wide, with a short side of at most `side`."""

    def __init__(self, open_video: Callable[[], Video], width: int, side: int) -> None:
        self._open, self._width, self._side = open_video, width, side
        self._kept: dict[int, Image] = {}
        self._shown: tuple[int, Image] | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def show(self, index: int, image: Image) -> None:
        """This frame is on screen now."""
        self._shown = index, image

    def rest(self) -> None:
        """Let go of the chunk that the frame on screen may be a view of."""
        if self._shown is not None:
            self._shown = self._shown[0], self._shown[1].copy()

    def keep(self, needed: set[int]) -> None:
        """Forget all but these; the one on screen is put with them where it is one."""
        if self._shown is not None and self._shown[0] in needed:
            self.at(self._shown[0])
        self._kept = {index: image for index, image in self._kept.items() if index in needed}

    def at(self, index: int) -> Image:
        """A frame at the size it is kept at."""
        if index not in self._kept:
            (self._kept[index],) = self.several([index])
        return self._kept[index]

    def several(self, indices: Sequence[int]) -> Iterator[Image]:
        """Frames in order of time; those that were seen before this process began are read again, a few at a time."""
        for first in range(0, len(indices), READ_AT_ONCE):
            some = indices[first : first + READ_AT_ONCE]
            again = self._read(sorted({index for index in some if self._known(index) is None}))
            for index in some:
                known = self._known(index)
                yield again[index] if known is None else known

    def _known(self, index: int) -> Image | None:
        if index not in self._kept and self._shown is not None and self._shown[0] == index:
            return shrink(self._shown[1], self._side)
        return self._kept.get(index)

    def _read(self, indices: Sequence[int]) -> dict[int, Image]:
        if not indices:
            return {}
        with self._open() as video:
            return {index: shrink(video.read([index]).images[0], self._side) for index in indices}

    def square(self, picture: Image, box: NDArray[np.float32], side: float, size: int) -> Image:
        """`side` displayed pixels around the middle of the box, `size` pixels large; the border is repeated outside."""
        scale = picture.shape[1] / self._width
        edge = max(2, round(side * scale))
        left = round(float(box[0] + box[2]) / 2 * scale - edge / 2)
        top = round(float(box[1] + box[3]) / 2 * scale - edge / 2)
        height, width = picture.shape[:2]
        rows = np.clip(np.arange(top, top + edge), 0, height - 1)
        columns = np.clip(np.arange(left, left + edge), 0, width - 1)
        square = np.ascontiguousarray(picture[rows[:, None], columns[None, :]])
        return _resized(square, (size, size))


def shrink(image: Image, short_side: int) -> Image:
    """The picture with this short side, unless it is small enough."""
    return image.copy() if short_side >= min(image.shape[:2]) else fit(image, short_side)


def fit(image: Image, short_side: int) -> Image:
    """The picture with this short side."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    return _resized(image, (max(short_side, round(width * scale)), max(short_side, round(height * scale))))


def middle_square(image: Image, size: int) -> Image:
    """The square in the middle of the picture, `size` pixels large."""
    fitted = fit(image, size)
    top, left = (round((length - size) / 2) for length in fitted.shape[:2])
    return np.ascontiguousarray(fitted[top : top + size, left : left + size])


def _resized(image: Image, size: tuple[int, int]) -> Image:
    """To (width, height)."""
    if size == image.shape[1::-1]:
        return image
    method = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
