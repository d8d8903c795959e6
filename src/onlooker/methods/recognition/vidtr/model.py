"""VidTr: a video transformer whose layers attend over time, then over space, with one projection (arXiv:2104.11746)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.vidtr.attention import Kept
from onlooker.methods.recognition.vidtr.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.vidtr.layers import Form, Layer
from onlooker.methods.recognition.vidtr.positions import (
    Size,
    resize_class_grid,
    resize_class_row,
    resize_grid,
    resize_rows,
)
from onlooker.nn.patches import PatchEmbed
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "VidTr", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]
Tokens = Float[Tensor, "batch length dim"]


class VidTr(ClipClassifier):
    """Clip classification by separable attention, with or without dropping time steps (see `Config`).

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` and gives logits `(batch, classes)`.
    Other lengths and sizes than the trained ones resize the tables. `generator` makes the initial weights
    reproducible. Raises ConfigError for a clip of another layout or one too short for the dropped time steps.

    >>> model = VidTr(Config(**TINY)).eval()
    >>> model(torch.zeros(3, 4, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.checkpointing = False
        places, drops = config.grid**2, config.drops
        self.patches = PatchEmbed(config.patch, config.dim, channels=config.channels)
        if config.kind == "separable":
            self.space_classes = nn.Parameter(torch.zeros(config.frames, 1, config.dim))
            self.time_classes = nn.Parameter(torch.zeros(1, places + 1, config.dim))
            length = (config.frames + 1) * (places + 1)
        else:
            self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
            length = config.frames * places + 1
        self.position_table = nn.Parameter(torch.zeros(1, length, config.dim))
        first: Form = "grid" if config.kind == "separable" else "patches"
        forms: list[Form] = [first if i < config.separable_layers else "joint" for i in range(config.depth)]
        self.layers = nn.ModuleList(Layer(config, form, drops.get(i)) for i, form in enumerate(forms))
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(config.dim, config.classes)
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Matrices Xavier-uniform; tables and class tokens, which the released code leaves undrawn, normal 0.02."""
        for name, parameter in self.named_parameters():
            if parameter.is_meta:
                continue
            if name.endswith(("_table", "_classes", "class_token")):
                nn.init.trunc_normal_(parameter, std=0.02, generator=generator)
            elif "norm" in name:
                nn.init.constant_(parameter, 1.0 if name.endswith("weight") else 0.0)
            elif parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter.flatten(1), generator=generator)
            else:
                nn.init.zeros_(parameter)

    def embed(self, clip: Clip) -> tuple[Tokens, Tensor, int]:
        """Tokens into the first layer, the position table for them, and the columns of their grid.

        For `separable` a grid of `time + 1` rows and `places + 1` columns, row slowest, whose first row and column are
        class tokens; else one class token, then patches with time slowest.
        """
        if clip.ndim != 5:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width); this one has shape {tuple(clip.shape)}."
            )
        patches = self.patches(clip)
        size: Size = (patches.shape[1], patches.shape[2], patches.shape[3])
        if size[0] <= sum(self.config.drops.values()):
            raise ConfigError(f"{size[0]} frames are too few for the pooling {self.config.pooling!r}: give more.")
        table, places = self._positions(size), size[1] * size[2]
        flat = patches.flatten(2, 3)
        if self.config.kind != "separable":
            classes = self.class_token.expand(len(clip), -1, -1)
            return torch.cat((classes, flat.flatten(1, 2)), dim=1), table, places
        column = resize_rows(self.space_classes[:, 0], size[0])[:, None].expand(len(clip), -1, -1, -1)
        row = resize_class_row(self.time_classes, self.config.grid, size[1:]).expand(len(clip), 1, -1, -1)
        grid = torch.cat((row, torch.cat((column, flat), dim=2)), dim=1)
        return grid.flatten(1, 2), table, places + 1

    def _positions(self, size: Size) -> Float[Tensor, "1 length dim"]:
        config = self.config
        if size == (config.frames, config.grid, config.grid):
            return self.position_table
        table = self.position_table[0]
        if config.kind == "separable":
            return resize_class_grid(table.view(config.frames + 1, -1, config.dim), config.grid, size).flatten(0, 1)[
                None
            ]
        patches = resize_grid(table[1:].view(config.frames, config.grid, config.grid, -1), size)
        return torch.cat((table[:1], patches.flatten(0, 2)))[None]

    def encode(self, clip: Clip) -> tuple[Tokens, dict[int, Kept]]:
        """All tokens after the final norm, and by pooling layer the time steps (of its input) that were kept."""
        tokens, position, places = self.embed(clip)
        kept: dict[int, Kept] = {}
        for index, layer in enumerate(self.layers):
            here = position if index == 0 or self.config.position == "every" else None
            if self.checkpointing and self.training:
                tokens, chosen = checkpoint(layer, tokens, places, here, use_reentrant=False)
            else:
                tokens, chosen = layer(tokens, places, here)
            if chosen is not None:
                kept[index] = chosen
        return self.norm(tokens), kept

    def features(self, clip: Clip) -> Float[Tensor, "batch dim"]:
        """The class token after the final norm: the corner of the grid, or the only one."""
        return self.encode(clip)[0][:, 0]

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one view, counted on the meta device."""
    config = VARIANTS[variant]
    return measured(lambda: VidTr(config), (1, config.frames, config.channels, config.size, config.size))


NOT_IN_FILES = ("heads",)
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> VidTr:
    """A new model, for code that knows methods only by name."""
    return VidTr(config)
