"""Where the clips of a training run come from, as the data part of its recipe says. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of a recipe: unknown keys and loose types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class WorldData(Part):
    """Clips of single actions rendered on the fly; see `onlooker.world.dataset`."""

    kind: Literal["world"]
    split: Literal["train", "val", "test"]
    length: Annotated[int, Field(gt=0)]
    labels: tuple[str, ...]
    frames: Annotated[int, Field(gt=0)] = 16
    rate: Annotated[float, Field(gt=0)] = 8.0
    size: Annotated[int, Field(ge=16)] = 112
    stages: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ("near",)
    people: Annotated[int, Field(ge=1)] = 1
    reversed_pairs: bool = False
    seed: int = 0
    cache: str | None = None


class PeopleData(Part):
    """Single frames of the world with everybody's box, for detectors; see `onlooker.data.world_detection`."""

    kind: Literal["world_people"]
    split: Literal["train", "val", "test"]
    scenes: Annotated[int, Field(gt=0)]
    per_scene: Annotated[int, Field(gt=0)] = 6
    stages: tuple[str, ...] = ()
    seed: int = 0
    cache: str | None = None


Labels = tuple[str, ...] | str
Rate = Annotated[float, Field(gt=0)]


class CsvData(Part):
    """A Kinetics-style list: lines `path label` (space or comma), or the csv or JSON that Kinetics publishes, of which
    `split` chooses rows. `labels` names the classes in order (or is a file with a name per line); without it they are
    taken from the list, which only works for names. Paths are relative to `root`, by default the list's folder."""

    kind: Literal["csv"]
    path: str
    root: str | None = None
    labels: Labels = ()
    split: str = ""


class FolderData(Part):
    """A folder per class, videos in it; `labels` as in `CsvData`, by default the folders' names, sorted."""

    kind: Literal["folders"]
    path: str
    labels: Labels = ()


class FramesData(Part):
    """A folder per class, in it folders of images, `rate` of them a second."""

    kind: Literal["frames"]
    path: str
    rate: Rate
    labels: Labels = ()


class ShardData(Part):
    """WebDataset tar shards: a path, a pattern (`train-{000..099}.tar`, `*.tar`) or several."""

    kind: Literal["webdataset"]
    path: str | tuple[str, ...]
    labels: Labels = ()


class UcfData(Part):
    """A split file of UCF101."""

    kind: Literal["ucf101"]
    path: str
    root: str | None = None
    labels: Labels = ()


class HmdbData(Part):
    """One part of one of HMDB51's splits, from the folder of its split files."""

    kind: Literal["hmdb51"]
    path: str
    part: Literal["train", "test"]
    split: Annotated[int, Field(ge=1, le=3)] = 1
    root: str | None = None
    labels: Labels = ()


class CharadesData(Part):
    """Charades: whole videos with all their classes, or one sample per labelled segment; `rate` is that of frames."""

    kind: Literal["charades"]
    path: str
    part: Literal["videos", "segments"] = "videos"
    root: str | None = None
    labels: Labels = ()
    rate: Rate = 24.0


class EpicData(Part):
    """EPIC-KITCHENS: verbs, nouns, or actions (pairs of both); `rate` is that of frames whose rate no file says."""

    kind: Literal["epic"]
    path: str
    target: Literal["verb", "noun", "action"]
    root: str | None = None
    labels: Labels = ()
    rate: Rate = 60.0


class RatedData(Part):
    """Something-Something V2, Diving48, GluonCV's lists, frame lists; `rate` is that of frames (12, 30, 30 and 24 by
    default)."""

    kind: Literal["ssv2", "diving48", "gluoncv", "frame_list"]
    path: str
    root: str | None = None
    labels: Labels = ()
    rate: Rate | None = None


FileData = CsvData | FolderData | FramesData | ShardData | UcfData | HmdbData | CharadesData | EpicData | RatedData
AnyData = WorldData | PeopleData | FileData
Data = Annotated[AnyData, Field(discriminator="kind")]

KINDS: dict[str, type[Part]] = {
    kind: part for part in get_args(AnyData) for kind in get_args(part.model_fields["kind"].annotation)
}
"""The part of a recipe for each kind of data."""
