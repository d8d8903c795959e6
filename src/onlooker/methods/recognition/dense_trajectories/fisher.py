"""Fisher vectors: how a set of descriptors would pull at the means and deviations of a mixture of gaussians.

Section 3 of F. Perronnin, J. Sánchez, T. Mensink, *Improving the Fisher Kernel for Large-Scale Image Classification*,
ECCV 2010. The gradient by the mixture's weights is left out.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

Rows = Float[Tensor, "rows dim"]
Weights = Float[Tensor, " gaussians"]
Table = Float[Tensor, "gaussians dim"]


def log_joint(rows: Rows, weights: Weights, means: Table, variances: Table) -> Float[Tensor, "rows gaussians"]:
    """Logarithm of weight times density of each row under each gaussian with a diagonal covariance."""
    precision = 1 / variances
    constant = weights.log() - 0.5 * (variances.log().sum(1) + means.shape[1] * math.log(2 * math.pi))
    distance = rows**2 @ precision.T - 2 * rows @ (means * precision).T + (means**2 * precision).sum(1)
    return constant - 0.5 * distance


def posteriors(rows: Rows, weights: Weights, means: Table, variances: Table) -> Float[Tensor, "rows gaussians"]:
    """How likely each row comes from each gaussian; every row sums to one."""
    return log_joint(rows, weights, means, variances).softmax(dim=1)


def moments(rows: Rows, shares: Float[Tensor, "rows gaussians"]) -> tuple[Weights, Table, Table]:
    """Sums over rows of the shares, of the shares times the row, and times its square: all a Fisher vector needs."""
    return shares.sum(0), shares.T @ rows, shares.T @ rows**2


def gradients(
    zeroth: Weights, first: Table, second: Table, count: int, weights: Weights, means: Table, variances: Table
) -> tuple[Table, Table]:
    """The gradients by means and by deviations from the moments of `count` descriptors.

    G_mu = 1 / (N sqrt(w)) sum of gamma (x - mu) / sigma, G_sigma = 1 / (N sqrt(2 w)) sum of gamma ((x - mu)^2 / sigma^2
    - 1). Without descriptors both are zero.
    """
    scale = 1 / (max(count, 1) * weights.sqrt())[:, None]
    total = zeroth[:, None]
    by_mean = scale * (first - total * means) / variances.sqrt()
    spread = (second - 2 * means * first + total * means**2) / variances - total
    return by_mean, scale / math.sqrt(2) * spread


def normalise(vector: Float[Tensor, " dim"]) -> Float[Tensor, " dim"]:
    """Signed square root, then unit length; zero stays zero.

    >>> normalise(torch.tensor([9.0, -16.0])).tolist()
    [0.6000000238418579, -0.800000011920929]
    """
    rooted = vector.sign() * vector.abs().sqrt()
    length: Tensor = rooted.norm().clamp_min(torch.finfo(vector.dtype).tiny)
    return rooted / length
