"""Small layers that every transformer here uses: feed-forward, stochastic depth, initialisation."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError


class Mlp(nn.Module):
    """Linear, exact GELU, linear.

    >>> Mlp(8, 32)(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        hidden: Tensor = self.fc1(tokens)
        # where nobody else needs it, it is written over: getting as much memory anew takes time that can be seen
        free = not (torch.is_grad_enabled() or torch.compiler.is_compiling())
        if free and not self.fc1._forward_hooks and not self.act._forward_hooks:
            out: Tensor = self.fc2(torch.ops.aten.gelu_(hidden))
        else:
            out = self.fc2(self.act(hidden))
        return out


class DropPath(nn.Module):
    """Stochastic depth: in training, zero whole rows of the first axis and scale the others so that the mean stays.

    Active only in training mode. Source: arXiv:1603.09382.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ConfigError(f"a drop-path rate lies in [0, 1), not {rate}.")
        self.rate = rate

    def forward(self, residual: Float[Tensor, "rows ..."]) -> Float[Tensor, "rows ..."]:
        if not self.training or self.rate == 0:
            return residual
        keep = 1 - self.rate
        kept = torch.empty(residual.shape[0], device=residual.device).bernoulli_(keep).to(residual.dtype)
        return residual * (kept / keep).view(-1, *[1] * (residual.ndim - 1))

    def extra_repr(self) -> str:
        return f"rate={self.rate:g}"


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Rates that rise linearly from 0 in the first block to `last` in the last one.

    >>> drop_path_rates(0.2, 3)
    [0.0, 0.1, 0.2]
    """
    return [last * i / max(depth - 1, 1) for i in range(depth)]


def initialise_transformer(model: nn.Module, *, std: float = 0.02, generator: torch.Generator | None = None) -> None:
    """ViT's initialisation: linear weights truncated normal, biases zero, LayerNorm 1 and 0.

    Convolutions keep PyTorch's default distribution, drawn from the same `generator`. Meta tensors are left alone.
    """
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if not isinstance(weight, Tensor) or weight.is_meta:
            continue
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(weight, std=std, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_uniform_(weight, a=5**0.5, generator=generator)
            if module.bias is not None:
                bound = weight[0].numel() ** -0.5
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
