"""What every clip classifier offers, so that code can use one it knows only by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from onlooker.errors import ConfigError
from onlooker.methods.registry import Method

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from onlooker.methods.recognition.clips import VideoLike
    from onlooker.methods.recognition.prediction import Prediction
    from onlooker.weights.inputs import InputSpec


@runtime_checkable
class ClipModel(Protocol):
    """A module from one normalised RGB clip `(batch, time, channel, height, width)` to logits `(batch, classes)`.

    - `config` is the frozen dataclass that `build(config)` of its folder takes, `spec` the preprocessing of its
      weights, `labels` the class names (empty when not known). `load` sets `spec` and `labels` from the weights' card.
    - `forward` takes one clip, whatever happens inside: a model of several pathways gets its fastest one and
      subsamples it itself; one that needs flow or differences computes them.
    - `features` gives one vector per clip, what the classifier layer sees: finite, `(batch, width)`.
    - `predict` takes a video as it is (path, `Video`, uint8 frames) and does all preprocessing from `spec`.
    - `multi_label = True`, an attribute that only such models need, says that several classes may hold together: their
      scores are sigmoids, not a softmax.
    - `auxiliary_weight`, likewise: training asks `forward(clip, auxiliary=True)` for the logits and a list of those of
      earlier layers, whose losses count so much.

    Its folder's `model.py` also has `Config`, `VARIANTS`, `NOT_IN_FILES`, `build`, `measure(variant)` and `TINY`:
    settings of the first variant that make a model of any random weights build and run in milliseconds.

    >>> from onlooker.methods.recognition.timesformer import Config, TimeSformer
    >>> isinstance(TimeSformer(Config(frames=2, size=16, patch=8, dim=8, depth=1, heads=1, classes=3)), ClipModel)
    True
    """

    config: Any
    spec: InputSpec
    labels: tuple[str, ...]

    def __call__(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]: ...

    def features(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch width"]: ...

    def predict(self, video: VideoLike) -> Prediction: ...


def tiny_settings(method: Method) -> Mapping[str, Any]:
    """Settings for `load(method.name, settings=...)` that give a small random model.

    Raises ConfigError when the method's folder offers none.
    """
    settings = getattr(method.load("model"), "TINY", None)
    if settings is None:
        raise ConfigError(
            f"{method.name} offers no tiny model: add `TINY: dict[str, Any]` to its model.py (or import it there from "
            "config.py), settings of its first variant such as {'depth': 1, 'dim': 16, 'frames': 2, 'size': 16}."
        )
    return dict(settings)
