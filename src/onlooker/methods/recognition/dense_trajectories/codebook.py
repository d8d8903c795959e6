"""What turns descriptors into a Fisher vector: a PCA and a mixture of gaussians for each descriptor type."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories import fisher
from onlooker.methods.recognition.dense_trajectories.config import CHANNELS
from onlooker.methods.recognition.dense_trajectories.rows import Floats, Trajectories

KMEANS, EXPECTATIONS = 10, 30
FLOOR = 1e-3
"""Variances stay above this share of the data's."""
_ROWS = 8192


class Pca(nn.Module):
    """`mean` (dim,) and `components` (reduced, dim), the directions of greatest variance."""

    mean: Tensor
    components: Tensor

    def __init__(self, dim: int, reduced: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("components", torch.randn(reduced, dim, generator=generator) / dim**0.5)

    def forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows reduced"]:
        return (rows - self.mean) @ self.components.T

    def fit(self, rows: Float[Tensor, "rows dim"]) -> None:
        """Principal directions of the rows; the sign is such that each one's largest number is positive."""
        mean = rows.double().mean(0)
        centred = rows.double() - mean
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        components = vectors.flip(1).T[: len(self.components)]
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self.mean.copy_(mean)
        self.components.copy_(components * largest.sign())


class Mixture(nn.Module):
    """`weights` (gaussians,), `means` and `vars` (gaussians, dim) of gaussians with diagonal covariances."""

    weights: Tensor
    means: Tensor
    vars: Tensor

    def __init__(self, gaussians: int, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((gaussians,), 1 / gaussians))
        self.register_buffer("means", torch.randn(gaussians, dim, generator=generator))
        self.register_buffer("vars", torch.ones(gaussians, dim))

    def fit(self, rows: Float[Tensor, "rows dim"], generator: torch.Generator) -> list[float]:
        """Expectation maximisation from k-means; gives the mean log-likelihood before each step, which never falls.

        A gaussian that loses all its rows keeps its place with next to no weight.
        """
        spread = rows.var(0, unbiased=False)
        nearest = self._kmeans(rows, generator)
        self._maximise(rows, torch.nn.functional.one_hot(nearest, len(self.weights)).to(rows.dtype), spread)
        history = []
        for _ in range(EXPECTATIONS):
            joint = fisher.log_joint(rows, self.weights, self.means, self.vars)
            history.append(float(joint.logsumexp(1).double().mean()))
            self._maximise(rows, joint.softmax(1), spread)
        return history

    def _kmeans(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        chosen = torch.randperm(len(rows), generator=generator)[: len(self.weights)]
        centres = rows[chosen].clone()
        for _ in range(KMEANS):
            nearest = (rows @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1)
            counts = torch.bincount(nearest, minlength=len(centres))
            sums = torch.zeros_like(centres).index_add_(0, nearest, rows)
            centres = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centres)
        return nearest

    def _maximise(self, rows: Tensor, shares: Tensor, spread: Tensor) -> None:
        zeroth, first, second = fisher.moments(rows, shares)
        total = zeroth[:, None].clamp_min(1e-6)
        means = torch.where(zeroth[:, None] > 1e-6, first / total, self.means)
        self.vars.copy_(torch.maximum(second / total - means**2, FLOOR * spread.clamp_min(1e-12)))
        self.means.copy_(means)
        weights = zeroth.clamp_min(1e-6)
        self.weights.copy_(weights / weights.sum())


class Channel(nn.Module):
    """One descriptor type."""

    def __init__(self, name: str, gaussians: int, generator: torch.Generator) -> None:
        super().__init__()
        self.name = name
        self.pca = Pca(CHANNELS[name], CHANNELS[name] // 2, generator)
        self.gmm = Mixture(gaussians, CHANNELS[name] // 2, generator)

    def shares(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Reduced rows, and how likely each comes from each gaussian."""
        reduced: Tensor = self.pca(rows)
        return reduced, fisher.posteriors(reduced, self.gmm.weights, self.gmm.means, self.gmm.vars)

    def fit(self, rows: Floats, generator: torch.Generator) -> None:
        """Learn both from a sample of descriptors. Raises ConfigError for fewer than two per gaussian."""
        if len(rows) < 2 * len(self.gmm.weights):
            raise ConfigError(
                f"{len(rows)} trajectories are too few for {len(self.gmm.weights)} gaussians: give more or longer "
                "videos in which something moves, or choose fewer gaussians."
            )
        given = torch.from_numpy(rows)
        self.pca.fit(given)
        self.gmm.fit(self.pca(given), generator)


class Sums:
    """The moments of all trajectories so far, in float64: what a Fisher vector is made of, of any length of video."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self.count = 0
        self._moments: dict[str, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def add(self, found: Trajectories) -> None:
        """Take in more trajectories."""
        for name, channel in self._channels.items():
            for start in range(0, len(found), _ROWS):
                reduced, shares = channel.shares(torch.from_numpy(found.channel(name)[start : start + _ROWS]))
                more = fisher.moments(reduced.double(), shares.double())
                held = self._moments.get(name)
                self._moments[name] = (
                    more if held is None else (held[0] + more[0], held[1] + more[1], held[2] + more[2])
                )
        self.count += len(found)

    def vector(self) -> Float[Tensor, " dim"]:
        """The Fisher vector: each type normalised by itself, then joined; zeros where nothing moved."""
        return torch.cat([self._part(name, channel.gmm) for name, channel in self._channels.items()])

    def _part(self, name: str, gmm: Mixture) -> Tensor:
        if name not in self._moments:
            return torch.zeros(2 * gmm.means.numel())
        weights, means, variances = gmm.weights.double(), gmm.means.double(), gmm.vars.double()
        both = fisher.gradients(*self._moments[name], self.count, weights, means, variances)
        return fisher.normalise(torch.cat([gradient.flatten() for gradient in both])).float()
