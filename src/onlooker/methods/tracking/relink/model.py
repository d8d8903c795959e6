"""Where the registry looks for sizes; the work is in `appearance` and `gallery`."""

from __future__ import annotations

from onlooker.methods.tracking.relink.gallery import VARIANTS, Config

__all__ = ["VARIANTS", "Config", "measure"]


def measure(variant: str = "default") -> dict[str, int]:
    """No network: nothing is learnt."""
    del variant
    return {"parameters": 0, "multiply_adds": 0}
