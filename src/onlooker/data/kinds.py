"""Formats by name, for the command line: the lists of one kind as splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from onlooker.errors import ConfigError, RecordError


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says beside the paths: where the videos are, the classes, HMDB51's split, frames a second."""

    root: Path | None = None
    classes: tuple[str, ...] = ()
    split: int = 1
    rate: float | None = None

    @property
    def frame_rate(self) -> float:
        """The rate of folders of frames. Raises ConfigError where none was given."""
        if self.rate is None:
            raise ConfigError("folders of frames have no rate of their own: give --rate.")
        return self.rate


Splits = dict[str, Listing]
Opener = Callable[[Path, Asked], Splits]


def _one(read: Callable[[Path, Asked], Listing]) -> Opener:
    return lambda path, asked: {path.stem if path.is_file() else path.name: read(path, asked)}


def _hmdb51(path: Path, asked: Asked) -> Splits:
    return {
        part: read_hmdb51(path, part=part, split=asked.split, root=asked.root, classes=asked.classes)
        for part in ("train", "test")
    }


def _epic(path: Path, asked: Asked) -> Splits:
    """Verbs and nouns have classes of their own; faults that both show are told once."""
    listings = [read_epic(path, target=target, root=asked.root, rate=asked.rate or 60.0) for target in ("verb", "noun")]
    verbs, nouns = listings
    faults = tuple(dict.fromkeys((*verbs.faults, *nouns.faults)))
    return {path.stem: replace(verbs, faults=faults)}


KINDS: dict[str, Opener] = {
    "kinetics": _one(lambda path, asked: read_kinetics(path, root=asked.root, classes=asked.classes)),
    "ucf101": _one(lambda path, asked: read_ucf101(path, root=asked.root, classes=asked.classes)),
    "hmdb51": _hmdb51,
    "ssv2": _one(
        lambda path, asked: read_something(path, root=asked.root, classes=asked.classes, rate=asked.rate or 12.0)
    ),
    "charades": _one(
        lambda path, asked: read_charades(path, root=asked.root, classes=asked.classes, rate=asked.rate or 24.0)
    ),
    "epic": _epic,
    "diving48": _one(
        lambda path, asked: read_diving48(path, root=asked.root, classes=asked.classes, rate=asked.rate or 30.0)
    ),
    "gluoncv": _one(
        lambda path, asked: read_gluoncv(path, root=asked.root, classes=asked.classes, rate=asked.rate or 30.0)
    ),
    "frame_list": _one(
        lambda path, asked: read_frame_list(path, root=asked.root, classes=asked.classes, rate=asked.rate or 24.0)
    ),
    "folders": _one(lambda path, asked: read_folders(path, classes=asked.classes)),
    "frames": _one(lambda path, asked: read_frames(path, rate=asked.frame_rate, classes=asked.classes)),
    "webdataset": _one(lambda path, asked: read_shards(path, classes=asked.classes)),
}


NAMED = ("kinetics", "folders", "frames", "webdataset")
"""Kinds without a file that says which classes there are."""


def open_splits(kind: str, paths: Sequence[Path], asked: Asked) -> Splits:
    """The lists as splits, named after their files. A list that cannot be read at all becomes a split of faults.

    Raises ConfigError for an unknown kind or one that lacks an option.
    """
    if kind not in KINDS:
        raise ConfigError(f"{kind!r} is no kind of list; there are {', '.join(KINDS)}.")
    splits: Splits = {}
    for path in paths:
        try:
            found = KINDS[kind](path, asked)
        except RecordError as error:
            found = {path.stem: Listing((), (), tuple(str(error).split("\n")))}
        for name, listing in found.items():
            splits[_free(name, path, splits)] = listing
    return splits if asked.classes else _of_one_mind(kind, paths, asked, splits)


def _of_one_mind(kind: str, paths: Sequence[Path], asked: Asked, splits: Splits) -> Splits:
    """Where classes are the names that occur in a list, those of all lists together are the classes of each."""
    names = [listing.classes for listing in splits.values() if listing.classes]
    if kind not in NAMED or len(set(names)) < 2:
        return splits
    return open_splits(kind, paths, replace(asked, classes=tuple(sorted(set().union(*names)))))


def _free(name: str, path: Path, taken: Splits) -> str:
    return name if name not in taken else f"{path.parent.name}/{name}"


def classes_from(path: Path | None) -> tuple[str, ...]:
    """Class names of a file with one a line, none without a file."""
    return () if path is None else read_classes(path)
