"""Patterns on cloth as patches around a part: (azimuth from, azimuth to, share from, share to), azimuth 0 in front."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from onlooker.world.body import Colour
from onlooker.world.geometry import Floats
from onlooker.world.parts import Part

_FULL = 2 * np.pi


def pattern_patches(part: Part) -> list[tuple[Colour, Floats]]:
    """Colours and patches (n, 4) that decorate a part; empty for plain cloth."""
    if part.pattern == "plain":
        return []
    return [(part.pattern_colour, _layout(part.pattern, part.name))]


@lru_cache(maxsize=64)
def _layout(pattern: str, name: str) -> Floats:
    around = np.arange(0, _FULL, _FULL / 12)
    match pattern:
        case "stripes":
            return np.array([(a, a + 0.20, 0.0, 1.0) for a in around])
        case "hoops":
            return np.array([(a, a + _FULL / 6, s, s + 0.22) for a in around[::2] for s in (0.1, 0.6)])
        case "checks":
            lines = [(a, a + 0.12, 0.0, 1.0) for a in around]
            return np.array(lines + [(a, a + _FULL / 6, s, s + 0.10) for a in around[::2] for s in (0.2, 0.7)])
        case "dots":
            return np.array([(a + h, a + h + 0.16, s, s + 0.2) for a in around for h, s in ((0.0, 0.1), (0.26, 0.6))])
    if name not in ("chest", "belly"):  # a print sits on the front only
        return np.zeros((0, 4))
    return np.array([(-0.5, 0.5, 0.3, 1.0) if name == "chest" else (-0.3, 0.3, 0.5, 1.0)])
