"""From the data part of a recipe to labelled clips."""

from __future__ import annotations

from pathlib import Path

from onlooker.data.source import ClipSource
from onlooker.data.videos import read_classes, read_folders, read_list
from onlooker.data.world import WorldSource
from onlooker.training.recipe import CsvData, FolderData, WorldData
from onlooker.world.dataset import Recipe as WorldRecipe
from onlooker.world.dataset import WorldClips
from onlooker.world.stages import STAGES


def open_source(data: WorldData | CsvData | FolderData, base: Path) -> ClipSource:
    """The clips that a recipe speaks of; its relative paths begin at `base`. Raises ConfigError, RecordError."""
    if isinstance(data, WorldData):
        return WorldSource(_world(data, base))
    classes = read_classes(base / data.labels) if isinstance(data.labels, str) else data.labels
    if isinstance(data, FolderData):
        return read_folders(base / data.path, classes=classes)
    root = None if data.root is None else base / data.root
    return read_list(base / data.path, root=root, classes=classes)


def _world(data: WorldData, base: Path) -> WorldClips:
    recipe = WorldRecipe(
        labels=data.labels,
        frames=data.frames,
        rate=data.rate,
        size=data.size,
        stages=data.stages or tuple(STAGES),
        cameras=data.cameras,
        people=data.people,
        reversed_pairs=data.reversed_pairs,
    )
    cache = None if data.cache is None else base / data.cache
    return WorldClips(recipe, data.split, data.length, seed=data.seed, cache=cache)
