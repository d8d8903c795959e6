"""Onlooker watches video and says who did what, where and when.

The names below load on first use, so that `import onlooker` stays fast and never imports torch.

>>> import onlooker as ol
>>> ol.__version__.count(".")
2
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_LAZY = {
    "Video": "onlooker.video",
    "VideoWriter": "onlooker.video",
    "Stream": "onlooker.video",
    "Run": "onlooker.records",
    "analyze": "onlooker.analysis",
    "load": "onlooker.methods.loading",
    "OnlookerError": "onlooker.errors",
}

__all__ = ["OnlookerError", "Run", "Stream", "Video", "VideoWriter", "__version__", "analyze", "load"]

if TYPE_CHECKING:
    from onlooker.analysis import analyze
    from onlooker.errors import OnlookerError
    from onlooker.methods.loading import load
    from onlooker.records import Run
    from onlooker.video import Stream, Video, VideoWriter


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'onlooker' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
