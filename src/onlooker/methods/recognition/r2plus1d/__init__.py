"""R(2+1)D: 3-D convolutions split into a spatial and a temporal one (arXiv:1711.11248)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.r2plus1d.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.r2plus1d.model import R2Plus1d

register(
    Method(
        name="r2plus1d",
        package=__name__,
        title="R(2+1)D",
        summary="Clip classification by a residual network with factorised spatial and temporal convolutions",
        paper="arXiv:1711.11248",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"R2Plus1d": "model"})

__all__ = ["SPECS", "VARIANTS", "Config", "R2Plus1d"]
