"""A classifier of taught actions: cosines between a clip's features and the mean of each action's examples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.recognition.prediction import Prediction, classify
from onlooker.methods.recognition.taught.config import TINY, VARIANTS, Config
from onlooker.methods.registry import find

if TYPE_CHECKING:
    from onlooker.methods.recognition.clips import VideoLike
    from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
    from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "Taught", "build", "measure"]

CLIPS = 3  # moments that `predict` looks at: an action need not lie in the middle
FEWEST = 20  # trajectories of a window that says something


class Head(nn.Module):
    """From features to cosines: multiply by `scale` where there is one, normalise, subtract `centre`, shrink the
    directions in which examples of one action differ (rows of `nuisance`, by `gains`), normalise again, compare with
    `means`, of which an action may have a second one for its mirror image.

    Below `threshold`, one for all or (with a `background`) one for each, an action is not believed; `sharpness` turns
    cosines into logits.
    """

    scale: Tensor | None
    centre: Tensor
    means: Tensor
    nuisance: Tensor
    gains: Tensor
    threshold: Tensor
    sharpness: Tensor

    def __init__(self, width: int, actions: int, rank: int, sides: int = 1, *, background: bool = False) -> None:
        super().__init__()
        self.sides = sides
        self.register_buffer("scale", torch.ones(width) if background else None)
        for name, value in (
            ("centre", torch.zeros(width)),
            ("means", torch.zeros(actions * sides, width)),
            ("nuisance", torch.zeros(rank, width)),
            ("gains", torch.ones(rank)),
            ("threshold", torch.zeros(actions if background else ())),
            ("sharpness", torch.ones(())),
        ):
            self.register_buffer(name, value)

    def project(self, features: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        """Unit vectors that tell actions apart."""
        given = features.to(self.centre.dtype)
        apart = functional.normalize(given if self.scale is None else given * self.scale, dim=1) - self.centre
        apart = apart + ((apart @ self.nuisance.T) * (self.gains - 1)) @ self.nuisance
        return functional.normalize(apart, dim=1)

    def cosines(self, features: Float[Tensor, "batch width"]) -> Float[Tensor, "batch actions"]:
        """How like each action, from -1 to 1; zero where the features are, for they say nothing."""
        each = self.project(features) @ self.means.T
        best = each.reshape(len(each), -1, self.sides).amax(dim=2)
        return best * (features != 0).any(dim=1, keepdim=True)

    def forward(self, features: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        above = self.cosines(features) - self.threshold
        return self.sharpness * functional.pad(above, (0, 1))


class Taught(nn.Module):
    """Taught actions and, as the last class, the unknown: the best class when no cosine reaches the threshold.

    `forward` takes the normalised clip of the backbone `(batch, time, channel, height, width)`; `features` are the
    backbone's. Make one with `learn`, or read one with `load("mine.safetensors")`.

    >>> model = build(Config(**TINY)).eval()
    >>> model(torch.zeros(2, 4, 3, 32, 32)).shape
    torch.Size([2, 5])
    """

    def __init__(self, config: Config, backbone: Any = None) -> None:
        super().__init__()
        self.config = config
        self.backbone: Any = _backbone(config) if backbone is None else backbone
        self.head = Head(config.width, config.actions, config.rank, config.sides, background=config.background)
        self.spec: InputSpec = self.backbone.spec
        self.labels: tuple[str, ...] = ()

    def features(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch width"]:
        """The backbone's features; zeros, which are like no action, where too little is followed to tell."""
        return features_of_clip(self.backbone, clip, fewest=FEWEST)

    def encode(self, parts: Iterable[Trajectories]) -> Float[Tensor, " width"]:
        """`features` of trajectories that were found before, where the backbone follows points."""
        return features_of_paths(self.backbone, parts, FEWEST)

    def classify(self, features: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        """Logits of features."""
        logits: Tensor = self.head(features)
        return logits

    def forward(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]:
        return self.classify(self.features(clip))

    def predict(self, video: VideoLike, *, clips: int = CLIPS) -> Prediction:
        """Scores of a video: a path, a `Video`, or uint8 frames. Raises MediaError, ConfigError."""
        return classify(self, video, self.spec, self.labels, clips=clips)


def features_of_clip(
    backbone: Any, clip: Float[Tensor, "batch time channel height width"], *, fewest: int = 0
) -> Tensor:
    """`backbone.features`. Where it follows points from frame to frame, frames that only repeat the one before (a video
    slower than the backbone wants) are left out: nothing moves in them; and fewer than `fewest` trajectories give
    zeros."""
    if not hasattr(backbone, "trajectories"):
        found: Tensor = backbone.features(clip)
        return found
    rows = []
    for one in clip:
        new = torch.ones(len(one), dtype=torch.bool, device=one.device)
        new[1:] = (one[1:] != one[:-1]).flatten(1).any(dim=1)
        rows.append(features_of_paths(backbone, backbone.trajectories(_pictures(one[new], backbone.spec)), fewest))
    return torch.stack(rows)


def features_of_paths(backbone: Any, parts: Iterable[Trajectories], fewest: int) -> Tensor:
    """What the backbone makes of trajectories; zeros of fewer than `fewest`."""
    found = list(parts)
    row: Tensor = backbone.encode(found)
    return row if sum(map(len, found)) >= fewest else torch.zeros_like(row)


def _pictures(clip: Float[Tensor, "time channel height width"], spec: InputSpec) -> NDArray[np.uint8]:
    """The frames that were normalised."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (spec.mean, spec.std))
    pictures = ((clip.float().cpu() * std + mean) * 255).round().clamp(0, 255).byte()
    return np.asarray(pictures.permute(0, 2, 3, 1).contiguous().numpy(), np.uint8)


def _backbone(config: Config) -> Any:
    module = find(config.backbone).load("model")
    settings = {name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(config.settings).items()}
    return module.build(module.Config(**settings))


NOT_IN_FILES: tuple[str, ...] = ()
"""Numbers of the Config that no file's names or shapes tell."""


def measure(variant: str) -> dict[str, int]:
    """The backbone's figures, and the numbers and multiply-adds of comparing with the examples' means."""
    config = VARIANTS[variant]
    method = find(config.backbone)
    of_backbone = method.load("model").measure(method.variants[0])
    head = Head(config.width, config.actions, config.rank, config.sides, background=config.background)
    return {
        "parameters": of_backbone["parameters"] + sum(value.numel() for value in head.buffers()),
        "multiply_adds": of_backbone["multiply_adds"]
        + config.width * (len(head.means) + 2 * config.rank + config.background),
    }


def build(config: Config) -> Taught:
    """A model that has learned nothing yet."""
    return Taught(config)
