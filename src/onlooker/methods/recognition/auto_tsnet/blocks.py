"""What a found network is made of: inverted bottlenecks, their attention, and the exchange between streams.

Names and shapes are those of the supernet's, so that its weights, cut to size, are those of a found network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.auto_tsnet.config import Block, Fusion
from onlooker.nn.residual3d import ONE, Maps, Triple, conv3d

LATERAL_KERNEL = 5
"""Frames that the strided temporal convolution from the fast stream looks at."""


def expanded(channels: int, rate: float) -> int:
    """Channels inside a block: the rate times its inputs, to the nearest whole number.

    >>> expanded(24, 2.25)
    54
    """
    return max(1, round(channels * rate))


def squeezed(inner: int) -> int:
    """Channels in the middle of squeeze-and-excitation: a quarter of those inside the block."""
    return max(1, inner // 4)


class MobileBlock(nn.Module):
    """1x1x1 to more channels, depthwise (t, k, k), attention, 1x1x1 back; plus the input where the shapes agree.

    Swish behind the first and the depthwise convolution, each of the three with batch normalisation.

    >>> MobileBlock(4, 4, Block(3, 3, 2.0), side=1)(torch.zeros(1, 4, 2, 8, 8)).shape
    torch.Size([1, 4, 2, 8, 8])
    """

    def __init__(self, inputs: int, outputs: int, block: Block, *, side: int) -> None:
        super().__init__()
        inner = expanded(inputs, block.expansion)
        kernel = (block.time, block.space, block.space)
        self.expand, self.norm_a = conv3d(inputs, inner, ONE), nn.BatchNorm3d(inner)
        self.depthwise = conv3d(inner, inner, kernel, (1, side, side), groups=inner)
        self.norm_b = nn.BatchNorm3d(inner)
        self.squeeze = Squeeze(inner, squeezed(inner)) if block.attention == "squeeze" else None
        self.spacetime = SpaceTime(inner) if block.attention == "spacetime" else None
        self.project, self.norm_c = conv3d(inner, outputs, ONE), nn.BatchNorm3d(outputs)
        self.residual = inputs == outputs and side == 1

    def forward(self, maps: Maps) -> Maps:
        out = functional.silu(self.norm_a(self.expand(maps)))
        out = self.norm_b(self.depthwise(out))
        for attention in (self.squeeze, self.spacetime):
            if attention is not None:
                out = out * attention(out)
        out = self.norm_c(self.project(functional.silu(out)))
        answer: Tensor = out + maps if self.residual else out
        return answer


class Squeeze(nn.Module):
    """Squeeze-and-excitation (arXiv:1709.01507): a factor per channel from the averages of all of them."""

    def __init__(self, inner: int, hidden: int) -> None:
        super().__init__()
        self.reduce, self.restore = nn.Conv3d(inner, hidden, 1), nn.Conv3d(hidden, inner, 1)

    def forward(self, maps: Maps) -> Tensor:
        hidden = functional.relu(self.reduce(maps.mean(dim=(2, 3, 4), keepdim=True)))
        return torch.sigmoid(self.restore(hidden))


class SpaceTime(nn.Module):
    """A factor per place and moment, from all channels in a 3x3x3 neighbourhood."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.weigh = nn.Conv3d(inner, 1, 3, padding=1)

    def forward(self, maps: Maps) -> Tensor:
        return torch.sigmoid(self.weigh(maps))


class Lateral(nn.Module):
    """One way between the streams, with batch normalisation: what is added to the other stream's maps."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.conv, self.norm = conv, nn.BatchNorm3d(conv.out_channels)

    def forward(self, maps: Maps) -> Maps:
        out: Tensor = self.norm(self.conv(maps))
        return out


def make_laterals(fusion: Fusion, slow: int, fast: int, alpha: int) -> nn.ModuleDict:
    """The ways that an exchange needs, by name; none for `none`."""
    made: dict[str, nn.Module] = {}
    for way in WAYS[fusion]:
        made[way] = Lateral(lateral_conv(way, slow, fast, alpha))
    return nn.ModuleDict(made)


WAYS: dict[Fusion, tuple[str, ...]] = {
    "none": (),
    "conv": ("conv",),
    "sample": ("sample",),
    "channels": ("channels",),
    "back": ("back",),
    "both": ("conv", "back"),
}


def lateral_conv(way: str, slow: int, fast: int, alpha: int) -> nn.Conv3d:
    """The convolution of one way. `sample` and `channels` change the time axis before it, `back` after it."""
    if way == "conv":
        return conv3d(fast, slow, (LATERAL_KERNEL, 1, 1), (alpha, 1, 1))
    if way == "channels":
        return conv3d(fast * alpha, slow, ONE)
    return conv3d(slow, fast, ONE) if way == "back" else conv3d(fast, slow, ONE)


def cross(way: str, lateral: nn.Module, slow: Maps, fast: Maps, alpha: int) -> Maps:
    """What one way brings: to the slow stream, or for `back` to the fast one."""
    if way == "back":
        return torch.repeat_interleave(lateral(slow), alpha, dim=2)
    if way == "sample":
        fast = fast[:, :, ::alpha]
    elif way == "channels":
        fast = time_to_channels(fast, alpha)
    return lateral(fast)  # type: ignore[no-any-return]


def time_to_channels(fast: Maps, alpha: int) -> Maps:
    """Each `alpha` frames side by side in the channels: channel c of frame k at c * alpha + k, so that fewer channels
    are a prefix."""
    batch, channels, time, height, width = fast.shape
    cut = fast.reshape(batch, channels, time // alpha, alpha, height, width).transpose(2, 3)
    return cut.reshape(batch, channels * alpha, time // alpha, height, width)


def stem(channels: int, width: int, time: int) -> nn.Sequential:
    """A spatial convolution of stride 2, a temporal depthwise one, norm and Swish, as in X3D."""
    spatial: Triple = (1, 3, 3)
    return nn.Sequential(
        conv3d(channels, width, spatial, (1, 2, 2)),
        conv3d(width, width, (time, 1, 1), groups=width),
        nn.BatchNorm3d(width),
        nn.SiLU(),
    )
