"""How tall people are by where their feet stand: a line fitted as people are found, so that a fixed camera learns its
scene. The state is six decayed sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]


def init_prior() -> Sums:
    """Nothing seen."""
    return np.zeros(6)


def observe(
    sums: Sums, bottoms: NDArray[np.float64], heights: NDArray[np.float64], weights: NDArray[np.float64], keep: float
) -> Sums:
    """Sums after more people; the old ones count `keep` (0..1) of what they did."""
    terms = np.stack([np.ones_like(bottoms), bottoms, bottoms**2, heights, bottoms * heights, heights**2], 1)
    return np.asarray(keep * sums + (weights[:, None] * terms).sum(0))


def line(sums: Sums, picture_height: float, least: float = 30.0) -> tuple[float, float]:
    """Slope and offset of height over bottom; both NaN unless enough people agree on it (spread under 18 %)."""
    weight, y, yy, h, yh, hh = sums
    unknown = float("nan"), float("nan")
    if weight < least:
        return unknown
    # A little ridge keeps the line level while everybody stands on the same row.
    spread = max(yy / weight - (y / weight) ** 2, 0.0) + (0.02 * picture_height) ** 2
    slope = (yh / weight - y * h / weight**2) / spread
    offset = h / weight - slope * y / weight
    residual = hh / weight - (h / weight) ** 2 - slope**2 * spread
    if max(residual, 0.0) ** 0.5 > 0.18 * h / weight or slope < 0:
        return unknown
    return float(slope), float(offset)
