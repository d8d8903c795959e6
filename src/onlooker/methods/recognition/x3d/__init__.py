"""X3D: a small image network expanded along time, space, width and depth (arXiv:2004.04730)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.x3d.config import SPECS, VARIANTS, Config, expanded
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.x3d.model import X3D

register(
    Method(
        name="x3d",
        package=__name__,
        title="X3D",
        summary="Clip classification by a mobile-size network of inverted bottlenecks, expanded axis by axis",
        paper="arXiv:2004.04730",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"X3D": "model"})

__all__ = ["SPECS", "VARIANTS", "X3D", "Config", "expanded"]
