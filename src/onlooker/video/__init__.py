"""Files and streams to frames and sound with exact times; frames to files."""

from __future__ import annotations

from onlooker.video.frames import CONCEALED, MISSING, OK, Clip, Frame
from onlooker.video.index import FrameIndex
from onlooker.video.info import AudioInfo, VideoInfo
from onlooker.video.limits import Limits
from onlooker.video.motion_vectors import MotionVectors
from onlooker.video.reader import FrameOutOfRange, Video
from onlooker.video.sound import Sound, read_sound

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
    "Video",
    "VideoInfo",
    "read_sound",
]
