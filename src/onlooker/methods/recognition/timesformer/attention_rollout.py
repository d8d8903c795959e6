"""Attention roll-out: how much of each patch of the clip reaches the class token through all blocks."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from onlooker.errors import ConfigError
from onlooker.methods.recognition.timesformer.blocks import AttentionStep
from onlooker.methods.recognition.timesformer.model import Clip, TimeSformer
from onlooker.nn.tokens import TokenLayout, to_groups


@torch.no_grad()
def rollout(model: TimeSformer, clip: Clip) -> Float[Tensor, "batch time rows columns"]:
    """The class token's attention to each patch, followed back through every attention step; sums to at most one.

    Each step is half its own attention (mean of the heads), half the residual connection, as in arXiv:2005.00928;
    a step in which the class token takes part by copies averages over them, as the model does. The feed-forward
    layers are left out. Quadratic in the number of tokens: for 8 frames of 224 pixels 1569 x 1569 per clip.
    For `space` the frames are followed apart and their maps divided by the number of frames.
    """
    if model.training:
        raise ConfigError("roll-out needs a model in evaluation mode: call model.eval() first.")
    batch, time = clip.shape[:2]
    tokens, layout = model.embed(clip)
    flow = torch.eye(layout.length, device=tokens.device, dtype=tokens.dtype).expand(len(tokens), -1, -1)
    for block in model.blocks:
        classes, patches = layout.split(tokens)
        for module in block.modules():
            if isinstance(module, AttentionStep):
                own = step_matrix(module, classes, patches, layout)
                flow = 0.5 * (own @ flow + flow)
                classes, patches = module(classes, patches, layout)
        tokens = block(tokens, layout)
    reached = flow[:, :1].transpose(1, 2)
    _, places = layout.split(reached)
    if model.time_table is None:
        return places.squeeze(-1).squeeze(1).view(batch, time, layout.height, layout.width) / time
    return places.squeeze(-1)


def step_matrix(
    step: AttentionStep, classes: Tensor, patches: Tensor, layout: TokenLayout
) -> Float[Tensor, "batch length length"]:
    """One step's attention as a matrix over all tokens of a clip; a token outside the step attends to itself."""
    weights = step.attention.weights(step.groups(classes, patches), step.mask(layout, patches.device)).mean(dim=1)
    batch, length = patches.shape[0], layout.length
    members = _members(step, layout, patches.device)
    weights = weights.view(batch, members.shape[0], members.shape[1], members.shape[1])
    flat = (members[:, :, None] * length + members[:, None, :]).flatten()
    matrix = weights.new_zeros(batch, length * length)
    matrix.index_add_(1, flat, weights.flatten(1))
    matrix = matrix.view(batch, length, length)
    if step.step.with_class:
        matrix[:, 0] /= members.shape[0]
    else:
        matrix[:, 0, 0] = 1
    return matrix


def _members(step: AttentionStep, layout: TokenLayout, device: torch.device) -> Int[Tensor, "groups length"]:
    """Positions in the flat sequence of each group's tokens, class token first where it takes part."""
    positions = torch.arange(layout.length, device=device)[None, :, None]
    classes, patches = layout.split(positions)
    groups = to_groups(patches, step.step.within).squeeze(-1)
    if step.step.with_class:
        groups = torch.cat((classes[0].expand(groups.shape[0], -1), groups), dim=1)
    return groups
