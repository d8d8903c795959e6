"""How large a model is and what one forward pass costs, without allocating it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_parameters(model: nn.Module) -> int:
    """Numbers that are learned.

    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> int:
    """Multiply-accumulates of one forward pass over an input of `shape`, as papers count FLOPs.

    Counted on the meta device: matrix products, convolutions and attention; element-wise work is left out. Gradients
    are on, so that the network is counted as it is written down, without what it saves where none are wanted.

    >>> count_multiply_adds(lambda: nn.Linear(3, 2), (5, 3))
    30
    """
    with torch.device("meta"):
        model = build().eval()
        clip: Tensor = torch.empty(shape)
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        model(clip)
    return int(counter.get_total_flops()) // 2
