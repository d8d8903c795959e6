"""A folder per class, with videos or folders of frames in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from onlooker.data.formats.common import Classes
from onlooker.data.images import IMAGES
from onlooker.data.media import VIDEOS, FrameFolder, Media, VideoFile
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError


def read_folders(path: str | Path, *, classes: Classes = ()) -> Listing:
    """Videos in a folder per class (also in folders below). Classes are the folders' names, sorted.

    Raises ConfigError when there are none, or a folder that is none of `classes`.
    """
    path = Path(path)
    folders, names = _class_folders(path, classes)
    files = [
        (names.index(folder.name), VideoFile(file))
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in VIDEOS and file.is_file()
    ]
    return _listing(path, files, names)


def read_frames(path: str | Path, *, rate: float, classes: Classes = ()) -> Listing:
    """Folders of images, `rate` of them a second, in a folder per class; otherwise as `read_folders`."""
    path = Path(path)
    folders, names = _class_folders(path, classes)
    found = [
        (names.index(folder.name), FrameFolder(inner, rate)) for folder in folders for inner in _with_images(folder)
    ]
    return _listing(path, found, names)


def _class_folders(path: Path, classes: Classes) -> tuple[list[Path], tuple[str, ...]]:
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder. Give one that holds a folder per class.")
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    names = tuple(classes) or tuple(folder.name for folder in folders)
    if not names or (unknown := [folder.name for folder in folders if folder.name not in names]):
        faults = f"its folders {', '.join(unknown)} are no classes" if names else "holds no folders"
        raise ConfigError(f"{path.name}: {faults}. Give one folder per class.")
    return folders, names


def _with_images(folder: Path) -> Iterator[Path]:
    """Folders below that hold an image, in order of their paths."""
    for place, inner, files in os.walk(folder):
        inner.sort()
        if any(Path(file).suffix.lower() in IMAGES for file in files):
            yield Path(place)


def _listing(path: Path, found: Sequence[tuple[int, Media]], names: tuple[str, ...]) -> Listing:
    samples = tuple(
        Sample(media, (label,), str(media.path.relative_to(path)), video=str(media)) for label, media in found
    )
    return Listing(samples, names)
