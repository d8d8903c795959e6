"""MViT: tokens are pooled in space while channels and heads grow, as in a convolutional network (arXiv:2104.11227)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.mvit.blocks import Block, TokenPool, Tokens
from onlooker.methods.recognition.mvit.config import TINY, VARIANTS, Config, Stride, spec_for
from onlooker.nn.layers import drop_path_rates, initialise_transformer
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "Mvit", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]


class Mvit(ClipClassifier):
    """Clip classification by a multiscale vision transformer.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` and gives logits `(batch, classes)`.
    Other lengths and sizes than the trained ones resize the position tables (linear in time, bicubic in space; the
    original cannot). `generator` makes the initial weights reproducible. Raises ConfigError for another layout.

    >>> model = Mvit(Config(**TINY)).eval()
    >>> model(torch.zeros(2, 4, 3, 32, 32)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.checkpointing = False
        time, rows, columns = config.grid
        self.stem = nn.Conv3d(config.channels, config.dim, config.stem_kernel, config.stem_stride, config.stem_padding)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.class_table = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.space_table = nn.Parameter(torch.zeros(1, rows * columns, config.dim))
        self.time_table = nn.Parameter(torch.zeros(1, time, config.dim))
        rates, sizes = drop_path_rates(config.drop_path, config.depth), config.blocks()
        self.blocks = nn.ModuleList(Block(config, size, rate) for size, rate in zip(sizes, rates, strict=True))
        self.norm = nn.LayerNorm(sizes[-1].out_dim, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(sizes[-1].out_dim, config.classes)
        initialise_transformer(self, generator=generator)
        for module in self.modules():
            if isinstance(module, TokenPool) and not module.pool.weight.is_meta:
                # random kernels hide behind a sum of neighbours what each token holds, and small models do not get
                # over it; no source says how the original began (ours)
                nn.init.dirac_(module.pool.weight, groups=module.pool.groups)
        for table in (self.class_token, self.class_table, self.space_table, self.time_table):
            if not table.is_meta:
                nn.init.trunc_normal_(table, std=0.02, generator=generator)

    def embed(self, clip: Clip) -> tuple[Tokens, Stride]:
        """The class token, then one token per place with time slowest, and the size of the grid."""
        channels = self.config.channels
        if clip.ndim != 5 or clip.shape[2] != channels:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width) with {channels} channels; "
                f"this one has shape {tuple(clip.shape)}."
            )
        grid: Tensor = self.stem(clip.transpose(1, 2))
        size: Stride = (grid.shape[2], grid.shape[3], grid.shape[4])
        space, time = self._tables(size)
        patches = grid.flatten(3).permute(0, 2, 3, 1) + space + time[:, :, None]
        classes = (self.class_token + self.class_table).expand(len(clip), -1, -1)
        return torch.cat((classes, patches.flatten(1, 2)), dim=1), size

    def _tables(self, size: Stride) -> tuple[Float[Tensor, "1 places dim"], Float[Tensor, "1 time dim"]]:
        """The tables over places and over time for a grid of this size."""
        trained = self.config.grid
        space: Tensor = self.space_table
        time: Tensor = self.time_table
        if size[1:] != trained[1:]:
            picture = space.transpose(1, 2).reshape(1, -1, *trained[1:])
            picture = functional.interpolate(picture, size=size[1:], mode="bicubic", align_corners=False)
            space = picture.flatten(2).transpose(1, 2)
        if size[0] != trained[0]:
            row = functional.interpolate(time.transpose(1, 2), size=size[0], mode="linear", align_corners=False)
            time = row.transpose(1, 2)
        return space, time

    def features(self, clip: Clip) -> Float[Tensor, "batch dim"]:
        """The class token after the final norm."""
        tokens, size = self.embed(clip)
        for block in self.blocks:
            if self.checkpointing and self.training:
                tokens, size = checkpoint(block, tokens, size, use_reentrant=False)
            else:
                tokens, size = block(tokens, size)
        normed: Tensor = self.norm(tokens[:, 0])
        return normed

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one view, counted on the meta device."""
    config = VARIANTS[variant]
    return measured(lambda: Mvit(config), (1, config.frames, config.channels, config.size, config.size))


NOT_IN_FILES: tuple[str, ...] = ()
"""Every number that is not in the file's shapes is that of the published models, unless it is given."""


def build(config: Config) -> Mvit:
    """A new model, for code that knows methods only by name."""
    return Mvit(config)
