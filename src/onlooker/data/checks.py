"""What must be true of the data before training: every file is there, labels fit, no video is in two splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from onlooker.data.faults import raise_faults
from onlooker.data.source import ClipSource
from onlooker.data.videos import VideoClips
from onlooker.records.storage import sha256_of


def check_splits(splits: Mapping[str, ClipSource], *, content: bool = True) -> list[str]:
    """Check all splits together; gives warnings (classes without a video outside training).

    With `content`, files of equal size are also compared by digest, so that a copy under another name is found.
    Raises RecordError listing every fault with its file and line: missing and empty files, labels out of range, a
    class of the training split without a video, splits with different classes, one video in two splits or twice in one
    split under two labels.
    """
    faults: list[str] = []
    warnings: list[str] = []
    classes = {name: source.classes for name, source in splits.items()}
    first = next(iter(classes))
    for name, names in classes.items():
        if names != classes[first]:
            faults.append(f"{name}: its classes {_some(names)} are not those of {first}: {_some(classes[first])}")
    for name, source in splits.items():
        faults += _check_labels(name, source)
        empty = _empty_classes(source)
        if empty and name == "train":
            faults.append(f"{name}: no video of {len(empty)} classes: {_some(empty)}")
        elif empty:
            warnings.append(f"{name}: no video of {len(empty)} classes: {_some(empty)}")
        if isinstance(source, VideoClips):
            faults += _check_files(source)
    faults += _check_overlap(splits, content=content)
    raise_faults(faults)
    return warnings


def _check_labels(split: str, source: ClipSource) -> list[str]:
    count = len(source.classes)
    if len(source) == 0:
        return [f"{split}: there is no video in it"]
    return [
        f"{_where(split, source, index)}: the label {source.label(index)} is outside 0 to {count - 1}"
        for index in range(len(source))
        if not 0 <= source.label(index) < count
    ]


def _empty_classes(source: ClipSource) -> tuple[str, ...]:
    used = {source.label(index) for index in range(len(source))}
    return tuple(name for number, name in enumerate(source.classes) if number not in used)


def _check_files(source: VideoClips) -> list[str]:
    faults = []
    for item in source.items:
        if not item.path.is_file():
            faults.append(f"{item.where}: no such file: {item.path}")
        elif item.path.stat().st_size == 0:
            faults.append(f"{item.where}: the file is empty: {item.path}")
    return faults


def _check_overlap(splits: Mapping[str, ClipSource], *, content: bool) -> list[str]:
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    digests = _digests(splits) if content else {}
    for split, source in splits.items():
        for index in range(len(source)):
            places[_identity(source, index, digests)].append((split, index))
    faults = []
    for found in places.values():
        (split, index), *others = found
        for other, number in others:
            here, there = _where(split, splits[split], index), _where(other, splits[other], number)
            if other != split:
                faults.append(f"{there}: the same video is in {split} ({here}): {splits[other].name(number)}")
            elif splits[split].label(index) != splits[other].label(number):
                faults.append(f"{there}: the same video has another label at {here}")
    return faults


def _identity(source: ClipSource, index: int, digests: Mapping[str, str]) -> str:
    if not isinstance(source, VideoClips):
        return source.name(index)
    # parts of one video count as the video between splits: a neighbouring part nearly gives the answer away
    path = str(source.items[index].path.resolve())
    return digests.get(path, path)


def _digests(splits: Mapping[str, ClipSource]) -> dict[str, str]:
    """Digest of each file that is as large as another one."""
    by_size: dict[int, set[str]] = defaultdict(set)
    for source in splits.values():
        if isinstance(source, VideoClips):
            for item in source.items:
                if item.path.is_file() and item.path.stat().st_size:
                    by_size[item.path.stat().st_size].add(str(item.path.resolve()))
    return {path: sha256_of(path) for paths in by_size.values() if len(paths) > 1 for path in paths}


def _where(split: str, source: ClipSource, index: int) -> str:
    return source.items[index].where if isinstance(source, VideoClips) else f"{split}:{index}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
