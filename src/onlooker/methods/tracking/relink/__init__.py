"""Gives people who leave and return their id back, by what they look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.tracking.relink.appearance import SIZE, describe, distance
    from onlooker.methods.tracking.relink.gallery import VARIANTS, Config, empty_gallery, forget, remember, return_ids

register(
    Method(
        name="relink",
        package=__name__,
        title="Relink",
        summary="Old ids for people who return, by histograms of what they wear and an open-set rule",
        paper="no paper: our own",
        code_licence="Apache-2.0",
        weights_licence="none",
    )
)
__getattr__ = lazy_exports(
    __name__,
    dict.fromkeys(("SIZE", "describe", "distance"), "appearance")
    | dict.fromkeys(("VARIANTS", "Config", "empty_gallery", "forget", "remember", "return_ids"), "gallery"),
)

__all__ = [
    "SIZE",
    "VARIANTS",
    "Config",
    "describe",
    "distance",
    "empty_gallery",
    "forget",
    "remember",
    "return_ids",
]
