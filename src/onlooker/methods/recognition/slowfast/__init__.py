"""SlowFast: two pathways that see a clip at two frame rates (arXiv:1812.03982)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.slowfast.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.slowfast.model import SlowFast

register(
    Method(
        name="slowfast",
        package=__name__,
        title="SlowFast",
        summary="Clip classification by a wide slow pathway and a thin fast one with lateral connections",
        paper="arXiv:1812.03982",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        fixtures=("gluoncv_slowfast",),
    )
)
__getattr__ = lazy_exports(__name__, {"SlowFast": "model"})

__all__ = ["SPECS", "VARIANTS", "Config", "SlowFast"]
