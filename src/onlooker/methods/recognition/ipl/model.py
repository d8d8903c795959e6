"""Interactive prototypes: a convolutional backbone under a head for verb and noun (Wang et al., ICCV 2021)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from onlooker.methods.recognition.classifier import ClipClassifier, measured
from onlooker.methods.recognition.convnet import channels_first
from onlooker.methods.recognition.ipl.config import TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.ipl.head import Interaction, InteractiveHead
from onlooker.nn.backbones3d import Backbone3d
from onlooker.weights.inputs import InputSpec

__all__ = ["IPL", "NOT_IN_FILES", "TINY", "VARIANTS", "Config", "build", "interaction_loss", "measure"]

Clip = Float[Tensor, "batch time channel height width"]


class IPL(ClipClassifier):
    """Verb and noun of a first-person clip.

    `forward` takes a normalised RGB clip `(batch, time, channel, height, width)` of any length and size and gives
    logits `(batch, classes)` of all pairs of a verb and a noun: log probabilities, whose softmax is verb probability
    times noun probability. `interact` gives verb and noun apart and the map of the active object; `features` the verb's
    vector and the noun's in a row. `generator` makes the initial weights reproducible. Raises ConfigError for a clip of
    another layout.

    >>> model = IPL(Config(**TINY)).eval()
    >>> model(torch.rand(3, 4, 3, 16, 16)).shape
    torch.Size([3, 6])
    """

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
        self.head = InteractiveHead(
            self.backbone.widths[-1],
            verbs=config.verbs,
            nouns=config.nouns,
            top=config.top,
            temperature=config.temperature,
            noun_temperature=config.noun_temperature,
            prototypes=config.prototypes,
            scale=config.scale,
            background=config.background,
            residual=config.residual,
            dropout=config.dropout,
        )
        self.head.reset(generator)

    def interact(self, clip: Clip) -> Interaction:
        """Verb, noun, and which places belong to which verb."""
        found: Interaction = self.head(self.backbone(channels_first(clip, self.config.channels)))
        return found

    def attention_map(self, clip: Clip) -> Float[Tensor, "batch time rows columns"]:
        """How much of each place belongs to the likeliest verbs: where the model takes the active object to be."""
        return self.interact(clip).active

    def features(self, clip: Clip) -> Float[Tensor, "batch width"]:
        """The verb's vector, then the noun's."""
        found = self.interact(clip)
        return torch.cat((found.verb_feature, found.noun_feature), dim=1)

    def forward(self, clip: Clip) -> Float[Tensor, "batch classes"]:
        return self.interact(clip).action_logits


def interaction_loss(
    found: Interaction, verbs: Int[Tensor, " batch"], nouns: Int[Tensor, " batch"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the verb plus that of the noun. It is also the cross-entropy of the pair's `action_logits`."""
    return functional.cross_entropy(found.verb_logits, verbs) + functional.cross_entropy(found.noun_logits, nouns)


def best_actions(
    logits: Float[Tensor, "batch classes"], nouns: int, seen: Bool[Tensor, " classes"] | None = None
) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Verb and noun of the likeliest pair; `seen` restricts it to the pairs that occurred in training.

    >>> best_actions(torch.tensor([[0.1, 0.2, 0.9, 0.3]]), 2, torch.tensor([True, True, False, True]))
    (tensor([1]), tensor([1]))
    """
    scores = logits if seen is None else logits.masked_fill(~seen, -torch.inf)
    best = scores.argmax(dim=1)
    return best // nouns, best % nouns


def measure(variant: str) -> dict[str, int]:
    """Parameters of a variant and multiply-adds of one test view, counted on the meta device."""
    config = VARIANTS[variant]
    crop = spec_for(config).crop
    return measured(lambda: IPL(config), (1, config.frames, config.channels, crop, crop))


NOT_IN_FILES = ("frames", "stride", "size", "prototypes", "scale", "residual")
"""Numbers of the Config that no checkpoint's names or shapes tell."""


def build(config: Config) -> IPL:
    """A new model, for code that knows methods only by name."""
    return IPL(config)
