"""Several activities in one clip: a convolutional backbone under an activity-specific head (arXiv:2009.07420)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from onlooker.methods.recognition.activity_correlation.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.activity_correlation.head import ActivityHead, Findings
from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.convnet import channels_first
from onlooker.nn.backbones3d import Backbone3d
from onlooker.nn.residual3d import Maps
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "ActivityCorrelation", "Config", "build", "measure"]

Clip = Float[Tensor, "batch time channel height width"]


class ActivityCorrelation(ClipClassifier):
    """Multi-label classification of clips, each activity judged from a feature vector of its own.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)` for sigmoids; `features` gives all activities' vectors in a row, `find` everything that
    the head made of the clip, attention maps among it. `generator` makes the initial weights reproducible. Raises
    ConfigError for a clip of another layout.

    >>> model = ActivityCorrelation(Config(**TINY)).eval()
    >>> model(torch.zeros(3, 4, 3, 16, 16)).shape
    torch.Size([3, 5])
    """

    multi_label = True

    def __init__(
        self, config: Config, *, spec: InputSpec | None = None, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(config, spec_for(config) if spec is None else spec)
        self.backbone = Backbone3d(
            config.backbone,
            width=config.width,
            depths=config.depths,
            channels=config.channels,
            halve_time=config.backbone == "i3d",
            generator=generator,
        )
        self.head = ActivityHead(
            self.backbone.widths[-1],
            activities=config.classes,
            observations=config.observations,
            inner=config.inner,
            query=config.query,
            correlations=config.correlations,
            static=config.static,
            dropout=config.dropout,
        )
        self.head.reset(generator)

    def maps(self, clip: Clip) -> list[Maps]:
        """The backbone's maps of the clip at each of the rates."""
        images = channels_first(clip, self.config.channels)
        return [self.backbone(images[:, :, ::rate]) for rate in self.config.rates]

    def find(self, clip: Clip) -> Findings:
        """Logits, features, attention maps, weights and relations."""
        found: Findings = self.head(self.maps(clip))
        return found

    def attention_map(self, clip: Clip) -> Float[Tensor, "batch time rows columns"]:
        """Which places and moments support the likeliest activity of each clip, at the first of the rates."""
        found = self.find(clip)
        likeliest = found.logits.argmax(dim=1)
        return found.where()[torch.arange(len(likeliest)), likeliest]

    def features(self, clip: Clip) -> Float[Tensor, "batch width"]:
        """The activities' vectors one after another, as their classifiers see them."""
        return self.find(clip).features.flatten(1)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        return self.find(clip).logits

    def freeze_observations(self) -> None:
        """Only what lies behind the observations goes on learning: the step after `rates` was widened."""
        for part in (self.backbone, self.head.observe):
            part.requires_grad_(False)


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: ActivityCorrelation(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "rates")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> ActivityCorrelation:
    """A new model, for code that knows methods only by name."""
    return ActivityCorrelation(config)
