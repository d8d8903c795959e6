"""One layer of VidTr in its three forms: over a grid with class tokens, over patches beside a class token, jointly."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.methods.recognition.vidtr.attention import Attention, Grid, Kept, take_by_head
from onlooker.methods.recognition.vidtr.config import Config

Form = Literal["grid", "patches", "joint"]
Tokens = Float[Tensor, "batch length dim"]
Left = Float[Tensor, "batch left dim"]


class FeedForward(nn.Module):
    """Linear, ReLU, dropout, linear: the released models use ReLU although they start from a GELU transformer."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tokens) -> Tokens:
        out: Tensor = self.fc2(self.dropout(self.fc1(tokens).relu()))
        return out


class Layer(nn.Module):
    """x + attention(LN(x) + position), then x + feed-forward(LN(x)).

    `grid`: the tokens are rows of time by columns of places, class tokens among them. `patches`: token 0 is the class
    token, which stays out of the attention (its attention output is its attention input, without projection), the
    others are time by places; `drop` time steps leave. `joint`: all tokens look at all.
    """

    def __init__(self, config: Config, form: Form, drop: int | None = None) -> None:
        super().__init__()
        self.form, self.drop = form, drop
        self.attention_norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.attention = Attention(
            config.dim, config.heads, dropout=config.dropout, select=config.select, reproject=config.reproject
        )
        self.mlp_norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.mlp = FeedForward(config.dim, config.hidden, config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tokens, places: int, position: Tensor | None) -> tuple[Left, Kept | None]:
        """`places` are the columns of the grid. Gives the tokens and, where time steps were dropped, the kept ones."""
        normed = self.attention_norm(tokens)
        normed = normed if position is None else normed + position
        tokens, attended, kept = self.attend(tokens, normed, places)
        tokens = tokens + self.dropout(attended)
        return tokens + self.dropout(self.mlp(self.mlp_norm(tokens))), kept

    def attend(self, tokens: Tokens, normed: Tokens, places: int) -> tuple[Left, Left, Kept | None]:
        """The residual stream (shorter where time steps leave), the attention's output and the kept time steps."""
        if self.form == "joint":
            return tokens, self.attention.joint(normed), None
        if self.form == "grid":
            return tokens, self.attention.separable(_grid(normed, places)).flatten(1, 2), None
        class_token, patches = normed[:, :1], _grid(normed[:, 1:], places)
        if self.drop is None:
            return tokens, torch.cat((class_token, self.attention.separable(patches).flatten(1, 2)), dim=1), None
        attended, kept = self.attention.pooled(patches, self.drop)
        stream = take_by_head(_grid(tokens[:, 1:], places), kept).flatten(1, 2)
        stream = torch.cat((tokens[:, :1], stream), dim=1)
        return stream, torch.cat((class_token, attended.flatten(1, 2)), dim=1), kept


def _grid(tokens: Tokens, places: int) -> Grid:
    return tokens.reshape(len(tokens), -1, places, tokens.shape[-1])
