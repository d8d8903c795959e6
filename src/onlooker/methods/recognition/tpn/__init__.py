"""TPN: a pyramid of temporal rates on the features of one backbone (arXiv:2004.03548)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.tpn.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.tpn.model import TPN

register(
    Method(
        name="tpn",
        package=__name__,
        title="TPN",
        summary="Clip classification by a feature pyramid whose levels see the clip at several tempos",
        paper="arXiv:2004.03548",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"TPN": "model"})

__all__ = ["SPECS", "TPN", "VARIANTS", "Config"]
