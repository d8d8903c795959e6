"""VideoMAE's fine-tuned classifier: the encoder on all tokens, their mean, a norm and a linear layer."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.videomae.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.videomae.encoder import Clip, Encoder
from onlooker.nn.layers import initialise_transformer
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "VideoMae", "build", "measure"]

HEAD_SCALE = 0.001
"""The initial head is this much smaller than the other layers, as in the released fine-tuning."""


class VideoMae(ClipClassifier):
    """Clip classification by VideoMAE's encoder.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` and gives logits `(batch, classes)`.
    Other lengths and sizes than the trained ones get the positions of their own token order, which are not those that
    the weights learned with. `generator` makes the initial weights reproducible. Raises ConfigError for a clip of
    another layout.

    >>> model = VideoMae(Config(frames=4, size=16, patch=8, dim=16, depth=1, heads=2, classes=5)).eval()
    >>> model(torch.zeros(3, 4, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.encoder = Encoder(config)
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(config.dim, config.classes)
        initialise_transformer(self, generator=generator)
        with torch.no_grad():
            self.head.weight.mul_(HEAD_SCALE)

    @property
    def checkpointing(self) -> bool:
        """Whether training recomputes activations instead of keeping them."""
        return self.encoder.checkpointing

    @checkpointing.setter
    def checkpointing(self, value: bool) -> None:
        self.encoder.checkpointing = value

    def features(self, clip: Clip) -> Float[Tensor, "batch dim"]:
        """The normed mean of all tokens; there is no norm before the mean."""
        pooled: Tensor = self.norm(self.encoder(self.encoder.embed(clip)).mean(dim=1))
        return pooled

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one view, counted on the meta device."""
    config = VARIANTS[variant]
    return measured(lambda: VideoMae(config), (1, config.frames, config.channels, config.size, config.size))


NOT_IN_FILES = ("heads",)
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> VideoMae:
    """A new model, for code that knows methods only by name."""
    return VideoMae(config)
