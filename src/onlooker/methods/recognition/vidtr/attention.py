"""Separable attention with one shared projection, and pooling of time steps by the standard deviation of attention."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.vidtr.config import Select
from onlooker.nn.attention import check_heads, split_heads

Grid = Float[Tensor, "batch time places dim"]
Shorter = Float[Tensor, "batch kept places dim"]
Heads = Float[Tensor, "batch heads places time width"]
Kept = Int[Tensor, "batch heads places kept"]


class Attention(nn.Module):
    """Projections of one layer, used jointly over a sequence or separably over a grid of time and places.

    `joint` is ordinary multi-head attention. `separable` is o = A_space A_time v: both attention matrices are made of
    the same query and key. `pooled` keeps some rows of A_time. With `reproject` the space step has projections of its
    own (the paper's MSA_s(MSA_t(x))), the time step's heads being joined in between.
    """

    def __init__(
        self, dim: int, heads: int, *, dropout: float = 0.0, select: Select = "std", reproject: bool = False
    ) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads, self.dropout, self.select = heads, dropout, select
        self.qkv = nn.Linear(dim, 3 * dim)
        self.space_qkv = nn.Linear(dim, 3 * dim) if reproject else None
        self.proj = nn.Linear(dim, dim)

    def joint(self, tokens: Float[Tensor, "batch length dim"]) -> Float[Tensor, "batch length dim"]:
        """Every token looks at every token."""
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(tokens).chunk(3, dim=-1))
        out: Tensor = self.proj(self._attend(query, key, value).transpose(1, 2).flatten(2))
        return out

    def separable(self, grid: Grid) -> Grid:
        """Over time at each place, then over the places of each time step."""
        query, key, value = self._by_place(self.qkv(grid))
        value = self._attend(query, key, value)
        if self.space_qkv is not None:
            query, key, value = self._by_place(self.space_qkv(self._join(value.transpose(2, 3))))
        return self._over_space(query, key, value)

    def pooled(self, grid: Grid, drop: int) -> tuple[Shorter, Kept]:
        """The same with `drop` time steps fewer, and which were kept by each head at each place, ascending.

        The kept rows of the attention over time go through a second softmax, as in the released code.
        """
        query, key, value = self._by_place(self.qkv(grid))
        weights = (query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])).softmax(dim=-1)
        kept = self._choose(weights, weights.shape[-1] - drop)
        value = _take(weights, kept).softmax(dim=-1) @ value
        return self._over_space(_take(query, kept), _take(key, kept), value), kept

    def _choose(self, weights: Float[Tensor, "batch heads places time time"], count: int) -> Kept:
        """Rows with the largest unbiased standard deviation (a peaked row is informative), or evenly spaced ones.

        Evenly spaced are the middles of `count` equal spans, the same for all heads; staggered, head h of H takes the
        point (h + 1/2) / H of every span instead.
        """
        if self.select == "std":
            return weights.std(dim=-1, unbiased=True).topk(count, dim=-1).indices.sort(dim=-1).values
        heads = self.heads if self.select == "staggered" else 1
        point = ((torch.arange(heads, device=weights.device) + 0.5) / heads)[:, None, None]
        steps = (torch.arange(count, device=weights.device) + point) * weights.shape[-1] / count
        return steps.long().expand(*weights.shape[:-2], count)

    def _over_space(self, query: Heads, key: Heads, value: Heads) -> Grid:
        query, key, value = (part.transpose(2, 3) for part in (query, key, value))
        out: Tensor = self.proj(self._join(self._attend(query, key, value)))
        return out

    def _by_place(self, packed: Float[Tensor, "batch time places packed"]) -> tuple[Heads, Heads, Heads]:
        batch, time, places, width = packed.shape
        parts = packed.view(batch, time, places, 3, self.heads, width // (3 * self.heads))
        query, key, value = parts.permute(3, 0, 4, 2, 1, 5).unbind(0)
        return query, key, value

    def _join(self, heads: Float[Tensor, "batch heads time places width"]) -> Grid:
        return heads.permute(0, 2, 3, 1, 4).flatten(3)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)


def _take(rows: Heads, kept: Kept) -> Float[Tensor, "batch heads places kept width"]:
    """Rows along the time axis."""
    return rows.gather(3, kept[..., None].expand(*kept.shape, rows.shape[-1]))


def take_by_head(grid: Grid, kept: Kept) -> Shorter:
    """The residual stream of the kept time steps: each head chooses for its own slice of the channels.

    >>> grid = torch.arange(8.0).view(1, 4, 1, 2)
    >>> take_by_head(grid, torch.tensor([[[[0, 1]], [[2, 3]]]])).flatten().tolist()
    [0.0, 5.0, 2.0, 7.0]
    """
    heads = kept.shape[1]
    slices = grid.reshape(*grid.shape[:3], heads, -1).permute(0, 3, 2, 1, 4)
    return _take(slices, kept).permute(0, 3, 2, 1, 4).flatten(3)
