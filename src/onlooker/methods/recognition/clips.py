"""A video, however it is given, to the normalised views that a clip model was trained on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from onlooker.errors import ConfigError
from onlooker.video import Clip, Video
from onlooker.video.sampling import constant_clips
from onlooker.weights.inputs import InputSpec

VideoLike = Video | Clip | NDArray[np.uint8] | Tensor | str | os.PathLike[str]


def read_clip(video: VideoLike, spec: InputSpec) -> UInt8[np.ndarray, "time height width 3"]:
    """The `spec.frames` frames of a video that a model looks at, uint8 RGB.

    A `Video` or a path: with sampling by stride the middle `spec.seconds` of it (all of it when it is shorter), with
    segments all of it; then the middle frame of each of `spec.frames` equal parts of that time. A `Clip`, an array
    `(time, height, width, 3)` or a uint8 tensor `(time, channel, height, width)`: its frames are the time to cover.
    Raises ConfigError for other shapes, MediaError for unreadable files.
    """
    return read_clips(video, spec, 1)[0]


def read_clips(video: VideoLike, spec: InputSpec, count: int) -> list[UInt8[np.ndarray, "time height width 3"]]:
    """`count` clips as `read_clip` gives one, their windows spread evenly from the start to the end of the video.

    Where a clip covers all there is (segments, an array, a video no longer than `spec.seconds`) there is one. Raises
    ConfigError for a count below one, else as `read_clip`.
    """
    if count < 1:
        raise ConfigError(f"a video is seen in at least one clip, not {count}.")
    if isinstance(video, str | os.PathLike):
        with Video(video) as opened:
            return _from_video(opened, spec, count)
    if isinstance(video, Video):
        return _from_video(video, spec, count)
    images = _images(video)
    middles = (np.arange(spec.frames) + 0.5) * len(images) / spec.frames
    return [images[middles.astype(np.int64)]]


def _from_video(video: Video, spec: InputSpec, count: int) -> list[NDArray[np.uint8]]:
    spans = windows(video.index.end, spec, count)
    return [video.clip(start, end, frames=spec.frames, size=spec.short_side).images for start, end in spans]


def windows(duration: float, spec: InputSpec, count: int) -> list[tuple[float, float]]:
    """Seconds that `count` clips of a video cover: the middle alone, or spread evenly; all of it, once, for segments.

    >>> windows(10.0, InputSpec(frames=8, stride=15, rate=30.0, short_side=224, crop=224), 3)
    [(0.0, 4.0), (3.0, 7.0), (6.0, 10.0)]
    """
    if count == 1 or spec.sampling == "segments" or duration <= spec.seconds:
        return [window(duration, spec)]
    return [(start, min(end, duration)) for start, end in constant_clips(duration, spec.seconds, count)]


def window(duration: float, spec: InputSpec) -> tuple[float, float]:
    """Seconds that a clip of a video covers: the middle for sampling by stride, all for segments.

    >>> window(60.0, InputSpec(frames=8, stride=30, rate=30.0, short_side=224, crop=224))
    (26.0, 34.0)
    """
    if spec.sampling == "segments" or duration <= spec.seconds:
        return 0.0, duration
    start = (duration - spec.seconds) / 2
    return start, start + spec.seconds


def _images(video: Any) -> NDArray[np.uint8]:
    if isinstance(video, Tensor):
        images = video.movedim(-3, -1).cpu().numpy() if video.ndim == 4 else video.cpu().numpy()
    else:
        images = video.images if isinstance(video, Clip) else np.asarray(video)
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        raise ConfigError(
            f"a clip is uint8 RGB: an array (time, height, width, 3) or a tensor (time, 3, height, width), with at "
            f"least one frame; this one is {images.dtype} {tuple(images.shape)}."
        )
    return images


def to_views(
    images: UInt8[np.ndarray, "time height width 3"], spec: InputSpec
) -> Float[Tensor, "view time channel crop crop"]:
    """Resize the short side, cut `spec.views` square crops evenly along the long side, normalise."""
    clip = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    height, width = clip.shape[-2:]
    scale = spec.short_side / min(height, width)
    size = (max(spec.short_side, round(height * scale)), max(spec.short_side, round(width * scale)))
    if size != (height, width):
        clip = functional.interpolate(clip, size=size, mode="bilinear", align_corners=False)
    if spec.channels == "bgr":
        clip = clip.flip(1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (spec.mean, spec.std))
    clip = (clip - mean) / std
    return torch.stack([_crop(clip, spec.crop, place) for place in _places(spec.views)])


def _places(views: int) -> list[float]:
    """Where along the long side the crops lie, from 0 (left or top) to 1: the centre for a single one."""
    return [0.5] if views == 1 else [view / (views - 1) for view in range(views)]


def _crop(clip: Tensor, crop: int, place: float) -> Tensor:
    """A square at `place` along the long side, centred along the short one."""
    spare = [size - crop for size in clip.shape[-2:]]
    along = 0 if spare[0] > spare[1] else 1
    top, left = (round(space * (place if axis == along else 0.5)) for axis, space in enumerate(spare))
    return clip[..., top : top + crop, left : left + crop]
