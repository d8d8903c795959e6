"""What a clip classifier says of one video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

    from onlooker.methods.recognition.clips import VideoLike
    from onlooker.weights.inputs import InputSpec


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """`scores` float32 (classes,), summing to one; `labels` are the classes' names, or empty when not known.

    >>> Prediction(np.array([0.1, 0.7, 0.2], np.float32), ("run", "walk", "sit")).top(2)
    [('walk', 0.699999988079071), ('sit', 0.20000000298023224)]
    """

    scores: NDArray[np.float32]
    labels: tuple[str, ...] = ()

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most likely classes with their scores, best first; a class without a name is called by its number."""
        best = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.labels[i] if self.labels else str(i), float(self.scores[i])) for i in best.tolist()]


def classify(model: nn.Module, video: VideoLike, spec: InputSpec, labels: tuple[str, ...]) -> Prediction:
    """Softmax of each view's logits, averaged over the views. The model is used in evaluation mode and left as it was.

    Raises ConfigError and MediaError as `read_clip`.
    """
    import torch

    from onlooker.methods.recognition.clips import read_clip, to_views

    where = next(model.parameters())
    views = to_views(read_clip(video, spec), spec).to(device=where.device, dtype=where.dtype)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            scores: Tensor = torch.stack([model(view[None])[0] for view in views]).float().softmax(dim=-1).mean(dim=0)
    finally:
        model.train(was_training)
    return Prediction(scores.cpu().numpy(), labels)
