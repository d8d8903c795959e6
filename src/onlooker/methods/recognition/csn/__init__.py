"""CSN: residual networks whose only spatio-temporal convolutions are depthwise (arXiv:1904.02811)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.csn.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.csn.model import CSN

register(
    Method(
        name="csn",
        package=__name__,
        title="CSN",
        summary="Clip classification by a residual network with channel-separated 3-D convolutions",
        paper="arXiv:1904.02811",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"CSN": "model"})

__all__ = ["CSN", "SPECS", "VARIANTS", "Config"]
