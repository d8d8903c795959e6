"""What all clip classifiers share: their numbers, the preprocessing of their weights, and `predict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from onlooker.methods.recognition.prediction import Prediction, classify
from onlooker.nn.counting import count_multiply_adds, count_parameters
from onlooker.weights.inputs import InputSpec

if TYPE_CHECKING:
    from onlooker.methods.recognition.clips import VideoLike


class ClipClassifier(nn.Module):
    """The base of a `ClipModel`; a method adds its layers, `features` and `forward`.

    `multi_label` says that several classes may hold together, so that scores are sigmoids and not a softmax.
    """

    multi_label = False

    def __init__(self, config: Any, spec: InputSpec) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.labels: tuple[str, ...] = ()

    def predict(self, video: VideoLike, *, clips: int = 1) -> Prediction:
        """Class scores of a video: a path, a `Video`, or uint8 frames `(time, height, width, 3)`.

        All preprocessing follows `self.spec`; `clips` moments are looked at, spread evenly (one alone in the middle),
        and the scores of all their views are averaged. Raises MediaError for a file that cannot be read, ConfigError
        for other arrays.
        """
        return classify(self, video, self.spec, self.labels, clips=clips)


def measured(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> dict[str, int]:
    """Parameters of a model and multiply-adds of one view of `shape`, counted on the meta device."""
    with torch.device("meta"):
        parameters = count_parameters(build())
    return {"parameters": parameters, "multiply_adds": count_multiply_adds(build, shape)}
