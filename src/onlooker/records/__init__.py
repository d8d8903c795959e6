"""What is said about video: one Arrow schema per kind of statement, and the run folder that keeps them."""

from onlooker.records.frames import Detections, FrameTracks
from onlooker.records.schemas import SCHEMAS

__all__ = ["SCHEMAS", "Detections", "FrameTracks"]
