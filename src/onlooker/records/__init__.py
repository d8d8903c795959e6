"""What is said about video: one Arrow schema per kind of statement, and the run folder that keeps them."""

from onlooker.records.corpus import Corpus, Entry
from onlooker.records.frames import Detections, FrameTracks
from onlooker.records.manifest import Manifest, describe_input
from onlooker.records.run import Run
from onlooker.records.schemas import SCHEMAS
from onlooker.records.writer import RunWriter

__all__ = [
    "SCHEMAS",
    "Corpus",
    "Detections",
    "Entry",
    "FrameTracks",
    "Manifest",
    "Run",
    "RunWriter",
    "describe_input",
]
