"""Which token is which: class tokens first, then one token per time and place, in a declared order.

The functions are pure reshapes; `TokenLayout` says what a flat sequence means so that no caller has to remember it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Int, Shaped
from torch import Tensor

from onlooker.errors import ConfigError

Order = Literal["time height width", "height width time"]


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """A sequence of `classes` class tokens, then `time * height * width` patches; the last axis of `order` is fastest.

    >>> layout = TokenLayout(classes=1, time=2, height=3, width=4, order="height width time")
    >>> layout.length
    25
    >>> classes, patches = layout.split(torch.zeros(5, 25, 8))
    >>> classes.shape, patches.shape
    (torch.Size([5, 1, 8]), torch.Size([5, 2, 3, 4, 8]))
    >>> layout.join(classes, patches).shape
    torch.Size([5, 25, 8])
    """

    classes: int
    time: int
    height: int
    width: int
    order: Order = "time height width"

    @property
    def patches(self) -> int:
        """How many tokens are not class tokens."""
        return self.time * self.height * self.width

    @property
    def length(self) -> int:
        """How many tokens there are in all."""
        return self.classes + self.patches

    def split(
        self, tokens: Shaped[Tensor, "batch length dim"]
    ) -> tuple[Shaped[Tensor, "batch classes dim"], Shaped[Tensor, "batch time height width dim"]]:
        """Class tokens, and patches on their grid. Both are views. Raises ConfigError for another length."""
        if tokens.shape[1] != self.length:
            raise ConfigError(f"{tokens.shape[1]} tokens do not fit {self}: it has {self.length}.")
        grid = rearrange(
            tokens[:, self.classes :],
            f"batch ({self.order}) dim -> batch time height width dim",
            time=self.time,
            height=self.height,
            width=self.width,
        )
        return tokens[:, : self.classes], grid

    def join(
        self,
        classes: Shaped[Tensor, "batch classes dim"],
        patches: Shaped[Tensor, "batch time height width dim"],
    ) -> Shaped[Tensor, "batch length dim"]:
        """Undoes `split`."""
        flat = rearrange(patches, f"batch time height width dim -> batch ({self.order}) dim")
        return torch.cat((classes, flat), dim=1)

    def coordinates(self, device: torch.device | None = None) -> Int[Tensor, "patches 3"]:
        """Time, row and column of each patch, in the order of the sequence."""
        axes = (torch.arange(size, device=device) for size in (self.time, self.height, self.width))
        grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
        return rearrange(grid, f"time height width three -> ({self.order}) three")


def to_groups(
    patches: Shaped[Tensor, "batch time height width dim"], within: str
) -> Shaped[Tensor, "groups length dim"]:
    """One sequence per place outside `within`, for example `within="time"` or `within="height width"`.

    Rows are ordered batch slowest, then the remaining axes in the order time, height, width.

    >>> to_groups(torch.zeros(2, 3, 4, 5, 8), within="time").shape
    torch.Size([40, 3, 8])
    """
    return rearrange(patches, f"batch time height width dim -> (batch {_outside(within)}) ({within}) dim")


def from_groups(
    groups: Shaped[Tensor, "groups length dim"], layout: TokenLayout, within: str
) -> Shaped[Tensor, "batch time height width dim"]:
    """Undoes `to_groups`."""
    return rearrange(
        groups,
        f"(batch {_outside(within)}) ({within}) dim -> batch time height width dim",
        time=layout.time,
        height=layout.height,
        width=layout.width,
    )


def _outside(within: str) -> str:
    return " ".join(axis for axis in ("time", "height", "width") if axis not in within.split())
