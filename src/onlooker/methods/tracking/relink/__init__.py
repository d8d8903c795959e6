"""Gives people who leave and return their id back, by what they look like."""

from onlooker.methods.tracking.relink.appearance import SIZE, describe, distance
from onlooker.methods.tracking.relink.gallery import VARIANTS, Config, empty_gallery, forget, remember, return_ids

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
