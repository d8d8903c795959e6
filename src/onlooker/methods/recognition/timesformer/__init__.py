"""TimeSformer: attention over space and time for clips, in five schemes (arXiv:2102.05095)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.timesformer.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.timesformer.attention_rollout import rollout
    from onlooker.methods.recognition.timesformer.model import TimeSformer

register(
    Method(
        name="timesformer",
        package=__name__,
        title="TimeSformer",
        summary="Clip classification by a vision transformer with attention factorised over time and space",
        paper="arXiv:2102.05095",
        variants=tuple(VARIANTS),
        code_licence="CC-BY-NC-4.0",
        weights_licence="CC-BY-NC-4.0",
    )
)
__getattr__ = lazy_exports(__name__, {"TimeSformer": "model", "rollout": "attention_rollout"})

__all__ = ["SPECS", "VARIANTS", "Config", "TimeSformer", "rollout"]
