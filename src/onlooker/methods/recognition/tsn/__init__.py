"""TSN: an image network on one frame of each segment of the whole video, answers averaged (arXiv:1608.00859)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.tsn.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.tsn.model import TSN

register(
    Method(
        name="tsn",
        package=__name__,
        title="TSN",
        summary="Video classification by an image network on frames from equal segments, with average consensus",
        paper="arXiv:1608.00859",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"TSN": "model"})

__all__ = ["SPECS", "TSN", "VARIANTS", "Config"]
