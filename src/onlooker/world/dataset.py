"""Worlds as training data: a clip and its label by index, rendered on the fly, in splits that share no seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.records.jsonsafe import canonical_json
from onlooker.storage import atomic_write
from onlooker.world.actions import ACTIONS
from onlooker.world.edition import edition
from onlooker.world.scripts.solo import SOLO
from onlooker.world.seeds import child_seed, generator
from onlooker.world.stages import STAGES
from onlooker.world.world import World

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What clips look like. `frames` at `rate` per second, `size` pixels square; `labels` are actions of
    `scripts.solo.SOLO`; `people` adds watchers; `reversed_pairs` also gives each clip of a label whose reversal is
    a label played backwards."""

    labels: tuple[str, ...]
    frames: int = 16
    rate: float = 8.0
    size: int = 112
    stages: tuple[str, ...] = tuple(STAGES)
    cameras: tuple[str, ...] = ("near",)
    people: int = 1
    reversed_pairs: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """`clip` uint8 RGB (time, height, width, 3), `label` an index into the recipe's labels, and where it comes from."""

    clip: NDArray[np.uint8]
    label: int
    name: str
    seed: int


class WorldClips:
    """A map-style dataset of single actions; PyTorch's DataLoader takes it as it is, with any number of workers.

    `split` is train, val or test: identities, outfits, places and moments are drawn from seeds that no other split
    uses. Item `i` is the same on every machine, in every order. With `cache` (a folder) a clip is rendered once and
    read back afterwards; files are named by what is in them, so that several processes and recipes may share a
    folder. Errors: ConfigError for an unknown split, label, stage or camera.

    >>> clips = WorldClips(Recipe(labels=("wave", "jump"), frames=4, size=48), "train", length=10)
    >>> sample = clips[3]
    >>> sample.clip.shape, clips.recipe.labels[sample.label]
    ((4, 48, 48, 3), 'jump')
    """

    def __init__(
        self, recipe: Recipe, split: str, length: int, *, seed: int = 0, cache: str | Path | None = None
    ) -> None:
        unknown = [name for name in recipe.labels if name not in SOLO]
        if split not in SPLITS or unknown or not recipe.labels or length < 0:
            raise ConfigError(
                f"split {split!r}, labels {unknown or recipe.labels}: a split is one of {', '.join(SPLITS)}, "
                f"labels are among {', '.join(SOLO)}."
            )
        self.recipe = recipe
        self.split = split
        self._length = length
        self._seed = seed
        self._cache = None if cache is None else Path(cache)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self._length:
            raise IndexError(f"clip {index} of {self._length}")
        label = index % len(self.recipe.labels)
        seed = self.seed_of(index)
        arguments = self._arguments(index, label, seed)
        name = f"{self.split}-{index}-{self.recipe.labels[label]}"
        return Sample(self._load_or_render(arguments), label, name, seed)

    def seed_of(self, index: int) -> int:
        """The seed that a clip, its people and its place are drawn from; the last decimal digit tells the split."""
        pair = index // len(self.recipe.labels) if self.recipe.reversed_pairs else index
        return child_seed(self._seed, "clip", self.split, pair) // 10 * 10 + SPLITS.index(self.split)

    def _arguments(self, index: int, label: int, seed: int) -> dict[str, Any]:
        recipe = self.recipe
        rng = generator(seed, "dataset")
        stage = _pick(rng, recipe.stages)
        camera = _pick(rng, recipe.cameras)
        action, backwards = recipe.labels[label], False
        if recipe.reversed_pairs:
            action, backwards = _forward(action, recipe.labels)
        return {
            "stage": stage,
            "people": recipe.people,
            "seconds": recipe.frames / recipe.rate,
            "seed": seed,
            "size": (recipe.size, recipe.size),
            "rate": recipe.rate,
            "script": f"solo:{action}",
            "camera": camera,
            "backwards": backwards,
        }

    def _load_or_render(self, arguments: dict[str, Any]) -> NDArray[np.uint8]:
        if self._cache is None:
            return _render(arguments)
        said = arguments | {"size": list(arguments["size"]), "edition": edition()}
        key = sha256(canonical_json(said).encode()).hexdigest()
        path = self._cache / key[:2] / f"{key}.npy"
        if path.is_file():
            return np.asarray(np.load(path, allow_pickle=False))
        clip = _render(arguments)
        os.makedirs(path.parent, exist_ok=True)
        atomic_write(path, lambda file: np.save(file, clip, allow_pickle=False))
        return clip

    def describe(self) -> dict[str, Any]:
        """What makes the clips, for manifests."""
        return asdict(self.recipe) | {"split": self.split, "length": self._length, "seed": self._seed}


def _pick(rng: np.random.Generator, names: Sequence[str]) -> str:
    return names[int(rng.integers(len(names)))]


def _forward(action: str, labels: Sequence[str]) -> tuple[str, bool]:
    """The action to play, and whether to play it backwards: the later label of a pair is the earlier one reversed."""
    other = ACTIONS[action].reversed if action in ACTIONS else ""
    if other in labels and other != action and labels.index(other) < labels.index(action):
        return other, True
    return action, False


def _render(arguments: dict[str, Any]) -> NDArray[np.uint8]:
    world = World(**arguments)
    return np.stack([image for image, _ in world.frames()])
