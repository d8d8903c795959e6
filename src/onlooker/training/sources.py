"""From the data part of a recipe to labelled clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from onlooker.data.clips import VideoClips
from onlooker.data.formats.charades import read_charades
from onlooker.data.formats.common import read_classes
from onlooker.data.formats.diving48 import read_diving48
from onlooker.data.formats.epic import read_epic
from onlooker.data.formats.folders import read_folders, read_frames
from onlooker.data.formats.framelist import read_frame_list
from onlooker.data.formats.gluoncv import read_gluoncv
from onlooker.data.formats.hmdb51 import read_hmdb51
from onlooker.data.formats.kinetics import read_kinetics
from onlooker.data.formats.shards import read_shards
from onlooker.data.formats.something import read_something
from onlooker.data.formats.ucf101 import read_ucf101
from onlooker.data.samples import Listing
from onlooker.data.source import ClipSource
from onlooker.data.world import WorldSource
from onlooker.data.world_detection import WorldFrames
from onlooker.methods.detection.small_people.source import PeopleSource
from onlooker.training import recipe_data as parts
from onlooker.training.recipe_data import PeopleData, WorldData
from onlooker.world.dataset import Recipe as WorldRecipe
from onlooker.world.dataset import WorldClips
from onlooker.world.stages import STAGES

if TYPE_CHECKING:
    from onlooker.training.recipe_data import AnyData, FileData

RATED = {"ssv2": read_something, "diving48": read_diving48, "gluoncv": read_gluoncv, "frame_list": read_frame_list}


def open_source(data: AnyData, base: Path) -> ClipSource:
    """The clips that a recipe speaks of; its relative paths begin at `base`. Raises ConfigError, RecordError."""
    if isinstance(data, WorldData):
        return WorldSource(_world(data, base))
    if isinstance(data, PeopleData):
        return PeopleSource(_people(data, base))
    return VideoClips(open_listing(data, base))


def open_listing(data: FileData, base: Path) -> Listing:
    """The list of samples, with its faults. Raises ConfigError, RecordError."""
    names = read_classes(base / data.labels) if isinstance(data.labels, str) else data.labels
    match data:
        case parts.FolderData():
            return read_folders(base / data.path, classes=names)
        case parts.FramesData():
            return read_frames(base / data.path, rate=data.rate, classes=names)
        case parts.ShardData():
            given = [data.path] if isinstance(data.path, str) else data.path
            return read_shards([base / path for path in given], classes=names)
    path, root = base / data.path, None if data.root is None else base / data.root
    match data:
        case parts.CsvData():
            return read_kinetics(path, root=root, classes=names, split=data.split)
        case parts.UcfData():
            return read_ucf101(path, root=root, classes=names)
        case parts.HmdbData():
            return read_hmdb51(path, part=data.part, split=data.split, root=root, classes=names)
        case parts.CharadesData():
            return read_charades(path, root=root, classes=names, rate=data.rate, part=data.part)
        case parts.EpicData():
            return read_epic(path, target=data.target, root=root, classes=names, rate=data.rate)
        case parts.RatedData():
            return RATED[data.kind](
                path, root=root, classes=names, **({} if data.rate is None else {"rate": data.rate})
            )


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


def _people(data: PeopleData, base: Path) -> WorldFrames:
    cache = None if data.cache is None else base / data.cache
    stages = data.stages or tuple(STAGES)
    return WorldFrames(data.split, data.scenes, per_scene=data.per_scene, stages=stages, seed=data.seed, cache=cache)
