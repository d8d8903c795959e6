"""The attention schemes: each block is one, two or three attention steps, then a feed-forward layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from onlooker.methods.recognition.timesformer.config import Attention, Config
from onlooker.nn.attention import SelfAttention
from onlooker.nn.folding import FoldedLinear
from onlooker.nn.layers import DropPath, Mlp
from onlooker.nn.tokens import TokenLayout, from_groups, to_groups

Classes = Float[Tensor, "batch classes dim"]
Grid = Float[Tensor, "batch time height width dim"]


@dataclass(frozen=True, slots=True)
class Step:
    """An attention step: along which axes a patch looks, whether the class token takes part, which pairs are masked."""

    name: str
    within: str
    with_class: bool = True
    pattern: str = ""


EVERYTHING = "time height width"
STEPS: dict[Attention, tuple[Step, ...]] = {
    "space": (Step("space", "height width"),),
    "joint": (Step("joint", EVERYTHING),),
    "divided": (Step("time", "time", with_class=False), Step("space", "height width")),
    "local_global": (Step("local", EVERYTHING, pattern="local"), Step("global", EVERYTHING, pattern="dilated")),
    "axial": (Step("time", "time", with_class=False), Step("width", "width"), Step("height", "height")),
}


class AttentionStep(nn.Module):
    """Residual attention inside groups of patches: x + fc(drop_path(attention(norm(x)))).

    Where the class token takes part, each group gets a copy of it and the residuals of the copies are averaged. All
    steps of a block but the last have `fc`, a linear layer that starts at zero, so that a new model computes what its
    last step alone would.
    """

    def __init__(self, config: Config, step: Step, *, drop_path: float, bridge: bool) -> None:
        super().__init__()
        self.step = step
        self.norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.attention = SelfAttention(config.dim, config.heads, qkv_bias=config.qkv_bias)
        self.drop_path = DropPath(drop_path)
        self.fc = nn.Linear(config.dim, config.dim) if bridge else nn.Identity()
        self._folded = FoldedLinear()

    def groups(self, classes: Classes, patches: Grid) -> Float[Tensor, "groups length dim"]:
        """The normalised sequences that attend to themselves."""
        groups = to_groups(patches, self.step.within)
        if self.step.with_class:
            copies = groups.shape[0] // classes.shape[0]
            groups = torch.cat((classes.repeat_interleave(copies, dim=0), groups), dim=1)
        normed: Tensor = self.norm(groups)
        return normed

    def mask(self, layout: TokenLayout, device: torch.device) -> Bool[Tensor, "1 1 length length"] | None:
        """Who may look at whom, or None for everybody at everybody."""
        if not self.step.pattern:
            return None
        make = local_mask if self.step.pattern == "local" else dilated_mask
        # `to_groups` orders patches time, height, width whatever the order of the flat sequence
        return make(TokenLayout(layout.classes, layout.time, layout.height, layout.width), device)[None, None]

    def residual(
        self, groups: Float[Tensor, "groups length dim"], mask: Tensor | None, *, queries: int | None = None
    ) -> Float[Tensor, "groups queries dim"]:
        """fc(drop_path(attention(groups))), of the first `queries` tokens of each group or of all.

        Without gradients the two linear layers in a row, proj and fc, are applied as one.
        """
        mixed, last = self.attention.mix(groups, mask, queries=queries), self.attention.proj
        if self.training or torch.is_grad_enabled() or not isinstance(self.fc, nn.Linear):
            out: Tensor = self.fc(self.drop_path(last(mixed)))
            return out
        return self._folded(mixed, last, self.fc)

    def forward(self, classes: Classes, patches: Grid, layout: TokenLayout) -> tuple[Classes, Grid]:
        residual = self.residual(self.groups(classes, patches), self.mask(layout, patches.device))
        if self.step.with_class:
            classes, residual = self.joined(classes, residual), residual[:, classes.shape[1] :]
        return classes, patches + from_groups(residual, layout, self.step.within)

    def classes_after(self, classes: Classes, patches: Grid, layout: TokenLayout) -> Classes:
        """The class tokens that `forward` gives, without the work that is for the patches alone."""
        mask, count = self.mask(layout, patches.device), classes.shape[1]
        rows = None if mask is None else mask[..., :count, :]
        return self.joined(classes, self.residual(self.groups(classes, patches), rows, queries=count))

    def joined(self, classes: Classes, residual: Float[Tensor, "groups length dim"]) -> Classes:
        """The class tokens plus the mean of what their copies in the groups gained."""
        batch, count, width = classes.shape
        return classes + residual[:, :count].reshape(batch, -1, count, width).mean(dim=1)


class Block(nn.Module):
    """The steps of one scheme, then the feed-forward layer on all tokens."""

    def __init__(self, config: Config, drop_path: float) -> None:
        super().__init__()
        steps = STEPS[config.attention]
        self.steps = nn.ModuleDict(
            {
                step.name: AttentionStep(config, step, drop_path=drop_path, bridge=step is not steps[-1])
                for step in steps
            }
        )
        self.mlp_norm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.mlp = Mlp(config.dim, int(config.dim * config.mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Float[Tensor, "batch length dim"], layout: TokenLayout) -> Tensor:
        classes, patches = layout.split(tokens)
        for step in self.steps.values():
            classes, patches = step(classes, patches, layout)
        return self.fed_forward(layout.join(classes, patches))

    def classes_after(self, tokens: Float[Tensor, "batch length dim"], layout: TokenLayout) -> Classes:
        """The class tokens that `forward` gives, without the work that is for the patches alone."""
        classes, patches = layout.split(tokens)
        *others, last = self.steps.values()
        for step in others:
            classes, patches = step(classes, patches, layout)
        return self.fed_forward(cast(AttentionStep, last).classes_after(classes, patches, layout))

    def fed_forward(self, tokens: Float[Tensor, "batch length dim"]) -> Float[Tensor, "batch length dim"]:
        """The second half: x + drop_path(mlp(norm(x)))."""
        residual: Tensor = self.drop_path(self.mlp(self.mlp_norm(tokens)))
        return tokens + residual


def local_mask(layout: TokenLayout, device: torch.device | None = None) -> Bool[Tensor, "length length"]:
    """True where a patch sees another in a window of half the height and width around it, in all frames.

    The window is cut off at the borders. Class tokens see everything and are seen by everything. The paper gives the
    window's size; its border rule and the class token's part are our reading.
    """
    row, column = layout.coordinates(device)[:, 1:].unbind(1)
    near = _within(row, layout.height) & _within(column, layout.width)
    return _with_classes(near, layout.classes)


def _within(position: Tensor, size: int) -> Tensor:
    window = max(1, size // 2)
    offset = position[None, :] - position[:, None] + window // 2
    return (offset >= 0) & (offset < window)


def dilated_mask(layout: TokenLayout, device: torch.device | None = None) -> Bool[Tensor, "length length"]:
    """True where two patches lie an even number of steps apart in time, height and width: stride 2 over the clip.

    Class tokens see everything and are seen by everything.
    """
    parity = layout.coordinates(device) % 2
    return _with_classes((parity[:, None] == parity[None, :]).all(dim=-1), layout.classes)


def _with_classes(mask: Tensor, classes: int) -> Tensor:
    return nn.functional.pad(mask, (classes, 0, classes, 0), value=True)
