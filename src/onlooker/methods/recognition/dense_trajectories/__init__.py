"""Improved dense trajectories: motion descriptors along tracked points, encoded as Fisher vectors (ICCV 2013)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.dense_trajectories.config import CHANNELS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.dense_trajectories.drawing import draw
    from onlooker.methods.recognition.dense_trajectories.extractor import Extractor
    from onlooker.methods.recognition.dense_trajectories.model import DenseTrajectories
    from onlooker.methods.recognition.dense_trajectories.rows import Trajectories, read_boxes

register(
    Method(
        name="dense_trajectories",
        package=__name__,
        title="Improved dense trajectories",
        summary="Motion descriptors along densely tracked points, as Fisher vectors for a linear classifier",
        paper="ICCV 2013",
        variants=tuple(VARIANTS),
        code_licence="GPL-3.0",
        weights_licence="none",
    )
)
__getattr__ = lazy_exports(
    __name__,
    {
        "DenseTrajectories": "model",
        "Extractor": "extractor",
        "Trajectories": "rows",
        "draw": "drawing",
        "read_boxes": "rows",
    },
)

__all__ = [
    "CHANNELS",
    "VARIANTS",
    "Config",
    "DenseTrajectories",
    "Extractor",
    "Trajectories",
    "draw",
    "read_boxes",
]
