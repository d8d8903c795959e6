"""TPN's training loss: the classifier's, and a share of that of each earlier level's own classifier."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def tpn_loss(
    logits: Float[Tensor, "batch classes"],
    auxiliary: Sequence[Float[Tensor, "batch classes"]],
    labels: Int[Tensor, " batch"],
    *,
    weight: float = 0.5,
) -> Float[Tensor, ""]:
    """Cross-entropy plus `weight` times that of each earlier level (section 3.2 of arXiv:2004.03548).

    >>> import torch
    >>> float(tpn_loss(torch.zeros(1, 2), [torch.zeros(1, 2)], torch.tensor([0]), weight=1.0)) > 1.38
    True
    """
    total = functional.cross_entropy(logits, labels)
    for own in auxiliary:
        total = total + weight * functional.cross_entropy(own, labels)
    return total
