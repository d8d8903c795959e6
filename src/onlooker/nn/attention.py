"""Multi-head attention on `scaled_dot_product_attention`: packed for one sequence, separate projections for two."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.errors import ConfigError

Mask = Float[Tensor, "*#batch #heads #queries #keys"] | Bool[Tensor, "*#batch #heads #queries #keys"]


def additive_mask(
    mask: Mask | None, key_logits: Float[Tensor, "batch keys"] | None, dtype: torch.dtype
) -> Tensor | None:
    """What is added to the attention logits, or None.

    A boolean `mask` is true where a query may look; a float one is added as it is. `key_logits` adds one number to all
    logits of a key: minus infinity for padding, the logarithm of its size for a merged token. A mask of booleans alone
    is returned unchanged, because the fused kernels take it.
    """
    if key_logits is None:
        return mask
    extra = key_logits.to(dtype)[:, None, None, :]
    if mask is None:
        return extra
    if mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, -math.inf)
    return mask + extra


def attend(
    query: Float[Tensor, "batch heads queries width"],
    key: Float[Tensor, "batch heads keys width"],
    value: Float[Tensor, "batch heads keys value_width"],
    mask: Mask | None = None,
    key_logits: Float[Tensor, "batch keys"] | None = None,
) -> Float[Tensor, "batch heads queries value_width"]:
    """softmax(q k^T / sqrt(width) + mask + key_logits) v, by a fused kernel where there is one."""
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=additive_mask(mask, key_logits, query.dtype)
    )


def attention_weights(
    query: Float[Tensor, "batch heads queries width"],
    key: Float[Tensor, "batch heads keys width"],
    mask: Mask | None = None,
    key_logits: Float[Tensor, "batch keys"] | None = None,
) -> Float[Tensor, "batch heads queries keys"]:
    """The softmax that `attend` never shows: for pictures and roll-out, at the cost of the full matrix."""
    logits = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    extra = additive_mask(mask, key_logits, query.dtype)
    if extra is not None:
        logits = logits.masked_fill(~extra, -math.inf) if extra.dtype == torch.bool else logits + extra
    return logits.softmax(dim=-1)


def check_heads(width: int, heads: int) -> None:
    """Refuse a width that the heads cannot share. Raises ConfigError."""
    if heads < 1 or width % heads:
        raise ConfigError(f"{heads} attention heads cannot share a width of {width}: choose a divisor of it.")


def split_heads(tokens: Float[Tensor, "batch length dim"], heads: int) -> Float[Tensor, "batch heads length width"]:
    """Channels in `heads` equal consecutive parts."""
    batch, length, dim = tokens.shape
    return tokens.view(batch, length, heads, dim // heads).transpose(1, 2)


def join_heads(tokens: Float[Tensor, "batch heads length width"]) -> Float[Tensor, "batch length dim"]:
    """Undoes `split_heads`."""
    return tokens.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention of a sequence to itself, with query, key and value packed in one linear layer in that order.

    >>> attention = SelfAttention(dim=8, heads=2)
    >>> attention(torch.zeros(3, 5, 8)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, dim: int, heads: int, *, qkv_bias: bool = True) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def split(self, tokens: Float[Tensor, "batch length dim"]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each (batch, heads, length, width)."""
        batch, length, dim = tokens.shape
        packed: Tensor = self.qkv(tokens).view(batch, length, 3, self.heads, dim // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def mix(
        self,
        tokens: Float[Tensor, "batch length dim"],
        mask: Mask | None = None,
        key_logits: Float[Tensor, "batch length"] | None = None,
        *,
        queries: int | None = None,
    ) -> Float[Tensor, "batch queries dim"]:
        """The values of all heads before the last layer: `forward` is `proj(mix(...))`.

        With `queries` only so many of the first tokens look at the others (a mask then has a row for each of these).
        """
        if queries is None:
            query, key, value = self.split(tokens)
        else:
            dim, bias = tokens.shape[-1], self.qkv.bias
            ask, answer = (None, None) if bias is None else (bias[:dim], bias[dim:])
            query = split_heads(functional.linear(tokens[:, :queries], self.qkv.weight[:dim], ask), self.heads)
            packed = functional.linear(tokens, self.qkv.weight[dim:], answer)
            key, value = (split_heads(part, self.heads) for part in packed.chunk(2, dim=-1))
        return join_heads(attend(query, key, value, mask, key_logits))

    def forward(
        self,
        tokens: Float[Tensor, "batch length dim"],
        mask: Mask | None = None,
        key_logits: Float[Tensor, "batch length"] | None = None,
    ) -> Float[Tensor, "batch length dim"]:
        out: Tensor = self.proj(self.mix(tokens, mask, key_logits))
        return out

    def weights(
        self,
        tokens: Float[Tensor, "batch length dim"],
        mask: Mask | None = None,
        key_logits: Float[Tensor, "batch length"] | None = None,
    ) -> Float[Tensor, "batch heads length length"]:
        """The attention that `forward` pays, rows summing to one."""
        query, key, _ = self.split(tokens)
        return attention_weights(query, key, mask, key_logits)


class CrossAttention(nn.Module):
    """Attention of queries to a context, with a linear layer each for query, key and value.

    >>> attention = CrossAttention(dim=8, heads=2, context_dim=6)
    >>> attention(torch.zeros(3, 5, 8), torch.zeros(3, 7, 6)).shape
    torch.Size([3, 5, 8])
    """

    def __init__(self, dim: int, heads: int, *, context_dim: int | None = None, qkv_bias: bool = True) -> None:
        super().__init__()
        check_heads(dim, heads)
        context_dim = dim if context_dim is None else context_dim
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=qkv_bias)
        self.key = nn.Linear(context_dim, dim, bias=qkv_bias)
        self.value = nn.Linear(context_dim, dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        queries: Float[Tensor, "batch queries dim"],
        context: Float[Tensor, "batch keys context_dim"],
        mask: Mask | None = None,
        key_logits: Float[Tensor, "batch keys"] | None = None,
    ) -> Float[Tensor, "batch queries dim"]:
        query, key, value = (
            split_heads(layer(tokens), self.heads)
            for layer, tokens in ((self.query, queries), (self.key, context), (self.value, context))
        )
        out: Tensor = self.proj(join_heads(attend(query, key, value, mask, key_logits)))
        return out
