"""Dense trajectories as a model: video in, Fisher vector or class scores out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories.camera import Boxes
from onlooker.methods.recognition.dense_trajectories.codebook import Channel, Sums
from onlooker.methods.recognition.dense_trajectories.config import CHANNELS, TINY, VARIANTS, Config, spec_for
from onlooker.methods.recognition.dense_trajectories.extractor import Extractor
from onlooker.methods.recognition.dense_trajectories.frames import frames_of
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
from onlooker.methods.recognition.dense_trajectories.svm import fit_svm
from onlooker.methods.recognition.prediction import Prediction
from onlooker.weights.card import Card
from onlooker.weights.inputs import InputSpec
from onlooker.weights.loading import load_weights, open_state
from onlooker.weights.saving import save_weights

if TYPE_CHECKING:
    from onlooker.methods.recognition.clips import VideoLike

CODEBOOK = "codebook.safetensors"
SAMPLES_PER_GAUSSIAN = 1000
AT_ONCE = 4096
"""Trajectories are encoded by as many: what a frame gives alone costs more in calls, and in waiting threads."""

__all__ = ["NOT_IN_FILES", "TINY", "VARIANTS", "Config", "DenseTrajectories", "build", "measure"]


class Classifier(nn.Module):
    """`coef` (classes, dim) and `intercept` (classes,) of a linear classifier."""

    coef: Tensor
    intercept: Tensor

    def __init__(self, classes: int, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("coef", torch.randn(classes, dim, generator=generator) / dim**0.5)
        self.register_buffer("intercept", torch.zeros(classes))

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch classes"]:
        return vectors @ self.coef.T + self.intercept


class DenseTrajectories(nn.Module):
    """Trajectories of a video, their Fisher vector, and a linear classifier of it.

    Nothing here is trained by gradients. `fit` learns the codebook from videos (one comes with Onlooker, see `build`),
    `fit_classifier` the classes from labelled Fisher vectors. A video may be a path, a `Video`, a `Clip`, or uint8
    frames; it is read at its own rate and scaled down to `config.width`. Without weights the numbers are random.

    >>> model = build(Config(scales=1))
    >>> model.features(np.zeros((20, 48, 64, 3), np.uint8)).shape
    torch.Size([27264])
    """

    def __init__(self, config: Config, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.spec: InputSpec = spec_for(config)
        self.labels: tuple[str, ...] = ()
        generator = generator or torch.Generator().manual_seed(0)
        for name in CHANNELS:
            self.add_module(name, Channel(name, config.gaussians, generator))
        self.svm = Classifier(config.classes, config.dim, generator) if config.classes else None

    @property
    def codebook(self) -> dict[str, Channel]:
        """PCA and mixture of each descriptor type."""
        return {name: cast("Channel", self.get_submodule(name)) for name in CHANNELS}

    def trajectories(self, video: VideoLike, *, boxes: Sequence[Boxes] | None = None) -> Iterator[Trajectories]:
        """What ends at each frame, in pixels of the frame as it is looked at (see `config.width`).

        `boxes`, an array (n, 4) of x1, y1, x2, y2 for each frame in pixels of the video, say where people are.
        Memory does not grow with the video. Raises MediaError, and ConfigError for frames of another form.
        """
        extractor = Extractor(self.config)
        frames, scale = frames_of(video, self.config.width)
        scaled = None if boxes is None else [np.asarray(box, np.float32) * np.float32(scale) for box in boxes]
        yield from extractor.stream(frames, extractor.init_state(), scaled)

    def features(
        self,
        video: VideoLike | Float[Tensor, "batch time channel height width"],
        *,
        boxes: Sequence[Boxes] | None = None,
    ) -> Float[Tensor, " dim"] | Float[Tensor, "batch dim"]:
        """The Fisher vector of a video; zeros when nothing moves. Raises as `trajectories`.

        A normalised float clip `(batch, time, channel, height, width)`, as other clip models take it, gives a row for
        each clip.
        """
        if isinstance(video, Tensor) and video.is_floating_point():
            return torch.stack([self.features(images) for images in self._images(video)])
        return self.encode(self.trajectories(video, boxes=boxes))

    def _images(self, clips: Tensor) -> Iterator[NDArray[np.uint8]]:
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise ConfigError(
                f"a clip has the axes (batch, time, channel, height, width); this one has shape {tuple(clips.shape)}."
            )
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.spec.mean, self.spec.std))
        for clip in clips.float().cpu():
            yield ((clip * std + mean) * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()

    def forward(self, clip: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]:
        return self.classify(self.features(clip))

    def classify(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch classes"]:
        """Margins of Fisher vectors. Raises ConfigError while there is no classifier."""
        if self.svm is None:
            raise ConfigError("this model has no classes yet: teach it some with fit_classifier().")
        margins: Tensor = self.svm(vectors)
        return margins

    @torch.no_grad()
    def predict(self, video: VideoLike, *, clips: int = 1, boxes: Sequence[Boxes] | None = None) -> Prediction:
        """Class scores of a video: the softmax of the margins, which is an order, not a probability.

        All of the video is looked at, so `clips` changes nothing. Raises ConfigError without a classifier, else as
        `trajectories`.
        """
        del clips
        margins = self.classify(self.features(video, boxes=boxes)[None])[0]
        return Prediction(margins.softmax(0).numpy(), self.labels)

    def fit(self, videos: Iterable[VideoLike], *, seed: int = 0, samples: int | None = None) -> int:
        """Learn the codebook from videos; a classifier learned before no longer fits and has to be learned again.

        `samples` trajectories (default: 1000 for each gaussian; the paper takes 256,000 for 256) are drawn with equal
        chance from all, and memory holds no more. Gives their number. Raises ConfigError when there are too few.
        """
        kept = self._sample(videos, samples or SAMPLES_PER_GAUSSIAN * self.config.gaussians, seed)
        self.fit_trajectories(kept, seed=seed)
        return len(kept)

    @torch.no_grad()
    def fit_trajectories(self, found: Trajectories, *, seed: int = 0) -> None:
        """Learn the codebook from trajectories. Raises ConfigError when there are too few."""
        generator = torch.Generator().manual_seed(seed)
        for name, channel in self.codebook.items():
            channel.fit(found.channel(name), generator)

    def encode(self, parts: Iterable[Trajectories]) -> Float[Tensor, " dim"]:
        """The Fisher vector of trajectories that come in parts."""
        sums = Sums(self.codebook)
        waiting: list[Trajectories] = []
        for part in parts:
            waiting.append(part)
            if sum(map(len, waiting)) >= AT_ONCE:
                _add(sums, waiting)
                waiting = []
        _add(sums, waiting)
        return sums.vector()

    def _sample(self, videos: Iterable[VideoLike], most: int, seed: int) -> Trajectories:
        """Those with the smallest of random numbers, one for each."""
        generator = np.random.default_rng(seed)
        kept, drawn = Trajectories.none(), np.zeros(0)
        waiting: list[Trajectories] = []
        for video in videos:
            for found in self.trajectories(video):
                waiting.append(found)
                if sum(map(len, waiting)) > most // 4:
                    kept, drawn = _smallest(kept, drawn, waiting, generator, most)
                    waiting = []
        return _smallest(kept, drawn, waiting, generator, most)[0]

    @torch.no_grad()
    def fit_classifier(
        self, vectors: Float[Tensor, "videos dim"], labels: Sequence[str], *, cost: float = 100.0
    ) -> DenseTrajectories:
        """A model with the same codebook and a linear classifier of the distinct labels, in sorted order.

        `vectors` are features of videos, a row each. Raises ConfigError for fewer than two labels.
        """
        names = tuple(sorted(set(labels)))
        numbers = np.array([names.index(label) for label in labels], np.int64)
        coefficients, intercepts = fit_svm(vectors.numpy(), numbers, len(names), cost)
        taught = DenseTrajectories(replace(self.config, classes=len(names))).eval()
        for name, channel in taught.codebook.items():
            channel.load_state_dict(self.codebook[name].state_dict())
        own = {"coef": torch.from_numpy(coefficients), "intercept": torch.from_numpy(intercepts)}
        taught.get_submodule("svm").load_state_dict(own)
        taught.labels = names
        return taught

    def save(self, path: str | Path, *, origin: str = "", data_licence: str = "unknown") -> None:
        """Write codebook, classifier and card; `load("dense_trajectories", path)` reads them. Errors: StorageError."""
        card = Card(
            method="dense_trajectories",
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0",
            data_licence=data_licence,
            origin=origin,
            config=json.dumps(asdict(self.config), sort_keys=True),
            spec=self.spec,
            labels=self.labels,
        )
        save_weights(path, self.state_dict(), card)


def _add(sums: Sums, waiting: list[Trajectories]) -> None:
    """With one thread: others wait busily for more to do, and take the processors from finding the flow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        sums.add(Trajectories.join(waiting))
    finally:
        torch.set_num_threads(threads)


