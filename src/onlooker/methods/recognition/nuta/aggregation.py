"""The NUTA block: a projection P of the clip's T frames onto T' < T slots, computed from the clip itself."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.nuta.config import Fusion
from onlooker.nn.residual3d import ONE, Maps, conv3d

Projection = Float[Tensor, "batch slots time"]


class NonUniformAggregation(nn.Module):
    """Shortens `(batch, channel, time, height, width)` to ceil(time / ratio) slots.

    Queries (a temporal convolution of stride `ratio`) ask for each slot, keys answer for each frame, both on spatial
    averages and both with a learned time table, without which the projection could not tell moments apart:

        P = softmax_T(Q K^T / (sqrt(d) temperature) + band),    Y = BN(P V),    V = W X

    Each slot is a convex combination of frames, the same at every place of the picture. `band` is a fixed Gaussian
    around the slot's uniform place, so that a new block is uniform pooling. The uniform features are added:
    synchronised, that is, through the same P (or one composed with it), or unaligned. With a fusion the norm starts at
    zero, so that only they pass at first.

    >>> block = NonUniformAggregation(8, frames=6, ratio=2)
    >>> slots, projection = block(torch.zeros(1, 8, 6, 4, 4), torch.zeros(1, 8, 6, 4, 4))
    >>> slots.shape, projection.shape
    (torch.Size([1, 8, 3, 4, 4]), torch.Size([1, 3, 6]))
    """

    def __init__(
        self,
        channels: int,
        *,
        frames: int,
        ratio: int = 2,
        band: float = 1.0,
        temperature: float = 1.0,
        hard: bool = False,
        fusion: Fusion = "synchronised",
    ) -> None:
        super().__init__()
        self.ratio, self.band, self.temperature, self.hard, self.fusion = ratio, band, temperature, hard, fusion
        inner = max(1, channels // 2)
        self.query = nn.Conv1d(channels, inner, 3, stride=ratio, padding=1)
        self.key = nn.Conv1d(channels, inner, 3, padding=1)
        self.query_table = nn.Parameter(torch.zeros(1, inner, slots_of(frames, ratio)))
        self.key_table = nn.Parameter(torch.zeros(1, inner, frames))
        self.value = conv3d(channels, channels, ONE)
        self.norm = nn.BatchNorm3d(channels)
        self.uniform = conv3d(channels, channels, ONE) if fusion != "none" else None
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Small queries, keys and tables, so that P starts as its band; uniform features pass unchanged."""
        if self.query.weight.is_meta:
            return
        for module in (self.query, self.key):
            nn.init.normal_(module.weight, std=0.01, generator=generator)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        for table in (self.query_table, self.key_table):
            nn.init.normal_(table, std=0.01, generator=generator)
        nn.init.dirac_(self.value.weight)
        if self.uniform is not None:
            nn.init.dirac_(self.uniform.weight)
            nn.init.zeros_(self.norm.weight)

    def project(self, maps: Maps) -> Projection:
        """P for a clip's maps: rows are slots and sum to one. In evaluation mode with `hard`, one frame per row."""
        frames = maps.mean(dim=(3, 4))
        time, slots = frames.shape[2], slots_of(frames.shape[2], self.ratio)
        queries = self.query(frames) + _resized(self.query_table, slots)
        keys = self.key(frames) + _resized(self.key_table, time)
        scores = torch.einsum("bds,bdt->bst", queries, keys).float() / math.sqrt(keys.shape[1]) / self.temperature
        if self.band:
            scores = scores + band_bias(slots, time, self.band).to(scores)
        if self.hard and not self.training:
            return functional.one_hot(scores.argmax(dim=-1), time).to(maps.dtype)
        return scores.softmax(dim=-1).to(maps.dtype)

    def forward(self, maps: Maps, uniform: Maps) -> tuple[Maps, Projection]:
        """The slots and P. `uniform` are the features to fuse, on the time axis that the fusion wants.

        Synchronised: the axis of `maps` (P is applied here). Unaligned: already shortened to the slots.
        """
        projection = self.project(maps)
        # P mixes time and W channels, so their order does not matter; shortening first is cheaper
        out: Tensor = self.norm(self.value(aggregate(maps, projection)))
        if self.uniform is not None:
            aligned = aggregate(uniform, projection) if self.fusion == "synchronised" else uniform
            out = out + self.uniform(aligned)
        return out, projection


def slots_of(time: int, ratio: int) -> int:
    """How many slots a clip of `time` frames has: a clip shorter than the ratio keeps one.

    >>> slots_of(7, 2), slots_of(1, 4)
    (4, 1)
    """
    return -(-time // ratio)


def aggregate(maps: Maps, projection: Projection) -> Maps:
    """Y_s = sum_t P_st X_t at every place."""
    return torch.einsum("bst,bcthw->bcshw", projection, maps)


def scatter(slots: Maps, projection: Projection, *, eps: float = 1e-6) -> Maps:
    """Slots back on the frames: D^-1 P^T Y with D the column sums, so that a constant stays that constant."""
    weights = projection / (projection.sum(dim=1, keepdim=True) + eps)
    return torch.einsum("bst,bcshw->bcthw", weights, slots)


def pool_time(maps: Maps, ratio: int) -> Maps:
    """Uniform average pooling to the same number of slots; the last one may cover fewer frames."""
    if maps.shape[2] <= ratio:
        return maps.mean(dim=2, keepdim=True)
    return functional.avg_pool3d(maps, (ratio, 1, 1), (ratio, 1, 1), ceil_mode=True, count_include_pad=False)


def pooled_columns(projection: Projection, ratio: int) -> Projection:
    """P on a time axis that was pooled by `ratio`: columns of a cell are added, so that rows still sum to one."""
    batch, slots, time = projection.shape
    padded = functional.pad(projection, (0, slots_of(time, ratio) * ratio - time))
    return padded.view(batch, slots, -1, ratio).sum(dim=-1)


def band_bias(slots: int, time: int, width: float) -> Float[Tensor, "slots time"]:
    """Log of a Gaussian over frames around the centre of each slot's uniform cell, its deviation `width` half cells."""
    cell = time / slots
    centres = (torch.arange(slots) + 0.5) * cell - 0.5
    distance = (torch.arange(time)[None] - centres[:, None]) / (cell * width / 2)
    return -0.5 * distance**2


def _resized(table: Float[Tensor, "1 dim length"], length: int) -> Float[Tensor, "1 dim new"]:
    if table.shape[-1] == length:
        return table
    return functional.interpolate(table, size=length, mode="linear", align_corners=False)
