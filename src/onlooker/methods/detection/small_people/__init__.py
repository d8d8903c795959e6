"""Small people detector: a heat map of people's middles and their boxes, trained on the procedural world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.detection.small_people.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.detection.small_people.model import Found, SmallPeople
    from onlooker.methods.detection.small_people.shipped import load_shipped

register(
    Method(
        name="small_people",
        package=__name__,
        title="Small people detector",
        summary="People in single pictures by a small convolutional heat-map network, trained on the procedural world",
        paper="after arXiv:1904.07850 and arXiv:1909.00700",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"Found": "model", "SmallPeople": "model", "load_shipped": "shipped"})

__all__ = ["SPECS", "VARIANTS", "Config", "Found", "SmallPeople", "load_shipped"]
