"""Which moments of a clip a network looked at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """`projection` (batch, slots, frames) of the whole network, from the clip's frames to the last slots.

    >>> Moments(torch.tensor([[[0.0, 0.25, 0.75]]])).frames.tolist()
    [[2]]
    """

    projection: Float[Tensor, "batch slots frames"]

    @property
    def frames(self) -> Int[Tensor, "batch slots"]:
        """The frame that weighs most in each slot."""
        return self.projection.argmax(dim=-1)

    @property
    def shares(self) -> Float[Tensor, "batch frames"]:
        """How much of all slots each frame makes; sums to one per clip."""
        return self.projection.mean(dim=1)

    @property
    def overlap(self) -> Float[Tensor, " batch"]:
        """Mean cosine between different slots: near 1 they have collapsed onto the same frames."""
        rows = self.projection / self.projection.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        slots = rows.shape[1]
        total = (rows @ rows.transpose(1, 2)).sum(dim=(1, 2)) - (rows * rows).sum(dim=(1, 2))
        share: Tensor = total / max(1, slots * (slots - 1))
        return share

    def seconds(self, times: Float[Tensor, " frames"]) -> Float[Tensor, "batch slots"]:
        """The mean moment of each slot, when frame i of the clip was shown at `times[i]`."""
        return self.projection @ times.to(self.projection)


def identity(batch: int, time: int, like: Tensor) -> Float[Tensor, "batch time time"]:
    """The projection of a clip that nobody has shortened yet."""
    return torch.eye(time, dtype=like.dtype, device=like.device).expand(batch, -1, -1)
