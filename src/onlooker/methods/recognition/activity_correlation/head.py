"""From feature maps to activities: observations, a feature per activity, correlations, a classifier per activity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.methods.recognition.activity_correlation.config import Query
from onlooker.nn.residual3d import Maps

Observed = Float[Tensor, "batch observations inner"]
Activities = Float[Tensor, "batch activities inner"]


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What the head made of a clip.

    `attention` has one map per observation and rate, each summing to one; `weights` says how much of each observation
    an activity took (rows sum to one); `relations` how much each activity heard of each other (rows sum to one; None
    without correlations); `features` is one vector per activity.
    """

    logits: Float[Tensor, "batch activities"]
    features: Activities
    attention: tuple[Float[Tensor, "batch observations time height width"], ...]
    weights: Float[Tensor, "batch activities total_observations"]
    relations: Float[Tensor, "batch activities activities"] | None

    def where(self, rate: int = 0) -> Float[Tensor, "batch activities time height width"]:
        """Which places and moments support each activity, at one of the rates."""
        maps = self.attention[rate]
        first = sum(part.shape[1] for part in self.attention[:rate])
        weights = self.weights[..., first : first + maps.shape[1]]
        return torch.einsum("ban,bnthw->bathw", weights, maps)


class ActivityHead(nn.Module):
    """Works on the maps `(batch, channel, time, height, width)` of any backbone, or of boxes cut from them.

    Several maps, as a clip gives at several rates, put their observations together. Without position codes the head
    does not know where things are, only what they are.

    >>> head = ActivityHead(8, activities=5, observations=3, inner=4)
    >>> head([torch.zeros(2, 8, 2, 4, 4)]).logits.shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        channels: int,
        *,
        activities: int,
        observations: int = 64,
        inner: int = 128,
        query: Query = "learned",
        correlations: bool = True,
        static: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.observe = Observations(channels, observations, inner, query)
        self.mix = ActivityFeatures(activities, inner)
        self.correlate = Correlations(activities, inner, static=static) if correlations else None
        self.dropout = nn.Dropout(dropout)
        self.classify = ActivityClassifiers(activities, inner)

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Random weights again: every linear map and query with variance 1 / inputs, biases and tables at zero.

        What activities hear of each other starts at zero, so that correlations only come in where they help.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear) and not module.weight.is_meta:
                nn.init.normal_(module.weight, std=module.in_features**-0.5, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for table in (self.observe.query, self.mix.embed):
            if table is not None and not table.is_meta:
                nn.init.normal_(table, generator=generator)
        if self.correlate is not None and not self.correlate.v.weight.is_meta:
            nn.init.zeros_(self.correlate.v.weight)
        if not self.classify.weight.is_meta:
            nn.init.normal_(self.classify.weight, std=self.classify.weight.shape[1] ** -0.5, generator=generator)
            nn.init.zeros_(self.classify.bias)

    def forward(self, maps: Sequence[Maps]) -> Findings:
        found = [self.observe(part) for part in maps]
        features, weights = self.mix(torch.cat([observed for observed, _ in found], dim=1))
        relations = None
        if self.correlate is not None:
            features, relations = self.correlate(features)
        logits = self.classify(self.dropout(features))
        return Findings(logits, features, tuple(attention for _, attention in found), weights, relations)


class Observations(nn.Module):
    """Obs_k = sum over x of O_k(x) V(x), O_k the softmax over all places and moments of u_k K(x) / sqrt(d).

    The values are shared by the observations. The softmax is taken in float32: maps may have thousands of places.
    """

    def __init__(self, channels: int, observations: int, inner: int, query: Query) -> None:
        super().__init__()
        self.observations, self.inner = observations, inner
        self.key = nn.Linear(channels, inner)
        self.value = nn.Linear(channels, inner)
        self.query = nn.Parameter(torch.randn(observations, inner)) if query == "learned" else None
        self.from_clip = nn.Linear(channels, observations * inner) if query == "clip" else None

    def forward(self, maps: Maps) -> tuple[Observed, Float[Tensor, "batch observations time height width"]]:
        places = maps.flatten(2).transpose(1, 2)
        scores = torch.einsum("bnd,bxd->bnx", self._queries(places), self.key(places)).float()
        attention = (scores / math.sqrt(self.inner)).softmax(dim=-1).to(maps.dtype)
        observed: Tensor = attention @ self.value(places)
        return observed, attention.reshape(*attention.shape[:2], *maps.shape[2:])

    def _queries(self, places: Float[Tensor, "batch places channel"]) -> Observed:
        if self.from_clip is not None:
            queries: Tensor = self.from_clip(places.mean(dim=1))
            return queries.view(-1, self.observations, self.inner)
        assert self.query is not None
        return self.query.expand(len(places), -1, -1)


class ActivityFeatures(nn.Module):
    """F_a = sum over k of attn_a,k g(Obs_k), attn the softmax over observations of E_a W Obs_k / sqrt(d)."""

    def __init__(self, activities: int, inner: int) -> None:
        super().__init__()
        self.inner = inner
        self.embed = nn.Parameter(torch.randn(activities, inner))
        self.key = nn.Linear(inner, inner, bias=False)
        self.value = nn.Linear(inner, inner)

    def forward(self, observed: Observed) -> tuple[Activities, Float[Tensor, "batch activities observations"]]:
        scores = torch.einsum("ad,bnd->ban", self.embed, self.key(observed)).float()
        weights = (scores / math.sqrt(self.inner)).softmax(dim=-1).to(observed.dtype)
        features: Tensor = weights @ self.value(observed)
        return features, weights


class Correlations(nn.Module):
    """F' = F + R W_3 F, R the softmax over activities of (W_1 F)(W_2 F)^T / sqrt(d) + a learned table.

    An activity may hear itself; nothing is masked.
    """

    def __init__(self, activities: int, inner: int, *, static: bool) -> None:
        super().__init__()
        self.inner = inner
        self.q = nn.Linear(inner, inner, bias=False)
        self.k = nn.Linear(inner, inner, bias=False)
        self.v = nn.Linear(inner, inner, bias=False)
        self.bias = nn.Parameter(torch.zeros(activities, activities)) if static else None

    def forward(self, features: Activities) -> tuple[Activities, Float[Tensor, "batch activities activities"]]:
        scores = (self.q(features) @ self.k(features).transpose(1, 2)).float() / math.sqrt(self.inner)
        if self.bias is not None:
            scores = scores + self.bias.float()
        relations = scores.softmax(dim=-1).to(features.dtype)
        return features + relations @ self.v(features), relations


class ActivityClassifiers(nn.Module):
    """logit_a = w_a . F_a + b_a: each activity is judged from its own vector alone."""

    def __init__(self, activities: int, inner: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(activities, inner) * inner**-0.5)
        self.bias = nn.Parameter(torch.zeros(activities))

    def forward(self, features: Activities) -> Float[Tensor, "batch activities"]:
        return torch.einsum("bac,ac->ba", features, self.weight) + self.bias
