"""VideoMAE: a vision transformer over tubelets, its encoder and the fine-tuned classifier (arXiv:2203.12602)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.videomae.config import TINY, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.videomae.encoder import Block, Encoder
    from onlooker.methods.recognition.videomae.model import VideoMae

register(
    Method(
        name="videomae",
        package=__name__,
        title="VideoMAE classifier",
        summary="Clip classification by a plain vision transformer over tubelets with joint space-time attention",
        paper="arXiv:2203.12602",
        variants=tuple(VARIANTS),
        code_licence="CC-BY-NC-4.0",
        weights_licence="CC-BY-NC-4.0",
        fixtures=("classifier",),
    )
)
__getattr__ = lazy_exports(__name__, {"Block": "encoder", "Encoder": "encoder", "VideoMae": "model"})

__all__ = ["TINY", "VARIANTS", "Block", "Config", "Encoder", "VideoMae"]
