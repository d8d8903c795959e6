"""Auto-TSNet: two-stream video networks found by a search over six variables (arXiv:2108.12957)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.auto_tsnet.config import SPECS, VARIANTS, Block, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.auto_tsnet.model import AutoTSNet
    from onlooker.methods.recognition.auto_tsnet.progressive import Schedule, search
    from onlooker.methods.recognition.auto_tsnet.space import Space
    from onlooker.methods.recognition.auto_tsnet.supernet import Supernet

register(
    Method(
        name="auto_tsnet",
        package=__name__,
        title="Two-stream search (Auto-TSNet)",
        summary="Clip classification by mobile two-stream networks, and the search that finds them",
        paper="arXiv:2108.12957",
        variants=tuple(VARIANTS),
        code_licence="none published",
        weights_licence="none published",
    )
)
__getattr__ = lazy_exports(
    __name__,
    {
        "AutoTSNet": "model",
        "Schedule": "progressive",
        "Space": "space",
        "Supernet": "supernet",
        "search": "progressive",
    },
)

__all__ = ["SPECS", "VARIANTS", "AutoTSNet", "Block", "Config", "Schedule", "Space", "Supernet", "search"]
