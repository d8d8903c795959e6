"""A clip classifier with trained weights, as the analysis and the commands use one. Imports no torch at start."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onlooker.errors import ConfigError
from onlooker.methods.registry import find
from onlooker.weights.card import Card
from onlooker.weights.header import read_header
from onlooker.weights.sources import locate, refuse_pickle

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, UInt8
    from numpy.typing import NDArray

    from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
    from onlooker.weights.inputs import InputSpec

UNKNOWN = "unknown"
"""The label of a taught classifier for what is none of its actions."""

BRIEF = 4.0
"""Seconds of a window for weights that were trained on whole clips: about what such clips last."""


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """`model` is a `ClipModel` in evaluation mode, `labels` a name for each class, `source` what rows of it are signed
    with (`method/variant@digest`), `digest` that of the file, `licence` what is known of code, weights and data."""

    model: Any
    labels: tuple[str, ...]
    source: str
    digest: str
    licence: str

    @property
    def spec(self) -> InputSpec:
        """The preprocessing of the weights."""
        found: InputSpec = self.model.spec
        return found

    @property
    def seconds(self) -> float:
        """How much video the weights want to see at once."""
        return self.spec.seconds if self.spec.sampling == "stride" else BRIEF

    def scores(self, images: UInt8[np.ndarray, "time height width 3"], *, views: int | None = None) -> NDArray[Any]:
        """Scores (classes,) of the frames of one clip, averaged over the views of the specification (or `views`)."""
        from onlooker.methods.recognition.prediction import score_views

        found: NDArray[Any] = score_views(self.model, self._views(images, views)).mean(dim=0).numpy()
        return found

    def embedding(self, images: UInt8[np.ndarray, "time height width 3"]) -> Float[np.ndarray, " width"]:
        """What the classifier layer sees of one clip, cut in the middle: float32 (width,)."""
        return features_of(self.model, images)

    @property
    def following(self) -> Any:
        """How the weights follow points from frame to frame (a configuration of dense trajectories); None if not."""
        backbone = getattr(self.model, "backbone", self.model)
        return backbone.config if hasattr(backbone, "trajectories") else None

    def scores_of(self, found: Trajectories) -> NDArray[Any]:
        """Scores (classes,) of trajectories, for weights that follow points."""
        import torch

        from onlooker.methods.recognition.prediction import to_scores

        with torch.inference_mode():
            logits = self.model.classify(self.model.encode([found])[None])
            scores: NDArray[Any] = to_scores(self.model, logits)[0].numpy()
        return scores

    def _views(self, images: UInt8[np.ndarray, "time height width 3"], views: int | None) -> Any:
        from onlooker.methods.recognition.clips import to_views

        return to_views(images, self.spec if views is None else replace(self.spec, views=views))


def features_of(model: Any, images: UInt8[np.ndarray, "time height width 3"]) -> Float[np.ndarray, " width"]:
    """`model.features` of one clip of uint8 frames, cut in the middle: float32 (width,)."""
    import torch

    from onlooker.methods.recognition.clips import to_views
    from onlooker.methods.recognition.taught.model import features_of_clip

    view = to_views(images, replace(model.spec, views=1))
    where = next(model.parameters(), view)
    with torch.inference_mode():
        vector = features_of_clip(model, view.to(device=where.device, dtype=where.dtype))[0]
    return vector.float().cpu().numpy()  # type: ignore[no-any-return]


def ships_weights(name: str) -> Path | None:
    """The numbers that come with a method (learned on Onlooker's own pictures), or None: then it needs weights."""
    method = find(name.partition("/")[0])
    spec = importlib.util.find_spec(method.package)
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
    path = None if folder is None else folder / "codebook.safetensors"
    return path if path is not None and path.is_file() else None


def is_file(name: str) -> bool:
    """Whether `name` speaks of weights rather than of a method."""
    return name.endswith(".safetensors") or name.startswith("hf://") or Path(name).is_file()


def check_request(name: str, weights: str | None = None) -> None:
    """Refuse, before any work, what cannot become a recogniser: a method without weights, a pickle, a missing file.

    Raises ConfigError, UnsafeCheckpoint.
    """
    if weights is None and not is_file(name):
        refuse_pickle(name)
        beside = Path(name + ".safetensors")
        if beside.is_file():
            raise ConfigError(f"{name}: no such file. Did you mean {beside.name}?")
        if name.startswith(("/", "./", "../", "~")):
            raise ConfigError(f"{name}: no weights there. Name a file that ends in .safetensors, or a method.")
        if ships_weights(name):
            return
        method = find(name.partition("/")[0])
        raise ConfigError(
            f"{name} is a method without weights, and a random model says nothing about a video. Give the weights: the "
            f"file itself in place of the name (a .safetensors file; its card says the method), or the name with "
            f"--weights FILE.safetensors. Official files of {method.title} are converted once with: onlooker weights "
            f"convert FILE --method {method.name} --out {method.name}.safetensors"
        )
    text = name if weights is None else weights
    refuse_pickle(text)
    if not text.startswith("hf://") and not Path(text).is_file():
        raise ConfigError(f"{text}: no weights there (looked in {Path(text).parent.absolute()}). Check the path.")


def open_recogniser(
    name: str, weights: str | None = None, *, commercial: bool = False, settings: Mapping[str, Any] | None = None
) -> Recogniser:
    """The classifier in a weights file (`name` a safetensors path or `hf://` address), or method `name` with `weights`.

    `settings` overrides single numbers of the configuration. Classes without a name are called by their number. Raises
    ConfigError for a method without weights, and what `load` raises.
    """
    check_request(name, weights)
    shipped = None if weights is not None or is_file(name) else ships_weights(name)
    file = locate(shipped or weights or name)
    card = Card.from_metadata(read_header(file.path).metadata, file.path.name)
    from onlooker.methods.loading import load

    model = load(name, weights, commercial=commercial, settings=settings)
    known = card or Card(*name.partition("/")[::2])
    if shipped is not None:
        known = replace(known, variant=name.partition("/")[2])
    labels = model.labels or tuple(f"class {number}" for number in range(model.config.classes))
    if len(labels) != model.config.classes:
        raise ConfigError(
            f"{file.path.name}: its card names {len(labels)} classes, the model has {model.config.classes}. Convert "
            "the weights again with the right labels."
        )
    source = f"{known.method}/{known.variant or 'default'}@{file.sha256[:12]}"
    licence = f"code {known.code_licence}, weights {known.weights_licence}, data {known.data_licence}"
    return Recogniser(model, labels, source, file.sha256, licence)
