"""What a clip classifier says of one video."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn

    from onlooker.methods.recognition.clips import VideoLike
    from onlooker.weights.inputs import InputSpec


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """`scores` float32 (classes,): probabilities that sum to one, or each on its own where labels may hold together.

    `labels` are the classes' names, or empty when not known.

    >>> Prediction(np.array([0.1, 0.7, 0.2], np.float32), ("run", "walk", "sit")).top(2)
    [('walk', 0.699999988079071), ('sit', 0.20000000298023224)]
    """

    scores: NDArray[np.float32]
    labels: tuple[str, ...] = ()

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most likely classes with their scores, best first; a class without a name is called by its number."""
        best = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.labels[i] if self.labels else str(i), float(self.scores[i])) for i in best.tolist()]


def classify(
    model: nn.Module, video: VideoLike, spec: InputSpec, labels: tuple[str, ...], *, clips: int = 1
) -> Prediction:
    """Scores of each view, averaged over the views: `clips` moments times `spec.views` crops.

    Raises ConfigError and MediaError as `read_clips`.
    """
    import torch

    from onlooker.methods.recognition.clips import read_clips, to_views

    found = [score_views(model, to_views(images, spec)) for images in read_clips(video, spec, clips)]
    return Prediction(torch.cat(found).mean(dim=0).numpy(), labels)


def score_views(
    model: nn.Module, views: Float[Tensor, "view time channel height width"]
) -> Float[Tensor, "view classes"]:
    """Scores of normalised views in [0, 1], float32 on the processor, one view at a time.

    The model is used in evaluation mode, without gradients, and left as it was.
    """
    import torch

    # a model that is not trained by gradients may have buffers alone
    where = next(itertools.chain(model.parameters(), model.buffers()))
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            logits = torch.cat([model(view[None].to(device=where.device, dtype=where.dtype)) for view in views])
            return to_scores(model, logits).cpu()
    finally:
        model.train(was_training)


def to_scores(model: nn.Module, logits: Float[Tensor, "*batch classes"]) -> Float[Tensor, "*batch classes"]:
    """Softmax, or for a model whose `multi_label` is true the sigmoid of each class, in float32."""
    return logits.float().sigmoid() if multi_label(model) else logits.float().softmax(dim=-1)


def multi_label(model: object) -> bool:
    """Whether several classes may hold together; a model that doesn't say so has exclusive classes."""
    return bool(getattr(model, "multi_label", False))
