"""Where a model looks in a clip: its own account of it, on the frames that it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.clips import VideoLike, read_clip, to_views
from onlooker.methods.recognition.contract import ClipModel
from onlooker.methods.recognition.prediction import Prediction, score_views

if TYPE_CHECKING:
    from onlooker.weights.inputs import InputSpec


@runtime_checkable
class Attentive(Protocol):
    """A clip model that can say where it looks.

    `attention_map` gives, for clips (batch, time, channel, height, width), shares (batch, moment, row, column) >= 0:
    moments may be fewer than frames, each then stands for equally many frames.
    """

    def attention_map(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "b t r c"]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """`frames` uint8 RGB (time, side, side, 3) as the model saw them; `shares` float32 (time, row, column): how many
    times more than evenly it looks there (1 everywhere for a model that looks everywhere alike)."""

    frames: UInt8[np.ndarray, "time side side 3"]
    shares: Float[np.ndarray, "time row column"]
    prediction: Prediction


def attend(model: ClipModel, video: VideoLike) -> Attention:
    """Look at the middle clip (and middle crop) of a video and say where the answer comes from.

    Raises ConfigError for a model without `attention_map`, MediaError for a file that cannot be read.
    """
    if not isinstance(model, Attentive) or not isinstance(model, nn.Module):
        raise ConfigError(
            f"{type(model).__name__} cannot say where it looks: choose a method whose model has `attention_map` "
            "(timesformer, for one)."
        )
    spec = model.spec
    views = to_views(read_clip(video, spec), spec)
    view = views[len(views) // 2]
    scores = score_views(model, view[None])[0].numpy()
    where = next(model.parameters())
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            shares = model.attention_map(view[None].to(device=where.device, dtype=where.dtype))[0].float().cpu().numpy()
    finally:
        model.train(was_training)
    shares = shares / max(float(shares.mean()), 1e-12)
    moments = ((np.arange(len(view)) + 0.5) * len(shares) / len(view)).astype(np.int64)
    return Attention(_pictures(view, spec), shares[moments], Prediction(scores, tuple(model.labels)))


def _pictures(
    view: Float[Tensor, "time channel side side"], spec: InputSpec
) -> UInt8[np.ndarray, "time side side channel"]:
    """Normalised frames back to uint8 RGB."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (spec.mean, spec.std))
    pictures = ((view * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    pictures = pictures.flip(1) if spec.channels == "bgr" else pictures
    return pictures.permute(0, 2, 3, 1).numpy()
