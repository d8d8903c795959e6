"""Numbered images as video: frames by time, gaps, images that cannot be read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from onlooker.errors import CorruptMedia, MediaError, UnsupportedMedia
from onlooker.video.limits import Limits
from onlooker.video.views import clip_times

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm")

Images = NDArray[np.uint8]


class ImageSequence:
    """Images in `folder` by their names, as `Opened`; messages speak of `name`. With `numbered` gaps in the numbers
    are damage. Raises UnsupportedMedia when there are none."""

    def __init__(self, folder: Path, files: Sequence[str], rate: float, name: str, *, numbered: bool) -> None:
        self._folder, self._files, self._rate, self._name, self._numbered = folder, files, rate, name, numbered
        if not self._files:
            raise UnsupportedMedia(f"{name}: there are no images ({', '.join(IMAGES)}).")

    @property
    def duration(self) -> float:
        """Frames over rate."""
        return len(self._files) / self._rate

    @property
    def count(self) -> int:
        """How many images."""
        return len(self._files)

    def clip(self, start: float, end: float, *, frames: int, size: int | None = None, generator: Any = None) -> Images:
        """The images on screen at the chosen moments. Raises CorruptMedia, also for images of unlike sizes."""
        times = clip_times(start, min(end, self.duration), frames=frames, generator=generator)
        # a billionth of a frame of grace: k / rate * rate may fall just short of k
        numbers = np.clip((times * self._rate + 1e-9).astype(np.int64), 0, len(self._files) - 1)
        read: dict[int, Images] = {}
        for number in numbers.tolist():
            if number not in read:
                read[number] = self._image(number, size)
        return self._stacked([read[number] for number in numbers.tolist()])

    def decode(self) -> None:
        """Read every image."""
        shape = self._image(0, None).shape
        for number in range(1, len(self._files)):
            if self._image(number, None).shape != shape:
                raise CorruptMedia(self._unlike())

    def damage(self) -> str:
        """Numbers that are missing between the first and the last image; every second one alone is no gap."""
        if not self._numbered:
            return ""
        numbers = [frame_number(file) for file in self._files]
        steps = Counter(after - before for before, after in pairwise(numbers))
        usual = steps.most_common(1)[0][0] if steps else 1
        gaps = [before + usual for before, after in pairwise(numbers) if after - before != usual]
        more = f" and at {len(gaps) - 1} more places" if len(gaps) > 1 else ""
        return f"{self._name}: no image with the number {gaps[0]}{more}" if gaps else ""

    def _image(self, number: int, size: int | None) -> Images:
        image = read_image(self._folder / self._files[number])
        return image if size is None else short_side(image, size)

    def _stacked(self, images: list[Images]) -> Images:
        if len({image.shape for image in images}) > 1:
            raise CorruptMedia(self._unlike())
        return np.stack(images)

    def _unlike(self) -> str:
        return f"{self._name}: the images have unlike sizes: extract the frames of one video again."


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """uint8 RGB. Raises CorruptMedia, LimitExceeded."""
    try:
        with Image.open(path) as image:
            Limits().check_picture(*image.size, path.name)
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptMedia(f"{path.parent.name}/{path.name}: this image cannot be read ({error}).") from error


def short_side(image: Images, size: int) -> Images:
    """The image with a short side of `size` pixels."""
    height, width = image.shape[:2]
    scale = size / min(height, width)
    wanted = max(size, round(height * scale)), max(size, round(width * scale))
    if wanted == (height, width):
        return image
    how = cv2.INTER_AREA if size < min(height, width) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, wanted[::-1], interpolation=how))


@lru_cache(maxsize=64)
def _listed(path: str, changed: int) -> tuple[str, ...]:
    del changed
    files = [file for file in os.listdir(path) if file.lower().endswith(IMAGES)]
    return tuple(sorted(files, key=lambda file: (frame_number(file), file)))


def frame_files(path: Path) -> tuple[str, ...]:
    """Names of the images of a folder in the order of their numbers. Raises MediaError."""
    try:
        return _listed(str(path), path.stat().st_mtime_ns)
    except OSError as error:
        raise MediaError(f"{path.name}: this folder cannot be read ({error}).") from error


def frame_number(name: str) -> int:
    """The last number in a file's name, -1 without one.

    >>> frame_number("v2_frame_0000000042.jpg")
    42
    """
    found = re.findall(r"\d+", Path(name).stem)
    return int(found[-1]) if found else -1
