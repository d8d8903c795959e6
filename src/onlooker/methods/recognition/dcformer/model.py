"""Discrete Cosine TransFormer: a vision transformer whose tokens are the kept DCT coefficients of a block."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.dcformer.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.dcformer.dct import block_dct, choose, halve, pad, to_ycbcr
from onlooker.nn.attention import SelfAttention
from onlooker.nn.layers import DropPath, Mlp, drop_path_rates, initialise_transformer
from onlooker.nn.positions import resize_space_table
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "DcFormer", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]
Coefficients = Float[Tensor, "batch time rows columns values"]


class FrequencyTokens(nn.Module):
    """RGB frames to the kept coefficients of each token, and those to embeddings after standardisation.

    A token's values are ordered Y, Cb, Cr; within each the blocks row by row, within each block as `choose` gives
    them. `mean` and `std` belong to values 0..255; they start from a law of natural pictures (`natural_std`) and
    should be those of the training set (`measure_statistics`).
    """

    mean: Tensor
    std: Tensor
    luma: Tensor
    chroma: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("luma", choose(config.block, config.keep, config.luma), persistent=False)
        self.register_buffer("chroma", choose(config.block, config.keep, config.chroma), persistent=False)
        self.reach = {count: reach(config, count) for count in {config.luma, config.chroma} - {0}}
        self.register_buffer("mean", torch.zeros(config.values))
        self.register_buffer("std", natural_std(config))
        self.projection = nn.Linear(config.values, config.dim)

    def coefficients(self, clip: Clip) -> Coefficients:
        """The kept coefficients of each token; edges are repeated where the size is not a multiple of the token's."""
        config = self.config
        if clip.ndim != 5 or clip.shape[2] != 3:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width) with 3 channels, RGB in 0..255; "
                f"this one has shape {tuple(clip.shape)}."
            )
        ycbcr = to_ycbcr(pad(clip, config.patch))
        luma, colours = ycbcr[:, :, :1], ycbcr[:, :, 1:]
        parts = [self._grouped(luma, config.group, self.luma)]
        if config.chroma:
            colours = halve(colours) if config.half_chroma else colours
            parts.append(self._grouped(colours, config.chroma_group, self.chroma))
        return torch.cat(parts, dim=-1)

    def _grouped(self, pictures: Tensor, group: int, kept: Tensor) -> Coefficients:
        block = self.config.block
        blocks = block_dct(pictures, block, self.reach[len(kept)])[..., kept // block, kept % block]
        return rearrange(
            blocks,
            "batch time colour (row dy) (column dx) kept -> batch time row column (colour dy dx kept)",
            dy=group,
            dx=group,
        )

    def forward(self, coefficients: Coefficients) -> Float[Tensor, "batch time rows columns dim"]:
        tokens: Tensor = self.projection((coefficients - self.mean) / self.std)
        return tokens


def reach(config: Config, count: int) -> int:
    """The side of the square that holds the `count` kept coefficients: no others are worked out.

    >>> reach(Config(), 64), reach(Config(keep="highest"), 64)
    (8, 16)
    """
    with torch.device("cpu"):  # a number is wanted also where the model is on the meta device
        kept = choose(config.block, config.keep, count)
        return 1 + int(torch.maximum(kept // config.block, kept % config.block).max())


class Block(nn.Module):
    """Attention, then feed-forward, both behind a norm and with a residual connection."""

    def __init__(self, config: Config, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.attention = SelfAttention(config.dim, config.heads)
        self.mlp_norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.mlp = Mlp(config.dim, int(config.dim * config.mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Float[Tensor, "batch length dim"]) -> Float[Tensor, "batch length dim"]:
        tokens = tokens + self.drop_path(self.attention(self.norm(tokens)))
        residual: Tensor = self.drop_path(self.mlp(self.mlp_norm(tokens)))
        return tokens + residual


class DcFormer(ClipClassifier):
    """Classification from block-DCT coefficients. The paper is about pictures; here a clip is its frames' mean.

    `forward` takes an RGB clip `(batch, time, channel, height, width)` with values 0 to 255 and gives logits
    `(batch, classes)`; a picture is a clip of one frame. `from_coefficients` takes what `tokens.coefficients` gives,
    for sources that store coefficients. Other sizes than the trained one resize the position table. `generator` makes
    the initial weights reproducible. Raises ConfigError for a clip of another layout.

    >>> model = DcFormer(Config(**TINY)).eval()
    >>> model(torch.zeros(3, 2, 3, 16, 24)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.tokens = FrequencyTokens(config)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.space_table = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.dim))
        self.blocks = nn.ModuleList(Block(config, rate) for rate in drop_path_rates(config.drop_path, config.depth))
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.head = nn.Linear(config.dim, config.classes)
        initialise_transformer(self, generator=generator)
        for table in (self.class_token, self.space_table):
            if not table.is_meta:
                nn.init.trunc_normal_(table, std=0.02, generator=generator)

    def features(self, clip: Clip) -> Float[Tensor, "batch dim"]:
        """The class token after the final norm, averaged over the frames."""
        return self.features_of(self.tokens.coefficients(clip))

    def features_of(self, coefficients: Coefficients) -> Float[Tensor, "batch dim"]:
        """`features` of kept coefficients."""
        patches = self.tokens(coefficients)
        batch, time, rows, columns, _ = patches.shape
        table = resize_space_table(self.space_table, (rows, columns), mode="bicubic")
        classes = self.class_token.expand(batch * time, -1, -1)
        sequence = torch.cat((classes, patches.flatten(2, 3).flatten(0, 1)), dim=1) + table
        for block in self.blocks:
            sequence = block(sequence)
        normed: Tensor = self.norm(sequence[:, 0])
        return normed.view(batch, time, -1).mean(dim=1)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        return self.from_coefficients(self.tokens.coefficients(clip))

    def from_coefficients(self, coefficients: Coefficients) -> Float[Tensor, "batch classes"]:
        """Logits of kept coefficients."""
        logits: Tensor = self.head(self.features_of(coefficients))
        return logits


@torch.no_grad()
def measure_statistics(model: DcFormer, clips: list[Clip]) -> None:
    """Set mean and standard deviation of each kept coefficient to those of `clips` (RGB in 0..255)."""
    values = torch.cat([model.tokens.coefficients(clip).flatten(0, 3) for clip in clips])
    model.tokens.mean.copy_(values.mean(dim=0))
    # a coefficient that never changes in the training set carries nothing
    model.tokens.std.copy_(values.std(dim=0).clamp_min(1e-3))


def natural_std(config: Config) -> Float[Tensor, " values"]:
    """Standard deviations of the kept coefficients of natural pictures, for values 0..255.

    The amplitude of a frequency of k half cycles per block falls as block / k; DC follows the contrast of the scene.
    The factors were read off first frames of three ordinary videos; they only have to be of the right order, because
    training measures its own or learns around them.
    """
    parts = []
    for (flat, falling), kept, copies in (
        (LUMA_STD, choose(config.block, config.keep, config.luma), config.group**2),
        (CHROMA_STD, choose(config.block, config.keep, config.chroma), 2 * config.chroma_group**2),
    ):
        frequency = torch.hypot((kept // config.block).float(), (kept % config.block).float())
        factors = torch.where(frequency == 0, flat, falling / frequency.clamp_min(1))
        parts.append((config.block * factors).repeat(copies))
    return torch.cat(parts)


LUMA_STD, CHROMA_STD = (50.0, 10.8), (13.0, 2.0)
"""For each: DC over the block's side, and the factor of the falling law."""


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one clip, counted on the meta device (the DCT is among them)."""
    config = VARIANTS[variant]
    return measured(lambda: DcFormer(config), (1, config.frames, 3, config.size, config.size))


NOT_IN_FILES = ("heads",)
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> DcFormer:
    """A new model, for code that knows methods only by name."""
    return DcFormer(config)
