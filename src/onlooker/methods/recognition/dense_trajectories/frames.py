"""A video, however it is given, to its RGB frames at the size that the tracker looks at, a few at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories.pyramid import SMALLEST
from onlooker.video import Clip, Video

if TYPE_CHECKING:
    from onlooker.methods.recognition.clips import VideoLike

Image = NDArray[np.uint8]


def target_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Width and height with the longer side at most `longest` (0: as it is) and the shorter one 32 pixels at least.

    >>> target_size(1280, 720, 320)
    (320, 180)
    """
    scale = min(1.0, longest / max(width, height)) if longest else 1.0
    scale = max(scale, SMALLEST / min(width, height))
    return max(SMALLEST, round(width * scale)), max(SMALLEST, round(height * scale))


def frames_of(video: VideoLike, longest: int) -> tuple[Iterator[Image], float]:
    """The frames, and how many of their pixels make one of the video's. Raises ConfigError, MediaError."""
    if isinstance(video, str | os.PathLike):
        opened = Video(video)
        return _closing(opened, longest), _scale(opened.info.width, opened.info.height, longest)
    if isinstance(video, Video):
        return _from_video(video, longest), _scale(video.info.width, video.info.height, longest)
    images = _images(video)
    height, width = images.shape[1:3]
    size = target_size(width, height, longest)
    return (_resized(image, size) for image in images), _scale(width, height, longest)


def _scale(width: int, height: int, longest: int) -> float:
    return target_size(width, height, longest)[0] / width


def _closing(video: Video, longest: int) -> Iterator[Image]:
    with video:
        yield from _from_video(video, longest)


def _from_video(video: Video, longest: int) -> Iterator[Image]:
    width, height = target_size(video.info.width, video.info.height, longest)
    for chunk in video.chunks(16, scale=(height, width)):
        yield from chunk.images


def _resized(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[1::-1] == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _images(video: object) -> Image:
    import torch

    images: object = video.images if isinstance(video, Clip) else video
    if isinstance(images, torch.Tensor):
        images = (images.movedim(1, -1) if images.ndim == 4 else images).cpu().numpy()
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise ConfigError(
            f"a clip is uint8 RGB: an array (time, height, width, 3) or a tensor (time, 3, height, width), with at "
            f"least one frame; this one is {images.dtype} {images.shape}."
        )
    return images
