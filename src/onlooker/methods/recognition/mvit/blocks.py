"""Pooling attention: query, key and value are shortened by depthwise convolutions before they meet."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.mvit.config import BlockSizes, Config, Stride, half
from onlooker.nn.attention import attend, join_heads, split_heads
from onlooker.nn.layers import DropPath

Tokens = Float[Tensor, "batch length dim"]
Heads = Float[Tensor, "batch heads length width"]
Pooled = Float[Tensor, "batch pooled dim"]


def pooled_size(size: Stride, kernel: Stride, stride: Stride) -> Stride:
    """Tokens along each axis behind a convolution or pooling that pads half its kernel.

    >>> pooled_size((8, 56, 56), (3, 3, 3), (1, 2, 2))
    (8, 28, 28)
    """
    time, rows, columns = (
        (length + 2 * (width // 2) - width) // step + 1
        for length, width, step in zip(size, kernel, stride, strict=True)
    )
    return time, rows, columns


class TokenPool(nn.Module):
    """A depthwise convolution over the grid of each head's tokens, class token apart; then a norm of all of them."""

    def __init__(self, width: int, kernel: Stride, stride: Stride, norm_eps: float) -> None:
        super().__init__()
        self.pool = nn.Conv3d(width, width, kernel, stride=stride, padding=half(kernel), groups=width, bias=False)
        self.norm = nn.LayerNorm(width, eps=norm_eps)
        self.kernel, self.stride = kernel, stride

    def forward(self, tokens: Heads, size: Stride) -> tuple[Float[Tensor, "batch heads pooled width"], Stride]:
        batch = tokens.shape[0]
        grid = rearrange(
            tokens[:, :, 1:],
            "batch heads (time row column) width -> (batch heads) width time row column",
            time=size[0],
            row=size[1],
        )
        grid = rearrange(self.pool(grid), "(batch heads) width ... -> batch heads (...) width", batch=batch)
        return self.norm(torch.cat((tokens[:, :, :1], grid), dim=2)), pooled_size(size, self.kernel, self.stride)


class PoolingAttention(nn.Module):
    """Multi-head attention of pooled queries to pooled keys and values."""

    def __init__(self, config: Config, sizes: BlockSizes) -> None:
        super().__init__()
        dim, width = sizes.dim, sizes.dim // sizes.heads
        self.heads = sizes.heads
        self.query = nn.Linear(dim, dim, bias=config.qkv_bias)
        self.key = nn.Linear(dim, dim, bias=config.qkv_bias)
        self.value = nn.Linear(dim, dim, bias=config.qkv_bias)
        self.query_pool = (
            None
            if sizes.query_stride is None
            else TokenPool(width, config.pool_kernel, sizes.query_stride, config.norm_eps)
        )
        self.key_pool = TokenPool(width, config.pool_kernel, sizes.kv_stride, config.norm_eps)
        self.value_pool = TokenPool(width, config.pool_kernel, sizes.kv_stride, config.norm_eps)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tokens, size: Stride) -> tuple[Pooled, Stride]:
        query, key, value = (split_heads(layer(tokens), self.heads) for layer in (self.query, self.key, self.value))
        key, _ = self.key_pool(key, size)
        value, _ = self.value_pool(value, size)
        if self.query_pool is not None:
            query, size = self.query_pool(query, size)
        return self.proj(join_heads(attend(query, key, value))), size


class FeedForward(nn.Module):
    """Linear, exact GELU, linear to another width."""

    def __init__(self, dim: int, hidden: int, out_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, out_dim)

    def forward(self, tokens: Tokens) -> Float[Tensor, "batch length out_dim"]:
        out: Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return out


class Block(nn.Module):
    """y = pool(x) + attention(LN(x)); out = shortcut + MLP(LN(y)), the shortcut being y or a projection of LN(y)."""

    def __init__(self, config: Config, sizes: BlockSizes, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.dim, eps=config.norm_eps)
        self.attention = PoolingAttention(config, sizes)
        self.mlp_norm = nn.LayerNorm(sizes.dim, eps=config.norm_eps)
        self.mlp = FeedForward(sizes.dim, int(sizes.dim * config.mlp_ratio), sizes.out_dim)
        self.shortcut = nn.Linear(sizes.dim, sizes.out_dim) if sizes.out_dim != sizes.dim else None
        self.drop_path = DropPath(drop_path)
        self.stride = sizes.query_stride or (1, 1, 1)

    def forward(self, tokens: Tokens, size: Stride) -> tuple[Float[Tensor, "batch pooled out_dim"], Stride]:
        attended, new_size = self.attention(self.norm(tokens), size)
        tokens = pool_residual(tokens, size, self.stride) + self.drop_path(attended)
        normed = self.mlp_norm(tokens)
        residual = self.drop_path(self.mlp(normed))
        return (tokens if self.shortcut is None else self.shortcut(normed)) + residual, new_size


def pool_residual(tokens: Tokens, size: Stride, stride: Stride) -> Pooled:
    """The grid's tokens max-pooled to the query's, with kernels one wider than the stride; the class token stays."""
    if max(stride) == 1:
        return tokens
    kernel = [step + 1 if step > 1 else 1 for step in stride]
    grid = rearrange(
        tokens[:, 1:], "batch (time row column) dim -> batch dim time row column", time=size[0], row=size[1]
    )
    grid = functional.max_pool3d(grid, kernel, stride, [width // 2 for width in kernel])
    return torch.cat((tokens[:, :1], grid.flatten(2).transpose(1, 2)), dim=1)
