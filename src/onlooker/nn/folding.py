"""Two linear layers in a row as one, for inference: the product of their matrices, kept while they stay the same."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class FoldedLinear:
    """`second(first(x))` as one linear layer, where neither has dropout or the like between.

    The product of the matrices is made once and again whenever either matrix has changed, by whatever means: each call
    compares a fingerprint of them (a weighted sum of every row), which costs as much as two columns of the product.

    >>> first, second = nn.Linear(4, 6), nn.Linear(6, 3)
    >>> with torch.no_grad():
    ...     out = FoldedLinear()(torch.ones(2, 4), first, second)
    >>> torch.allclose(out, second(first(torch.ones(2, 4))), atol=1e-6)
    True
    """

    def __init__(self) -> None:
        self._kept: tuple[Tensor, Tensor] | None = None

    def __call__(
        self, tokens: Float[Tensor, "*batch width"], first: nn.Linear, second: nn.Linear
    ) -> Float[Tensor, "*batch out"]:
        bias = second.bias if first.bias is None else second(first.bias)
        return functional.linear(tokens, self._product(first.weight, second.weight), bias)

    def _product(self, first: Tensor, second: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # a traced graph holds the weights, not what was made of them once
            return second @ first
        print_ = torch.cat((_fingerprint(first), _fingerprint(second)))
        if self._kept is None or not _same(self._kept[0], print_):
            self._kept = print_, second @ first
        return self._kept[1]


def _fingerprint(weight: Float[Tensor, "rows columns"]) -> Float[Tensor, " rows"]:
    return weight @ torch.linspace(0.5, 1.5, weight.shape[1], dtype=weight.dtype, device=weight.device)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.device == other.device and one.dtype == other.dtype and torch.equal(one, other)
