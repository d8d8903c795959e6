"""Which frames of a clip: fewer of them evenly, and several rates at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.video.sampling import subsample

TIME = -4


def uniform_subsample(clip: Tensor, frames: int, *, dim: int = TIME) -> Tensor:
    """`frames` frames from the first to the last, evenly; they repeat when the clip has fewer.

    >>> uniform_subsample(torch.arange(8).view(8, 1, 1, 1), 4).flatten().tolist()
    [0, 2, 4, 7]
    """
    return clip.index_select(dim, torch.from_numpy(subsample(clip.shape[dim], frames)).to(clip.device))


def pathways(clip: Tensor, ratios: Sequence[int] = (4, 1), *, dim: int = TIME) -> list[Tensor]:
    """The clip at several rates, a tensor for each ratio: T // ratio frames, evenly (SlowFast, arXiv:1812.03982).

    Raises ConfigError for a ratio that leaves no frame.

    >>> [len(path) for path in pathways(torch.zeros(8, 3, 2, 2))]
    [2, 8]
    """
    count = clip.shape[dim]
    if any(not 1 <= ratio <= count for ratio in ratios):
        raise ConfigError(f"ratios {tuple(ratios)} leave no frame of {count}: they lie between 1 and {count}.")
    return [uniform_subsample(clip, count // ratio, dim=dim) for ratio in ratios]
