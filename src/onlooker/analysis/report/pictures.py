"""Small pictures for the report as data URIs: one of each person, one of each shot, the scene."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.drawing import hide
from onlooker.analysis.people import Person
from onlooker.video import Video

Image = NDArray[np.uint8]
PERSON_HEIGHT = 150
SHOT_WIDTH = 240
SCENE_WIDTH = 960
JPEG_QUALITY = 80
READ_AT_ONCE = 8


def data_uri(image: Image) -> str:
    """An RGB picture as an inline JPEG."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done, "OpenCV always has a JPEG encoder"
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


class Album:
    """Pictures of a video with whoever is to be hidden hidden; frames are read once, in order."""

    def __init__(self, video: Video, people: Sequence[Person], blur: str) -> None:
        self._video = video
        self._blur = blur
        self._frames = np.concatenate([p.frames for p in people]) if people else np.zeros(0, np.int64)
        self._boxes = np.concatenate([p.boxes for p in people]) if people else np.zeros((0, 4), np.float32)

    def people(self, people: Sequence[Person]) -> dict[int, str]:
        """The best view of each person, cropped with some margin."""
        best = {person.track_id: person.best_frame() for person in people}
        wanted = {int(p.frames[best[p.track_id]]) for p in people}
        images = self._read(wanted)
        return {
            p.track_id: data_uri(_crop(images[int(p.frames[row])], p.boxes[row]))
            for p in people
            if int(p.frames[row := best[p.track_id]]) in images
        }

    def frames(self, indices: Sequence[int], width: int) -> dict[int, str]:
        """Whole frames scaled to `width` (never up)."""
        return {index: data_uri(_shrink(image, width)) for index, image in self._read(set(indices)).items()}

    def _read(self, indices: set[int]) -> dict[int, Image]:
        images: dict[int, Image] = {}
        ordered = sorted(indices)
        for at in range(0, len(ordered), READ_AT_ONCE):
            clip = self._video.read(ordered[at : at + READ_AT_ONCE])
            for index, image in zip(clip.indices, clip.images, strict=True):
                images[int(index)] = self._hidden(image, int(index))
        return images

    def _hidden(self, image: Image, index: int) -> Image:
        if self._blur == "none":
            return image
        image = image.copy()
        hide(image, self._boxes[self._frames == index], self._blur)
        return image


def _crop(image: Image, box: NDArray[np.float32]) -> Image:
    x1, y1, x2, y2 = box
    margin = 0.1 * (y2 - y1)
    height, width = image.shape[:2]
    left, right = max(0, int(x1 - margin)), min(width, int(x2 + margin) + 1)
    top, bottom = max(0, int(y1 - margin)), min(height, int(y2 + margin) + 1)
    part = image[top:bottom, left:right] if right > left and bottom > top else image
    scale = PERSON_HEIGHT / part.shape[0]
    size = (max(1, round(part.shape[1] * scale)), PERSON_HEIGHT)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)


def _shrink(image: Image, width: int) -> Image:
    if image.shape[1] <= width:
        return image
    size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
