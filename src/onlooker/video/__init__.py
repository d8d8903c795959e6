"""Files and streams to frames and sound with exact times; frames to files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from onlooker.video.frames import CONCEALED, MISSING, OK, Clip, Frame
from onlooker.video.index import FrameIndex
from onlooker.video.info import AudioInfo, VideoInfo
from onlooker.video.limits import Limits
from onlooker.video.motion_vectors import MotionVectors
from onlooker.video.reader import FrameOutOfRange, Video
from onlooker.video.sound import Sound, read_sound

if TYPE_CHECKING:
    from onlooker.video.stream import Stream, StreamFrame, StreamMetrics, StreamState
    from onlooker.video.writer import VideoWriter, concatenate

_LAZY = {
    "Stream": "onlooker.video.stream",
    "StreamFrame": "onlooker.video.stream",
    "StreamMetrics": "onlooker.video.stream",
    "StreamState": "onlooker.video.stream",
    "VideoWriter": "onlooker.video.writer",
    "concatenate": "onlooker.video.writer",
}

__all__ = [
    "CONCEALED",
    "MISSING",
    "OK",
    "AudioInfo",
    "Clip",
    "Frame",
    "FrameIndex",
    "FrameOutOfRange",
    "Limits",
    "MotionVectors",
    "Sound",
    "Stream",
    "StreamFrame",
    "StreamMetrics",
    "StreamState",
    "Video",
    "VideoInfo",
    "VideoWriter",
    "concatenate",
    "read_sound",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'onlooker.video' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
