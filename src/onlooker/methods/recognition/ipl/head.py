"""Verb prototypes, the assignment of places to them, and the noun read from the groups of the likeliest verbs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.ipl.config import Prototypes
from onlooker.nn.residual3d import Maps

Places = Float[Tensor, "batch places channel"]
Groups = Float[Tensor, "batch verbs channel"]


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """What the head made of a clip.

    `assignment` says how much of each place belongs to each verb, and in its last column to the background; its rows
    sum to one. `verb_feature` is the average of the maps, `noun_feature` what the noun was read from, `chosen` the
    verbs that chose it, likeliest first.
    """

    verb_logits: Float[Tensor, "batch verbs"]
    noun_logits: Float[Tensor, "batch nouns"]
    verb_feature: Float[Tensor, "batch channel"]
    noun_feature: Float[Tensor, "batch channel"]
    chosen: Int[Tensor, "batch top"]
    assignment: Float[Tensor, "batch time height width prototypes"]

    @property
    def action_logits(self) -> Float[Tensor, "batch classes"]:
        """Log probabilities of all pairs, verb * nouns + noun: their softmax is verb probability x noun probability."""
        verbs, nouns = self.verb_logits.log_softmax(dim=1), self.noun_logits.log_softmax(dim=1)
        return (verbs[:, :, None] + nouns[:, None, :]).flatten(1)

    @property
    def active(self) -> Float[Tensor, "batch time height width"]:
        """How much of each place belongs to the verbs that chose the noun: where the active object is."""
        index = self.chosen[:, None, None, None, :].expand(*self.assignment.shape[:4], -1)
        return self.assignment.gather(-1, index).sum(dim=-1)


class InteractiveHead(nn.Module):
    """Works on the maps `(batch, channel, time, height, width)` of any backbone.

    Verbs: softmax of cosine(average, p_i) / temperature. Nouns: every place is assigned softly to the prototypes and
    to the background; the groups of the `top` verbs are joined and compared with the nouns by cosine, under a
    temperature of its own.

    >>> head = InteractiveHead(8, verbs=4, nouns=3, top=2)
    >>> found = head(torch.rand(2, 8, 2, 4, 4))
    >>> found.verb_logits.shape, found.noun_logits.shape, found.assignment.shape
    (torch.Size([2, 4]), torch.Size([2, 3]), torch.Size([2, 2, 4, 4, 5]))
    """

    def __init__(
        self,
        channels: int,
        *,
        verbs: int,
        nouns: int,
        top: int = 5,
        temperature: float = 0.1,
        noun_temperature: float = 0.1,
        prototypes: Prototypes = "normalised",
        scale: float = 1.0,
        background: bool = True,
        residual: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.top, self.prototypes, self.residual = min(top, verbs), prototypes, residual
        self.scale = scale
        self.verb_prototypes = nn.Parameter(torch.empty(verbs, channels))
        self.background_prototype = nn.Parameter(torch.empty(1, channels)) if background else None
        self.fusion = Fusion(channels, self.top)
        self.noun_weight = nn.Parameter(torch.empty(nouns, channels))
        # the verb's, then the noun's: averages of clips lie close together, what left the fusion's norm lies far apart
        self.log_temperature = nn.Parameter(torch.tensor([temperature, noun_temperature]).log())
        self.dropout = nn.Dropout(dropout)
        self.reset()

    def reset(self, generator: torch.Generator | None = None) -> None:
        """Prototypes and noun weights of about length one, in random directions."""
        for table in (self.verb_prototypes, self.background_prototype, self.noun_weight):
            if table is not None and not table.is_meta:
                nn.init.normal_(table, std=table.shape[1] ** -0.5, generator=generator)
        self.fusion.reset()

    def forward(self, maps: Maps) -> Interaction:
        feature = maps.mean(dim=(2, 3, 4))
        verb_temperature, noun_temperature = self.log_temperature.exp().unbind()
        verb_logits = cosines(self.dropout(feature), self.verb_prototypes) / verb_temperature
        places = self.scale * maps.flatten(2).transpose(1, 2)
        assignment = self.assign(places)
        groups = self.group(places, assignment[..., : len(self.verb_prototypes)])
        # which verbs are chosen is no differentiable question; what their groups hold is
        chosen = verb_logits.topk(self.top, dim=1).indices
        picked = groups.gather(1, chosen[:, :, None].expand(-1, -1, groups.shape[2]))
        noun_feature = self.fusion(functional.normalize(picked, dim=2))
        noun_logits = cosines(self.dropout(noun_feature), self.noun_weight) / noun_temperature
        shape = (*maps.shape[2:], assignment.shape[-1])
        return Interaction(
            verb_logits, noun_logits, feature, noun_feature, chosen, assignment.reshape(len(maps), *shape)
        )

    def centres(self) -> Float[Tensor, "verbs channel"]:
        """What places are compared with, and what the residual takes away."""
        if self.prototypes == "plain":
            return self.verb_prototypes
        return functional.normalize(self.verb_prototypes, dim=1)

    def assign(self, places: Places) -> Float[Tensor, "batch places prototypes"]:
        """Softmax of z . c_j over the verbs' centres and the background, which therefore competes for every place."""
        centres = self.centres()
        if self.background_prototype is not None:
            centres = torch.cat((centres, self.background_prototype))
        scores: Tensor = (places @ centres.T).float()
        return scores.softmax(dim=-1).to(places.dtype)

    def group(self, places: Places, shares: Float[Tensor, "batch places verbs"]) -> Groups:
        """g_i = sum_s a_si (z_s - c_i); without the residual sum_s a_si z_s. `shares` do not hold the background."""
        groups = shares.transpose(1, 2) @ places
        if self.residual:
            groups = groups - shares.sum(dim=1)[:, :, None] * self.centres()
        return groups


class Fusion(nn.Module):
    """The groups of the chosen verbs, ordered by rank, to one vector: 1-D convolution over them, norm, ReLU."""

    def __init__(self, channels: int, top: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, top, bias=False)
        self.norm = nn.BatchNorm1d(channels)

    def reset(self) -> None:
        """The mean over the groups: a new head reads nouns from much the same as one on averaged maps."""
        if not self.conv.weight.is_meta:
            channels, _, top = self.conv.weight.shape
            with torch.no_grad():
                self.conv.weight.copy_(torch.eye(channels)[:, :, None].expand(-1, -1, top) / top)

    def forward(self, groups: Float[Tensor, "batch top channel"]) -> Float[Tensor, "batch channel"]:
        joined: Tensor = self.conv(groups.transpose(1, 2)).squeeze(2)
        return functional.relu(self.norm(joined))


def cosines(
    features: Float[Tensor, "batch channel"], table: Float[Tensor, "rows channel"]
) -> Float[Tensor, "batch rows"]:
    """Cosine of every feature with every row: over a temperature, the logits of both classifiers."""
    return functional.normalize(features, dim=1) @ functional.normalize(table, dim=1).T
