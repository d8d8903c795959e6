"""Discrete Cosine TransFormer: pictures enter a transformer as block-DCT coefficients (WACV 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.dcformer.config import TINY, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.dcformer.model import DcFormer

register(
    Method(
        name="dcformer",
        package=__name__,
        title="Discrete Cosine TransFormer",
        summary="Classification from block-DCT coefficients, high frequencies dropped, frame by frame",
        paper="Li, Zhang, Yuan, Lu, Zhu: Discrete Cosin TransFormer, WACV 2023, pp. 5468-5478",
        variants=tuple(VARIANTS),
        code_licence="no public code",
        weights_licence="no public weights",
    )
)
__getattr__ = lazy_exports(__name__, {"DcFormer": "model"})

__all__ = ["TINY", "VARIANTS", "Config", "DcFormer"]