def _smallest(
    kept: Trajectories, drawn: NDArray[np.float64], more: list[Trajectories], generator: np.random.Generator, most: int
) -> tuple[Trajectories, NDArray[np.float64]]:
    joined = Trajectories.join([kept, *more])
    drawn = np.concatenate((drawn, generator.random(len(joined) - len(kept))))
    chosen = np.sort(np.argsort(drawn, kind="stable")[:most])
    return joined.pick(chosen), drawn[chosen]


NOT_IN_FILES: tuple[str, ...] = ()
"""Numbers of the Config that no file's names or shapes tell."""


def measure(variant: str) -> dict[str, int]:
    """Numbers of the codebook, and multiply-adds of encoding one trajectory."""
    config = VARIANTS[variant]
    with torch.device("meta"):
        numbers = sum(table.numel() for table in DenseTrajectories(config, generator=torch.Generator("cpu")).buffers())
    halves = [length // 2 for length in CHANNELS.values()]
    reducing = sum(length * half for length, half in zip(CHANNELS.values(), halves, strict=True))
    return {"parameters": numbers, "multiply_adds": reducing + 4 * config.gaussians * sum(halves)}


def build(config: Config) -> DenseTrajectories:
    """A model with the codebook that comes with Onlooker where it has the right size, else with random numbers."""
    model = DenseTrajectories(config)
    shipped = resources.files(__package__) / CODEBOOK
    same_size = config.gaussians == VARIANTS["improved"].gaussians
    if not same_size or next(model.buffers()).is_meta or not shipped.is_file():
        return model
    with resources.as_file(shipped) as path:
        numbers, _, _ = open_state(path)
    own = {name: table for name, table in model.state_dict().items() if name.startswith("svm.")}
    load_weights(model, {**numbers, **own})
    return model
