"""VidTr and compact VidTr: attention over time, then space; pooling by standard deviation (arXiv:2104.11746)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.vidtr.config import TINY, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.vidtr.model import VidTr

register(
    Method(
        name="vidtr",
        package=__name__,
        title="VidTr",
        summary="Clip classification by separable attention over time and space; compact variants drop flat time steps",
        paper="arXiv:2104.11746",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        weights_licence="unknown",
    )
)
__getattr__ = lazy_exports(__name__, {"VidTr": "model"})

__all__ = ["TINY", "VARIANTS", "Config", "VidTr"]
