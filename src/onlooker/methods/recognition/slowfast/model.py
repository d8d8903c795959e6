"""SlowFast: a wide pathway at a low frame rate, a thin one at a high rate, joined sideways (arXiv:1812.03982)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.classifier import measured
from onlooker.methods.recognition.convnet import Clip, ConvClassifier, channels_first
from onlooker.methods.recognition.slowfast.config import TINY, VARIANTS, Config, spec_for
from onlooker.nn.residual3d import (
    ConvNorm,
    Maps,
    Stem,
    bottleneck_stage,
    conv3d,
    initialise_convnet,
    window_average,
)
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "SlowFast", "build", "measure"]


class Pathway(nn.Module):
    """Stem and stages. `extra` are the channels that come in from aside before each stage."""

    def __init__(self, config: Config, name: str, width: int, extra: list[int]) -> None:
        super().__init__()
        time = config.slow_stem_time if name == "slow" else config.fast_stem_time
        self.stem = Stem(config.channels, width, (time, 7, 7), pool=True)
        self.stages = nn.ModuleList()
        outputs = width
        for stage in range(len(config.depths)):
            dilated = config.dilate_last and stage == len(config.depths) - 1
            side = 1 if stage == 0 or dilated else 2
            inner, dilation = width * 2**stage, 2 if dilated else 1
            inputs, kernels = outputs + extra[stage], config.kernels(name, stage)
            self.stages.append(bottleneck_stage(inputs, inner, kernels, (1, side, side), dilation=dilation))
            outputs = 4 * inner


class SlowFast(ConvClassifier):
    """Two residual networks with lateral connections from the fast one to the slow one.

    `forward` takes one normalised RGB clip `(batch, time, channel, height, width)` at the fast rate, its length a
    multiple of `config.alpha`, and gives logits `(batch, classes)`; the slow pathway's frames are taken from it.
    `features` gives `(batch, slow + fast channels)`, slow first. Raises ConfigError for a clip of another layout.

    >>> model = SlowFast(Config(frames=8, size=32, width=8, depths=(1, 1), slow_kernels=((1,), (3,)),
    ...                         fast_kernels=((3,), (3,)), classes=5)).eval()
    >>> model(torch.zeros(3, 8, 3, 32, 32)).shape
    torch.Size([3, 5])
    """

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        thin, growth = config.width // config.beta, 4 * 2 ** (len(config.depths) - 1)
        super().__init__(config, spec_for(config) if spec is None else spec, width=(config.width + thin) * growth)
        outputs = [thin, *(thin * 4 * 2**stage for stage in range(len(config.depths) - 1))]
        extra = [channels * config.lateral_ratio for channels in outputs]
        self.slow = Pathway(config, "slow", config.width, extra)
        self.fast = Pathway(config, "fast", thin, [0] * len(outputs))
        kernel, stride = (config.lateral_kernel, 1, 1), (config.alpha, 1, 1)
        self.laterals = nn.ModuleList(
            ConvNorm(conv3d(channels, more, kernel, stride)) for channels, more in zip(outputs, extra, strict=True)
        )
        initialise_convnet(self, generator=generator)

    def slow_frames(self, clip: Clip) -> Clip:
        """The frames of a clip at the fast rate that the slow pathway sees."""
        time, alpha = clip.shape[1], self.config.alpha
        if time % alpha:
            raise ConfigError(f"a clip of {time} frames at alpha={alpha}: give a multiple of alpha frames.")
        if self.config.behavior == "gluoncv":
            return clip[:, ::alpha]
        count = time // alpha
        # floor(i (T - 1) / (n - 1)) in whole numbers: the first and the last frame are always among them
        chosen = [i * (time - 1) // max(count - 1, 1) for i in range(count)]
        return clip[:, chosen]

    def maps(self, slow: Maps, fast: Maps) -> tuple[Maps, Maps]:
        """The last stages' outputs for the two pathways' inputs `(batch, channel, time, height, width)`."""
        slow, fast = self.slow.stem(slow), self.fast.stem(fast)
        steps = zip(self.laterals, self.slow.stages, self.fast.stages, strict=True)
        for lateral, slow_stage, fast_stage in steps:
            slow, fast = slow_stage(torch.cat((slow, lateral(fast)), dim=1)), fast_stage(fast)
        return slow, fast

    def pool(self, slow: Maps, fast: Maps) -> Maps:
        """Both pathways' averages, slow channels first."""
        side = self.config.side
        return torch.cat(
            (
                window_average(slow, (self.config.slow_frames, side, side)),
                window_average(fast, (self.config.frames, side, side)),
            ),
            dim=1,
        )

    def both(self, clip: Clip) -> tuple[Maps, Maps]:
        """The last stages' outputs for one clip at the fast rate."""
        fast = channels_first(clip, self.config.channels)
        return self.maps(self.slow_frames(clip).transpose(1, 2), fast)

    def maps_over_time(self, clip: Clip) -> Maps:
        """Both pathways' last outputs averaged over time, slow channels first: what detection reads at boxes."""
        return torch.cat([maps.mean(dim=2, keepdim=True) for maps in self.both(clip)], dim=1)

    def positions(self, clip: Clip) -> Maps:
        slow, fast = self.both(clip)
        if slow.shape[2] != self.config.slow_frames:
            # at other lengths than the trained one the pathways' windows no longer move in step
            slow, fast = slow.mean(dim=2, keepdim=True), fast.mean(dim=2, keepdim=True)
        return self.pool(slow, fast)

    def forward_pathways(self, slow: Clip, fast: Clip) -> Float[Tensor, "batch classes"]:
        """Logits for pathways that were sampled by somebody else."""
        channels = self.config.channels
        maps = self.maps(channels_first(slow, channels), channels_first(fast, channels))
        logits: Tensor = self.head(self.dropout(self.pool(*maps).mean(dim=(2, 3, 4))))
        return logits


def measure(variant: str) -> dict[str, int]:
    """Parameters of a published variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: SlowFast(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "alpha")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> SlowFast:
    """A new model, for code that knows methods only by name."""
    return SlowFast(config)
