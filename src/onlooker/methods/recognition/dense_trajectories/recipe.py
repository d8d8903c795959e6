"""A whole training run from a YAML file: codebook, Fisher vectors, classifier, and its accuracy.

python -m onlooker.methods.recognition.dense_trajectories.recipe RECIPE.yaml OUT.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories.config import VARIANTS
from onlooker.methods.recognition.dense_trajectories.model import DenseTrajectories
from onlooker.world.dataset import Recipe as WorldRecipe
from onlooker.world.dataset import WorldClips

Tell = Callable[[str], None]
Labelled = Iterator[tuple["NDArray[np.uint8] | Path", str]]

_KEYS = {"name", "seed", "variant", "settings", "train", "val", "samples", "cost", "data_licence"}
_REQUIRED = {"name", "variant", "train"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`trajectories` the codebook was learned from; `accuracy` on `val`, None without a classifier."""

    model: DenseTrajectories
    trajectories: int
    accuracy: float | None


def run(recipe: Mapping[str, Any], folder: Path, tell: Tell = lambda line: None) -> Outcome:
    """Follow a recipe; paths in it are relative to `folder`. Raises ConfigError for unknown or missing keys.

    `train` and `val` are `{world: {...}}` (arguments of `world.dataset.Recipe`, `split` and `length`) or `{list: FILE}`
    with a path and a label in each line. The codebook is learned from `train`; with `cost`, a classifier too.
    """
    unknown, missing = set(recipe) - _KEYS, _REQUIRED - set(recipe)
    if unknown or missing or recipe["variant"] not in VARIANTS:
        raise ConfigError(
            f"a recipe has the keys {', '.join(sorted(_KEYS))}, and a variant of {', '.join(VARIANTS)}; unknown: "
            f"{', '.join(sorted(unknown)) or 'none'}, missing: {', '.join(sorted(missing)) or 'none'}."
        )
    model = DenseTrajectories(replace(VARIANTS[recipe["variant"]], **recipe.get("settings", {})))
    seed = int(recipe.get("seed", 0))
    count = model.fit(_told(recipe["train"], folder, tell), seed=seed, samples=recipe.get("samples"))
    tell(f"codebook of {count} trajectories")
    if "cost" not in recipe:
        return Outcome(model.eval(), count, None)
    vectors, labels = _encoded(model, recipe["train"], folder)
    taught = model.fit_classifier(vectors, labels, cost=float(recipe["cost"]))
    vectors, labels = _encoded(model, recipe["val"], folder)
    answers = taught.classify(vectors).argmax(1).tolist()
    right = [taught.labels[answer] == label for answer, label in zip(answers, labels, strict=True)]
    return Outcome(taught, count, float(np.mean(right)))


def _told(data: Mapping[str, Any], folder: Path, tell: Tell) -> Iterator[NDArray[np.uint8] | Path]:
    for number, (video, label) in enumerate(_videos(data, folder)):
        tell(f"video {number}: {label}")
        yield video


def _encoded(model: DenseTrajectories, data: Mapping[str, Any], folder: Path) -> tuple[torch.Tensor, list[str]]:
    pairs = [(model.features(video), label) for video, label in _videos(data, folder)]
    return torch.stack([vector for vector, _ in pairs]), [label for _, label in pairs]


def _videos(data: Mapping[str, Any], folder: Path) -> Labelled:
    if set(data) == {"world"}:
        yield from _rendered(dict(data["world"]))
    elif set(data) == {"list"}:
        yield from _listed(folder / data["list"])
    else:
        raise ConfigError(f"data is {{world: ...}} or {{list: FILE}}, not {sorted(data)}.")


def _rendered(settings: dict[str, Any]) -> Labelled:
    split, length = settings.pop("split"), settings.pop("length")
    made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    clips = WorldClips(WorldRecipe(**made), split, length)
    for index in range(length):
        sample = clips[index]
        yield sample.clip, clips.recipe.labels[sample.label]


def _listed(path: Path) -> Labelled:
    if not path.is_file():
        raise ConfigError(f"{path}: no such list. Write one line for each video: its path and its label.")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        if not name:
            raise ConfigError(f"{path.name}:{number}: {line!r} is not a path and a label.")
        yield path.parent / name, label


def main(arguments: list[str] | None = None) -> None:
    """The command of the header of each recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args(arguments)
    recipe = yaml.safe_load(given.recipe.read_text(encoding="utf-8"))
    outcome = run(recipe, given.recipe.parent, lambda line: _say(line))
    outcome.model.save(given.out, origin=recipe["name"], data_licence=recipe.get("data_licence", "unknown"))
    _say(f"{given.out}" + ("" if outcome.accuracy is None else f": accuracy {outcome.accuracy:.3f}"))


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
