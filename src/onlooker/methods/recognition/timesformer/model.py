"""TimeSformer: a vision transformer over clips, with attention factorised over time and space (arXiv:2102.05095)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import ClipClassifier
from onlooker.methods.recognition.timesformer.blocks import AttentionStep, Block
from onlooker.methods.recognition.timesformer.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.counting import count_multiply_adds, count_parameters
from onlooker.nn.layers import drop_path_rates, initialise_transformer
from onlooker.nn.patches import PatchEmbed
from onlooker.nn.positions import resize_space_table, resize_time_table
from onlooker.nn.tokens import TokenLayout
from onlooker.weights.inputs import InputSpec

Clip = Float[Tensor, "batch time channel height width"]


class TimeSformer(ClipClassifier):
    """Clip classification in one of five attention schemes.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` and gives logits `(batch, classes)`.
    Other lengths and sizes than the trained ones resize the position tables (nearest neighbour, as the released code).
    `generator` makes the initial weights reproducible. Raises ConfigError for a clip of another layout.

    >>> model = TimeSformer(Config(frames=2, size=16, patch=8, dim=16, depth=1, heads=2, classes=5)).eval()
    >>> model(torch.zeros(3, 2, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.checkpointing = False
        self.patches = PatchEmbed(config.patch, config.dim, channels=config.channels)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.space_table = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.dim))
        self.time_table = (
            None if config.attention == "space" else nn.Parameter(torch.zeros(1, config.frames, config.dim))
        )
        self.blocks = nn.ModuleList(Block(config, rate) for rate in drop_path_rates(config.drop_path, config.depth))
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.head = nn.Linear(config.dim, config.classes)
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Time tables and bridging layers start at zero: a new model attends over space alone."""
        initialise_transformer(self, generator=generator)
        if self.class_token.is_meta:
            return
        for table in (self.class_token, self.space_table):
            nn.init.trunc_normal_(table, std=0.02, generator=generator)
        for step in self.modules():
            if isinstance(step, AttentionStep) and isinstance(step.fc, nn.Linear):
                nn.init.zeros_(step.fc.weight)
                nn.init.zeros_(step.fc.bias)

    def embed(self, clip: Clip) -> tuple[Float[Tensor, "sequences length dim"], TokenLayout]:
        """Tokens into the first block and what they mean.

        Class token first, then patches with space slow and time fast. For `space` each frame is a sequence of its own
        (`batch * time` rows, time fastest).
        """
        if clip.ndim != 5:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width); this one has shape {tuple(clip.shape)}."
            )
        patches = self.patches(clip)
        _, time, rows, columns, _ = patches.shape
        table = resize_space_table(self.space_table, (rows, columns))
        patches = patches + table[:, 1:].view(1, 1, rows, columns, -1)
        if self.time_table is None:
            patches, time = rearrange(patches, "batch time ... -> (batch time) 1 ..."), 1
        else:
            patches = patches + resize_time_table(self.time_table, time)[:, :, None, None]
        classes = (self.class_token + table[:, :1]).expand(patches.shape[0], -1, -1)
        layout = TokenLayout(1, time, rows, columns, order="height width time")
        return layout.join(classes, patches), layout

    def encode(self, clip: Clip) -> tuple[Float[Tensor, "batch length dim"], TokenLayout]:
        """All tokens after the final norm, and what they mean (for `space`: averaged over time before the norm)."""
        tokens, layout = self.embed(clip)
        for block in self.blocks:
            tokens = self._through(block, tokens, layout)
        return self.norm(self._over_time(tokens, clip)), layout

    def features(self, clip: Clip) -> Float[Tensor, "batch dim"]:
        """The class token after the final norm: `encode(clip)[0][:, 0]`, with less work in the last block."""
        tokens, layout = self.embed(clip)
        for block in self.blocks[:-1]:
            tokens = self._through(block, tokens, layout)
        last = cast(Block, self.blocks[-1])
        classes = self._through(last.classes_after, tokens, layout)
        normed: Tensor = self.norm(self._over_time(classes, clip))
        return normed[:, 0]

    def attention_map(self, clip: Clip) -> Float[Tensor, "batch time rows columns"]:
        """Attention roll-out: how much of each patch reaches the class token (`rollout`)."""
        from onlooker.methods.recognition.timesformer.attention_rollout import rollout

        return rollout(self, clip)

    def _through(self, block: Callable[..., Tensor], tokens: Tensor, layout: TokenLayout) -> Tensor:
        if self.checkpointing and self.training:
            out: Tensor = checkpoint(block, tokens, layout, use_reentrant=False)
            return out
        return block(tokens, layout)

    def _over_time(self, tokens: Tensor, clip: Clip) -> Tensor:
        """With attention over space alone each frame went its own way until here."""
        if self.time_table is not None:
            return tokens
        return rearrange(tokens, "(batch time) length dim -> batch time length dim", batch=clip.shape[0]).mean(1)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.features(clip))
        return logits


class _Whole(nn.Module):
    """The network as published, all tokens through all blocks."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.model = TimeSformer(config)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.model.head(self.model.encode(clip)[0][:, 0])
        return logits


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one view, counted on the meta device.

    Counted as published: `forward` needs less, as it computes of the last block only what the class token needs.
    `local_global` is counted with full attention and a mask.
    """
    config = VARIANTS[variant]
    with torch.device("meta"):
        parameters = count_parameters(TimeSformer(config))
    shape = (1, config.frames, config.channels, config.size, config.size)
    return {"parameters": parameters, "multiply_adds": count_multiply_adds(lambda: _Whole(config), shape)}


__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "TimeSformer", "build", "measure"]

NOT_IN_FILES = ("heads",)
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> TimeSformer:
    """A new model, for code that knows methods only by name."""
    return TimeSformer(config)
