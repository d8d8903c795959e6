"""Residual blocks over time, height and width: what the convolutional clip classifiers are built from.

Every convolution is padded by half its (odd) kernel and has no bias; every one is followed by batch normalisation.
Inside these networks tensors are `(batch, channel, time, height, width)`, as PyTorch's convolutions want them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Triple = tuple[int, int, int]
ONE: Triple = (1, 1, 1)

Maps = Float[Tensor, "batch channel time height width"]


def conv3d(inputs: int, outputs: int, kernel: Triple, stride: Triple = ONE, *, groups: int = 1) -> nn.Conv3d:
    """A convolution that keeps the size up to its stride: n positions become ceil(n / stride)."""
    time, height, width = kernel
    padding = (time // 2, height // 2, width // 2)
    return nn.Conv3d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


class ConvNorm(nn.Module):
    """Convolution, batch normalisation and, with `relu`, max(0, x)."""

    def __init__(self, conv: nn.Conv3d, *, relu: bool = True) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm3d(conv.out_channels)
        self.relu = nn.ReLU(inplace=True) if relu else nn.Identity()

    def forward(self, maps: Maps) -> Maps:
        out: Tensor = self.relu(self.norm(self.conv(maps)))
        return out


class Stem(nn.Module):
    """The first convolution with norm and ReLU, and a spatial 3x3 max pool of stride 2 where `pool` says so.

    >>> Stem(3, 8, (1, 7, 7), pool=True)(torch.zeros(1, 3, 4, 32, 32)).shape
    torch.Size([1, 8, 4, 8, 8])
    """

    def __init__(self, channels: int, width: int, kernel: Triple, *, pool: bool, stride: Triple = (1, 2, 2)) -> None:
        super().__init__()
        self.conv = conv3d(channels, width, kernel, stride)
        self.norm = nn.BatchNorm3d(width)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)) if pool else nn.Identity()

    def forward(self, clip: Maps) -> Maps:
        out: Tensor = self.pool(functional.relu(self.norm(self.conv(clip)), inplace=True))
        return out


class Bottleneck(nn.Module):
    """Narrow, convolve, widen: relu(shortcut(x) + norm(conv_c(relu(norm(conv_b(relu(norm(conv_a(x)))))))).

    `conv_a` and `conv_b` come from the method, for they are what methods differ in; both have `inner` outputs.
    `conv_c` is 1x1x1. The shortcut is the identity where neither channels nor resolution change, else a strided
    1x1x1 convolution with norm. `stride` is the product of the two convolutions'.

    >>> conv_a, conv_b = conv3d(8, 4, (3, 1, 1)), conv3d(4, 4, (1, 3, 3), (1, 2, 2))
    >>> Bottleneck(8, 4, 16, conv_a, conv_b, stride=(1, 2, 2))(torch.zeros(1, 8, 4, 8, 8)).shape
    torch.Size([1, 16, 4, 4, 4])
    """

    def __init__(
        self, inputs: int, inner: int, outputs: int, conv_a: nn.Module, conv_b: nn.Module, *, stride: Triple = ONE
    ) -> None:
        super().__init__()
        self.conv_a, self.norm_a = conv_a, nn.BatchNorm3d(inner)
        self.conv_b, self.norm_b = conv_b, nn.BatchNorm3d(inner)
        self.conv_c, self.norm_c = conv3d(inner, outputs, ONE), nn.BatchNorm3d(outputs)
        self.shortcut = make_shortcut(inputs, outputs, stride)

    def forward(self, maps: Maps) -> Maps:
        out = functional.relu(self.norm_a(self.conv_a(maps)), inplace=True)
        out = functional.relu(self.norm_b(self.conv_b(out)), inplace=True)
        out = self.norm_c(self.conv_c(out))
        return functional.relu(out + self.shortcut(maps), inplace=True)


def bottleneck_stage(
    inputs: int, inner: int, kernels: Sequence[int], stride: Triple = ONE, *, dilation: int = 1
) -> nn.Sequential:
    """Bottlenecks (k,1,1), (1,3,3), (1,1,1) of `4 * inner` outputs, a block for each temporal kernel k.

    The first block has the stride: its temporal part on the first convolution, its spatial part on the second.
    `dilation` is that of the spatial kernels.

    >>> bottleneck_stage(8, 4, (3, 1), (1, 2, 2))(torch.zeros(1, 8, 4, 8, 8)).shape
    torch.Size([1, 16, 4, 4, 4])
    """
    blocks: list[nn.Module] = []
    for kernel in kernels:
        conv_a = conv3d(inputs, inner, (kernel, 1, 1), (stride[0], 1, 1))
        conv_b = conv3d(inner, inner, (1, 3, 3), (1, *stride[1:]))
        conv_b.dilation, conv_b.padding = (1, dilation, dilation), (0, dilation, dilation)
        blocks.append(Bottleneck(inputs, inner, 4 * inner, conv_a, conv_b, stride=stride))
        inputs, stride = 4 * inner, ONE
    return nn.Sequential(*blocks)


class BasicBlock(nn.Module):
    """Two convolutions of the full width: relu(shortcut(x) + norm(conv_b(relu(norm(conv_a(x)))))).

    The block of the shallow networks (18 and 34 layers). `stride` is that of `conv_a`.
    """

    def __init__(
        self, inputs: int, outputs: int, conv_a: nn.Module, conv_b: nn.Module, *, stride: Triple = ONE
    ) -> None:
        super().__init__()
        self.conv_a, self.norm_a = conv_a, nn.BatchNorm3d(outputs)
        self.conv_b, self.norm_b = conv_b, nn.BatchNorm3d(outputs)
        self.shortcut = make_shortcut(inputs, outputs, stride)

    def forward(self, maps: Maps) -> Maps:
        out = functional.relu(self.norm_a(self.conv_a(maps)), inplace=True)
        out = self.norm_b(self.conv_b(out))
        return functional.relu(out + self.shortcut(maps), inplace=True)


def make_shortcut(inputs: int, outputs: int, stride: Triple) -> nn.Module:
    """The identity, or a strided 1x1x1 convolution with norm where channels or resolution change."""
    if inputs == outputs and stride == ONE:
        return nn.Identity()
    return ConvNorm(conv3d(inputs, outputs, ONE, stride), relu=False)


def window_average(maps: Maps, window: Triple) -> Maps:
    """Means over windows of that size at every position; a window larger than the maps is cut to them.

    A 0 stands for the whole extent. On a larger clip than the window was made for several positions remain, and the
    classifier is used at each of them, as a convolution would be.

    >>> window_average(torch.arange(4.0).view(1, 1, 1, 1, 4), (1, 1, 3)).flatten().tolist()
    [1.0, 2.0]
    """
    size = maps.shape[2:]
    window = (
        min(window[0] or size[0], size[0]),
        min(window[1] or size[1], size[1]),
        min(window[2] or size[2], size[2]),
    )
    if window == tuple(size):
        return maps.mean(dim=(2, 3, 4), keepdim=True)
    return functional.avg_pool3d(maps, window, stride=1)


def initialise_convnet(model: nn.Module, *, generator: torch.Generator | None = None) -> None:
    """Convolutions normal with variance 2 / fan-out, linear layers normal with deviation 0.01, norms 1 and 0.

    The last norm of each residual branch starts at zero, so that a new block is its shortcut (arXiv:1706.02677). Meta
    tensors are left alone.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv3d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear) and not module.weight.is_meta:
            nn.init.normal_(module.weight, std=0.01, generator=generator)
            nn.init.zeros_(module.bias)
    for module in model.modules():
        last = getattr(module, "norm_c", None) or (module.norm_b if isinstance(module, BasicBlock) else None)
        if isinstance(last, nn.BatchNorm3d) and not last.weight.is_meta:
            nn.init.zeros_(last.weight)
