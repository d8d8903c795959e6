"""The encoder: tubelets to tokens, fixed sinusoidal positions, blocks of joint attention. Shared with pre-training."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from onlooker.errors import ConfigError
from onlooker.methods.recognition.videomae.config import Config
from onlooker.nn.attention import attend, check_heads, join_heads
from onlooker.nn.layers import DropPath, Mlp, drop_path_rates

Clip = Float[Tensor, "batch time channel height width"]
Tokens = Float[Tensor, "batch length dim"]


def sinusoid_table(length: int, dim: int, device: torch.device | None = None) -> Float[Tensor, "1 length dim"]:
    """Sine and cosine of the flat token index: P[n, 2i] = sin(n / 10000^(2i/dim)), P[n, 2i+1] = cos of the same angle.

    Worked out in float64, given in float32. The index runs over all tokens, time slowest: the table is not separable
    in time, height and width, and another clip size moves every position.

    >>> sinusoid_table(2, 4)[0, 0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    pairs = torch.arange(dim, dtype=torch.float64, device=device) // 2
    angles = torch.arange(length, dtype=torch.float64, device=device)[:, None] / 10000 ** (2 * pairs / dim)
    table = torch.where(torch.arange(dim, device=device) % 2 == 0, angles.sin(), angles.cos())
    return table.float()[None]


class TubeletEmbed(nn.Module):
    """One token per block of `tubelet` frames and `patch` x `patch` pixels, in the order time, row, column.

    The weights have the shape of the 3-D convolution that this is; it is computed as one matrix product. A remainder
    below one tubelet is cut off at the end, bottom and right, as the convolution does.

    >>> TubeletEmbed(tubelet=2, patch=4, dim=8)(torch.zeros(1, 5, 3, 8, 13)).shape
    torch.Size([1, 12, 8])
    """

    def __init__(self, tubelet: int, patch: int, dim: int, *, channels: int = 3) -> None:
        super().__init__()
        self.kernel = (tubelet, patch, patch)
        self.projection = nn.Conv3d(channels, dim, kernel_size=self.kernel, stride=self.kernel)

    def grid(self, clip: Clip) -> tuple[int, int, int]:
        """Tubelets along time, height and width. Raises ConfigError for a clip that does not fit."""
        channels = self.projection.in_channels
        if clip.ndim != 5 or clip.shape[2] != channels:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width) with {channels} channels; "
                f"this one has shape {tuple(clip.shape)}."
            )
        time, rows, columns = (
            size // step for size, step in zip((clip.shape[1], *clip.shape[3:]), self.kernel, strict=True)
        )
        if min(time, rows, columns) < 1:
            raise ConfigError(f"a clip of shape {tuple(clip.shape)} is smaller than one tubelet of {self.kernel}.")
        return time, rows, columns

    def forward(self, clip: Clip) -> Tokens:
        (time, rows, columns), (tubelet, patch, _) = self.grid(clip), self.kernel
        whole = clip[:, : time * tubelet, :, : rows * patch, : columns * patch]
        pixels = rearrange(
            whole,
            "batch (time dt) channel (row dy) (column dx) -> batch (time row column) (channel dt dy dx)",
            dt=tubelet,
            dy=patch,
            dx=patch,
        )
        return functional.linear(pixels, self.projection.weight.flatten(1), self.projection.bias)


class Attention(nn.Module):
    """Joint attention whose query and value have a learned bias and whose key has none.

    A bias of the key would change nothing: it adds one number to all logits of a query.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.query_bias = nn.Parameter(torch.zeros(dim))
        self.value_bias = nn.Parameter(torch.zeros(dim))
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tokens) -> Tokens:
        batch, length, dim = tokens.shape
        bias = torch.cat((self.query_bias, torch.zeros_like(self.query_bias), self.value_bias))
        packed = functional.linear(tokens, self.qkv.weight, bias).view(batch, length, 3, self.heads, dim // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        out: Tensor = self.proj(join_heads(attend(query, key, value)))
        return out


class Block(nn.Module):
    """x + g1 Attention(LN(x)), then x + g2 MLP(LN(x)); g1 and g2 exist where `layer_scale` is above zero."""

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        mlp_ratio: float = 4.0,
        norm_eps: float = 1e-6,
        layer_scale: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=norm_eps)
        self.attention = Attention(dim, heads)
        self.mlp_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = DropPath(drop_path)
        self.scale = nn.Parameter(torch.full((dim,), layer_scale)) if layer_scale > 0 else None
        self.mlp_scale = nn.Parameter(torch.full((dim,), layer_scale)) if layer_scale > 0 else None

    def forward(self, tokens: Tokens) -> Tokens:
        tokens = tokens + self.drop_path(_scaled(self.attention(self.norm(tokens)), self.scale))
        tokens = tokens + self.drop_path(_scaled(self.mlp(self.mlp_norm(tokens)), self.mlp_scale))
        return tokens


def _scaled(residual: Tensor, scale: Tensor | None) -> Tensor:
    return residual if scale is None else residual * scale


class Encoder(nn.Module):
    """Tubelet tokens with positions, then the blocks; no norm at the end (a classifier pools first).

    `embed` and `forward` are apart so that pre-training can drop the masked tokens in between.

    >>> encoder = Encoder(Config(frames=2, size=16, patch=8, dim=8, depth=1, heads=2))
    >>> encoder(encoder.embed(torch.zeros(1, 2, 3, 16, 16))[:, :3]).shape
    torch.Size([1, 3, 8])
    """

    table: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.checkpointing = False
        self.patches = TubeletEmbed(config.tubelet, config.patch, config.dim, channels=config.channels)
        time, rows, columns = config.grid
        # not in the state: it is a function of the sizes
        self.register_buffer("table", sinusoid_table(time * rows * columns, config.dim), persistent=False)
        self.blocks = nn.ModuleList(
            Block(
                config.dim,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                norm_eps=config.norm_eps,
                layer_scale=config.layer_scale,
                drop_path=rate,
            )
            for rate in drop_path_rates(config.drop_path, config.depth)
        )

    def embed(self, clip: Clip) -> Tokens:
        """All tokens of a clip with their positions, time slowest, then row, then column."""
        tokens: Tensor = self.patches(clip)
        length, dim = tokens.shape[1:]
        table = self.table if self.table.shape[1] == length else sinusoid_table(length, dim, tokens.device)
        return tokens + table.to(tokens.dtype)

    def forward(self, tokens: Tokens) -> Tokens:
        for block in self.blocks:
            if self.checkpointing and self.training:
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens
