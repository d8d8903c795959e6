"""Pictures to patch tokens."""

from __future__ import annotations

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError


class PatchEmbed(nn.Module):
    """One token per square patch of each frame: a convolution whose stride is its kernel.

    A remainder of the height or width below one patch is cut off at the bottom and right, as the convolution does.

    >>> import torch
    >>> PatchEmbed(patch=4, dim=8)(torch.zeros(2, 5, 3, 12, 17)).shape
    torch.Size([2, 5, 3, 4, 8])
    """

    def __init__(self, patch: int, dim: int, *, channels: int = 3) -> None:
        super().__init__()
        self.patch = patch
        self.projection = nn.Conv2d(channels, dim, kernel_size=patch, stride=patch)

    def forward(
        self, clip: Float[Tensor, "batch time channel height width"]
    ) -> Float[Tensor, "batch time rows columns dim"]:
        batch, _, channels, height, width = clip.shape
        if channels != self.projection.in_channels:
            raise ConfigError(
                f"the clip has shape {tuple(clip.shape)}: expected (batch, time, channel, height, width) with "
                f"{self.projection.in_channels} channels. Move the channel axis to position 2."
            )
        if min(height, width) < self.patch:
            raise ConfigError(f"frames of {width}x{height} are smaller than one patch of {self.patch} pixels.")
        frames: Tensor = self.projection(clip.flatten(0, 1))
        tokens: Tensor = rearrange(frames, "(batch time) dim rows columns -> batch time rows columns dim", batch=batch)
        return tokens
