"""A found (or hand-made) two-stream network, standing on its own without any search code (arXiv:2108.12957)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet.blocks import MobileBlock, cross, make_laterals, stem
from onlooker.methods.recognition.auto_tsnet.config import TINY, VARIANTS, Block, Config, Group, spec_for
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.convnet import channels_first
from onlooker.nn.residual3d import ONE, Maps, conv3d
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "AutoTSNet", "Block", "Config", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]
STEM_TIMES = (1, 5)
"""Temporal kernels of the slow and the fast stem."""


class AutoTSNet(ClipClassifier):
    """Two streams of inverted bottlenecks with an exchange behind each group.

    `forward` takes one normalised RGB clip `(batch, time, channel, height, width)` at the fast rate, its length a
    multiple of `config.alpha`, and gives logits `(batch, classes)`; the slow stream sees every alpha-th frame.
    `features` gives both streams' averages, slow first. `generator` makes the initial weights reproducible. Raises
    ConfigError for a clip of another layout.

    >>> model = AutoTSNet(Config(**TINY)).eval()
    >>> model(torch.zeros(3, 4, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.slow = Stream(config.channels, config.stems[0], STEM_TIMES[0], config.slow, config.slow_widths)
        self.fast = Stream(config.channels, config.stems[1], STEM_TIMES[1], config.fast, config.fast_widths)
        widths = zip(config.fusions, config.slow_widths, config.fast_widths, strict=True)
        self.fusions = nn.ModuleList(make_laterals(fusion, slow, fast, config.alpha) for fusion, slow, fast in widths)
        self.slow_last = LastConv(config.slow_widths[-1], config.heads[0])
        self.fast_last = LastConv(config.fast_widths[-1], config.heads[1])
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(sum(config.heads), config.classes)
        initialise(self, generator)

    def features(self, clip: Clip) -> Float[Tensor, "batch width"]:
        """What the linear layer sees."""
        slow, fast = split(clip, self.config)
        slow, fast = self.slow.stem(slow), self.fast.stem(fast)
        groups = zip(self.slow.groups, self.fast.groups, self.fusions, strict=True)
        for slow_group, fast_group, laterals in groups:
            slow, fast = self._exchange(slow_group(slow), fast_group(fast), laterals.items())  # type: ignore[operator]
        return torch.cat((self.slow_last(slow), self.fast_last(fast)), dim=1)

    def _exchange(self, slow: Maps, fast: Maps, laterals: Iterable[tuple[str, nn.Module]]) -> tuple[Maps, Maps]:
        """Both ways take what the streams were before the exchange."""
        new_slow, new_fast = slow, fast
        for way, lateral in laterals:
            brought = cross(way, lateral, slow, fast, self.config.alpha)
            if way == "back":
                new_fast = new_fast + brought
            else:
                new_slow = new_slow + brought
        return new_slow, new_fast

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.dropout(self.features(clip)))
        return logits


class Stream(nn.Module):
    """Stem and groups; the first block of a group halves height and width."""

    def __init__(self, channels: int, width: int, time: int, groups: Sequence[Group], widths: Sequence[int]) -> None:
        super().__init__()
        self.stem = stem(channels, width, time)
        self.groups = nn.ModuleList()
        for blocks, outputs in zip(groups, widths, strict=True):
            made: list[nn.Module] = []
            for number, block in enumerate(blocks):
                made.append(MobileBlock(width, outputs, block, side=2 if number == 0 else 1))
                width = outputs
            self.groups.append(nn.Sequential(*made))


class LastConv(nn.Module):
    """1x1x1 convolution, norm, Swish and the average over places and moments."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.norm = conv3d(inputs, outputs, ONE), nn.BatchNorm3d(outputs)

    def forward(self, maps: Maps) -> Float[Tensor, "batch width"]:
        out: Tensor = functional.silu(self.norm(self.conv(maps))).mean(dim=(2, 3, 4))
        return out


def split(clip: Clip, config: Config) -> tuple[Maps, Maps]:
    """The slow stream's frames and the fast one's. Raises ConfigError for a length that alpha does not divide."""
    fast = channels_first(clip, config.channels)
    if fast.shape[2] % config.alpha:
        raise ConfigError(f"a clip of {fast.shape[2]} frames at alpha={config.alpha}: give a multiple of alpha frames.")
    return fast[:, :, :: config.alpha], fast


def initialise(model: nn.Module, generator: torch.Generator | None) -> None:
    """Convolutions with variance 2 / fan-out, linear layers with deviation 0.01. Meta tensors are left alone."""
    for module in model.modules():
        if isinstance(module, nn.Conv3d | nn.Linear) and not module.weight.is_meta:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01, generator=generator)
            else:
                # fan-out of the group: a depthwise convolution has one output per input
                outputs = module.out_channels // module.groups * module.weight[0, 0].numel()
                nn.init.normal_(module.weight, std=(2 / outputs) ** 0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: AutoTSNet(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> AutoTSNet:
    """A new model, for code that knows methods only by name."""
    return AutoTSNet(config)
