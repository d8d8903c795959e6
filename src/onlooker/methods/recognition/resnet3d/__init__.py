"""C2D, I3D and Slow: one residual network over clips whose temporal kernels make the difference (arXiv:1711.07971)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.resnet3d.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.resnet3d.model import ResNet3d

register(
    Method(
        name="resnet3d",
        package=__name__,
        title="C2D, I3D, Slow",
        summary="Clip classification by a residual network without, with alternating or with late temporal kernels",
        paper="arXiv:1711.07971, arXiv:1812.03982",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        fixtures=("slow", "i3d", "c2d"),
    )
)
__getattr__ = lazy_exports(__name__, {"ResNet3d": "model"})

__all__ = ["SPECS", "VARIANTS", "Config", "ResNet3d"]
