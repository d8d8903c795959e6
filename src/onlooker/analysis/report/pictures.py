"""Small pictures for the report as data URIs: one of each person, key frames, the scene."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.hiding import Curtain
from onlooker.analysis.people import Person
from onlooker.video import Video

Image = NDArray[np.uint8]
PERSON_HEIGHT = 120
FRAME_WIDTH = 300
SCENE_WIDTH = 960
JPEG_QUALITY = 80
READ_AT_ONCE = 4
DULL = 12.0  # grey levels: a picture that varies less shows nothing


def data_uri(image: Image, quality: int = JPEG_QUALITY) -> str:
    """An RGB picture as an inline JPEG."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV always has a JPEG encoder"
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


@dataclass(frozen=True)
class Wish:
    """One picture that somebody wants: made from frame `index` by `make` and handed to `keep`."""

    index: int
    make: Callable[[Image], Image]
    keep: Callable[[str], None]


class Album:
    """Pictures of a video with whoever is to be hidden hidden.

    Wishes are collected first and then met in one pass over the video in order, a few frames in memory at a time.
    """

    def __init__(self, video: Video, curtain: Curtain) -> None:
        self._video = video
        self._curtain = curtain
        aspect = float(video.info.sample_aspect or 1)
        self._stretch = aspect if 0.1 < aspect < 10 else 1.0
        self._wishes: list[Wish] = []

    def people(self, people: Iterable[Person]) -> dict[int, str]:
        """The best view of each person, cropped with some margin; filled by `develop`."""
        portraits: dict[int, str] = {}
        for person in people:
            row = person.best_frame()
            box, track = person.boxes[row], person.track_id
            self._wishes.append(
                Wish(
                    int(person.frames[row]),
                    lambda image, box=box: _crop(image, box, self._stretch),  # type: ignore[misc]
                    lambda uri, track=track: portraits.__setitem__(track, uri),  # type: ignore[misc]
                )
            )
        return portraits

    def frames(self, indices: Iterable[int], width: int = FRAME_WIDTH) -> dict[int, str]:
        """Whole frames scaled to `width` (never up); filled by `develop`."""
        pictures: dict[int, str] = {}
        for index in dict.fromkeys(indices):
            self._wishes.append(
                Wish(
                    index,
                    lambda image: _shrink(image, width, self._stretch),
                    lambda uri, index=index: pictures.__setitem__(index, uri),  # type: ignore[misc]
                )
            )
        return pictures

    def develop(self) -> None:
        """Read what was wished for and fill the pictures in; frames that cannot be read stay away."""
        by_frame: dict[int, list[Wish]] = {}
        for wish in self._wishes:
            by_frame.setdefault(wish.index, []).append(wish)
        self._wishes = []
        ordered = sorted(by_frame)
        self._curtain.look_out(self._video, ordered)
        for at in range(0, len(ordered), READ_AT_ONCE):
            clip = self._video.read(ordered[at : at + READ_AT_ONCE])
            for index, image in zip(clip.indices.tolist(), clip.images, strict=True):
                hidden = image.copy()
                self._curtain.hide(hidden, index)
                for wish in by_frame[index]:
                    wish.keep(data_uri(wish.make(hidden)))

    def liveliest(self, indices: Sequence[int]) -> int:
        """Of some frames, the first that shows something, else the one with the most contrast."""
        best, contrast = indices[0], -1.0
        for index in indices:
            clip = self._video.read([index], size=48)
            spread = float(clip.images.std()) if len(clip) else -1.0
            if spread > contrast:
                best, contrast = index, spread
            if spread >= DULL:
                break
        return best


def _crop(image: Image, box: NDArray[np.float32], stretch: float) -> Image:
    x1, y1, x2, y2 = (float(v) for v in box)
    margin = 0.1 * (y2 - y1)
    height, width = image.shape[:2]
    left, right = max(0, int(x1 - margin)), min(width, int(x2 + margin) + 1)
    top, bottom = max(0, int(y1 - margin)), min(height, int(y2 + margin) + 1)
    part = image[top:bottom, left:right] if right > left and bottom > top else image
    scale = min(PERSON_HEIGHT / part.shape[0], 2 * PERSON_HEIGHT / part.shape[1])
    return _scaled(part, scale * stretch, scale)


def _shrink(image: Image, width: int, stretch: float) -> Image:
    scale = min(1.0, width / (image.shape[1] * stretch))
    return _scaled(image, scale * stretch, scale)


def _scaled(image: Image, across: float, down: float) -> Image:
    size = max(1, round(image.shape[1] * across)), max(1, round(image.shape[0] * down))
    if size == (image.shape[1], image.shape[0]):
        return image
    way = cv2.INTER_AREA if down < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
