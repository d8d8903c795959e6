"""Any detector of the DETR family in transformers format, from a local folder or the Hugging Face hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.detection.detr.loading import Config, load_detr

register(
    Method(
        name="detr",
        package=__name__,
        title="DETR family",
        summary="People by any DETR-family detector in transformers format, from a folder or the Hugging Face hub",
        paper="arXiv:2005.12872",
        variants=("folder",),
        code_licence="Apache-2.0",
        weights_licence="that of who published them",
    )
)
__getattr__ = lazy_exports(__name__, {"Config": "loading", "load_detr": "loading"})

__all__ = ["Config", "load_detr"]
