"""MViT: a multiscale vision transformer with pooling attention, as in pytorchvideo (arXiv:2104.11227)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.mvit.config import TINY, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.mvit.model import Mvit

register(
    Method(
        name="mvit",
        package=__name__,
        title="MViT",
        summary="Clip classification by a transformer that pools its tokens while its channels and heads grow",
        paper="arXiv:2104.11227",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        weights_licence="unknown",
    )
)
__getattr__ = lazy_exports(__name__, {"Mvit": "model"})

__all__ = ["TINY", "VARIANTS", "Config", "Mvit"]
