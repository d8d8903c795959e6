"""People from a small network, OpenCV's HOG detector, its bundled cascades and background motion, weighed together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.detection.embedded_people.model import VARIANTS, Config, EmbeddedPeople

register(
    Method(
        name="embedded_people",
        package=__name__,
        title="Embedded people detector",
        summary="People in video with nothing to download: a small network, HOG, cascades and motion, weighed together",
        paper="no paper: our own fusion",
        variants=("default", "classic"),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
    )
)
__getattr__ = lazy_exports(__name__, {"VARIANTS": "model", "Config": "model", "EmbeddedPeople": "model"})

__all__ = ["VARIANTS", "Config", "EmbeddedPeople"]
