"""Several activities at once: a feature vector per activity, and correlations between them (arXiv:2009.07420)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.activity_correlation.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.activity_correlation.head import ActivityHead, Findings
    from onlooker.methods.recognition.activity_correlation.model import ActivityCorrelation

register(
    Method(
        name="activity_correlation",
        package=__name__,
        title="Activity-specific features and correlations",
        summary="Multi-label clip classification with one attention-pooled feature per activity and their correlations",
        paper="arXiv:2009.07420",
        variants=tuple(VARIANTS),
        code_licence="none published",
        weights_licence="none published",
    )
)
__getattr__ = lazy_exports(__name__, {"ActivityCorrelation": "model", "ActivityHead": "head", "Findings": "head"})

__all__ = ["SPECS", "VARIANTS", "ActivityCorrelation", "ActivityHead", "Config", "Findings"]
