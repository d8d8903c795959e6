"""NUTA: aggregation of time that is not uniform but learned per clip (arXiv:2012.08041)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.nuta.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.nuta.aggregation import NonUniformAggregation
    from onlooker.methods.recognition.nuta.model import NUTA
    from onlooker.methods.recognition.nuta.moments import Moments

register(
    Method(
        name="nuta",
        package=__name__,
        title="NUTA",
        summary="Clip classification that shortens time by a learned projection onto informative frames",
        paper="arXiv:2012.08041",
        variants=tuple(VARIANTS),
        code_licence="none published",
        weights_licence="none published",
    )
)
__getattr__ = lazy_exports(__name__, {"NUTA": "model", "Moments": "moments", "NonUniformAggregation": "aggregation"})

__all__ = ["NUTA", "SPECS", "VARIANTS", "Config", "Moments", "NonUniformAggregation"]
