"""A tiny model and a tiny dataset: clips whose class is the colour channel that is bright."""

from __future__ import annotations

import numpy as np
import pytest

from onlooker.training.recipe import build_recipe


class Colours:
    """`count` clips of `frames` x `size` pixels; class 0 red, 1 green, 2 blue, with noise."""

    classes = ("red", "green", "blue")

    def __init__(self, count=24, frames=2, size=16, split="train"):
        self.count, self.frames, self.size, self.split = count, frames, size, split

    def __len__(self):
        return self.count

    def label(self, index):
        return index % 3

    def name(self, index):
        return f"{self.split}-{index}"

    def random_clip(self, index, spec, draw):
        return self._clip(index)

    def clips(self, index, spec, count):
        return [self._clip(index)]

    def _clip(self, index):
        rng = np.random.default_rng(index if self.split == "train" else 10_000 + index)
        clip = rng.integers(0, 120, (self.frames, self.size, self.size, 3), dtype=np.uint8)
        clip[..., index % 3] += 90
        return clip


TINY = {
    "name": "tiny",
    "seed": 3,
    "model": {
        "method": "timesformer",
        "settings": {"frames": 2, "size": 16, "patch": 8, "dim": 16, "depth": 2, "heads": 2, "drop_path": 0.2},
    },
    "data": {
        "train": {"kind": "folders", "path": "train"},
        "val": {"kind": "folders", "path": "val"},
    },
    "augment": {"short_side": [16, 20]},
    "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.01},
    "schedule": {"name": "cosine", "warmup_epochs": 1},
    "loop": {"epochs": 3, "batch": 8},
    "checkpoints": {"every_steps": 2},
}


def tiny_recipe(**changes):
    """`tiny_recipe(loop={"ema": 0.9})`: the recipe with some values of its parts changed."""
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in TINY.items()}
    for part, change in changes.items():
        values[part] = {**values.get(part, {}), **change} if isinstance(change, dict) else change
    return build_recipe(values)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    """Hundreds of tiny checkpoints need not survive a power cut; what does is tested with `records.storage`."""
    monkeypatch.setattr("os.fsync", lambda file: None)


@pytest.fixture
def colours(monkeypatch):
    """Recipes' data are coloured clips instead of files."""
    sources = {"train": Colours(24), "val": Colours(9, split="val")}
    monkeypatch.setattr("onlooker.training.run.open_source", lambda data, base: sources[data.path])
    return sources


@pytest.fixture
def recipe():
    return tiny_recipe
