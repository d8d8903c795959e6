"""An exponential moving average of the weights, often better than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from onlooker.training.sharding import like


class Ema:
    """`shadow` follows the model's floating-point tensors: shadow = d * shadow + (1 - d) * value.

    d rises as (1 + n) / (10 + n) in update n until it reaches `decay`, so that the random start is soon forgotten.
    Other tensors (counters) are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.shadow = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """After each optimiser step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.shadow[name].lerp_(tensor, 1 - decay)
            else:
                self.shadow[name].copy_(tensor)

    def load(self, shadow: Mapping[str, Tensor], updates: int) -> None:
        """Go on from a checkpoint."""
        self.updates = updates
        for name, tensor in self.shadow.items():
            tensor.copy_(shadow[name])

    def follow(self, model: nn.Module) -> None:
        """Cut the average up as the model's tensors are, after it was sharded."""
        self.shadow = {name: like(self.shadow[name], tensor) for name, tensor in model.state_dict().items()}

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(self.shadow)
        try:
            yield
        finally:
            model.load_state_dict(own)
