"""WebDataset shards: tar files in which `key.mp4` and `key.cls` (or `.json`, `.txt`) make a sample.

Only headers are read here; a video is read from its place in the shard when a clip of it is wanted, so that shards
have a length, any order, and the same samples for any number of workers. Nothing is ever unpacked.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from onlooker.data.formats.common import Classes, Gathering, unnamed
from onlooker.data.media import VIDEOS, ShardMember
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError
from onlooker.storage import storage_errors

LABELS = ("cls", "json", "txt")
MAX_LABEL_BYTES = 1 << 20
MAX_SHARDS = 100_000


@dataclass(slots=True)
class _Group:
    """The members of one key."""

    videos: list[ShardMember] = field(default_factory=list)
    labels: dict[str, bytes] = field(default_factory=dict)


def read_shards(paths: str | Path | Sequence[str | Path], *, classes: Classes = ()) -> Listing:
    """Samples of uncompressed tar files: a path, a pattern with `{000000..000012}` or `*`, or several of them.

    The label of a sample is `key.cls` (a number), else `label` in `key.json` (a number or a name), else `key.txt` (a
    name). Without `classes` the labels must be names. Faults, each with `shard:member`: names that lead out of the
    archive, links and devices, two videos or no label under a key, a key that comes back later in a shard, a shard that
    is cut off. Other members are left alone. Raises ConfigError for a pattern that fits no file.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    whole = Gathering(Path("shards"), classes)
    raw: list[tuple[str, ShardMember, object]] = []
    for shard in expand(given):
        groups = _groups(shard, whole.faults)
        for key, group in groups.items():
            where = f"{shard.name}:{key}"
            label = _label(group, where, whole.faults)
            if len(group.videos) != 1:
                whole.faults.append(f"{where}: {len(group.videos) or 'no'} videos under this key")
            elif label is not None:
                raw.append((where, group.videos[0], label))
    return _numbered(whole, raw, classes)


def expand(given: Sequence[str | Path]) -> list[Path]:
    """Patterns to files, in order. Raises ConfigError for one that fits nothing, or more than a hundred thousand.

    >>> [str(path) for path in _braces("a-{08..10}.tar")]
    ['a-08.tar', 'a-09.tar', 'a-10.tar']
    """
    found = []
    for pattern in given:
        for path in _braces(str(pattern)):
            files = sorted(path.parent.glob(path.name)) if any(sign in path.name for sign in "*?[") else [path]
            lacking = [file for file in files if not file.is_file()]
            if not files or lacking:
                raise ConfigError(f"{lacking[0] if lacking else path}: no such shard.")
            found += files
    return found


def _braces(pattern: str) -> list[Path]:
    span = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if span is None:
        return [Path(pattern)]
    first, last, width = int(span[1]), int(span[2]), len(span[1])
    if not 0 <= last - first < MAX_SHARDS:
        raise ConfigError(f"{pattern}: {{{span[1]}..{span[2]}}} is no range of at most {MAX_SHARDS} shards.")
    before, after = pattern[: span.start()], pattern[span.end() :]
    return [path for number in range(first, last + 1) for path in _braces(f"{before}{number:0{width}d}{after}")]


def _groups(shard: Path, faults: list[str]) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    last = ""
    for archive, member in _members(shard, faults):
        name = member.name.removeprefix("./")
        problem = _refusal(member, name)
        if problem:
            faults.append(f"{shard.name}:{member.name!r}: {problem}")
            continue
        place, suffixes = PurePosixPath(name), PurePosixPath(name).name.partition(".")
        key, kind = str(place.parent / suffixes[0]), suffixes[2].lower()
        if key in groups and key != last and (f".{kind}" in VIDEOS or kind in LABELS):
            faults.append(f"{shard.name}:{member.name}: the key {key!r} comes back after others")
            continue
        group, last = groups.setdefault(key, _Group()), key
        if f".{kind}" in VIDEOS:
            group.videos.append(ShardMember(shard, name, member.offset_data, member.size))
        elif kind in LABELS:
            content = archive.extractfile(member) if member.size <= MAX_LABEL_BYTES else None
            if content is None or kind in group.labels:
                faults.append(
                    f"{shard.name}:{member.name}: a second label, or one of more than {MAX_LABEL_BYTES} bytes"
                )
            else:
                group.labels[kind] = content.read()
    return {key: group for key, group in groups.items() if group.videos or group.labels}


def _members(shard: Path, faults: list[str]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Members that are files, until the end or the damage."""
    size = shard.stat().st_size
    last = "the first member"
    try:
        with storage_errors(shard, "read"), tarfile.open(shard, "r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if member.isreg() and member.offset_data + member.size > size:
                    raise tarfile.ReadError("unexpected end of data")
                last = member.name
                yield archive, member
            # tarfile takes a file that stops between two members for a whole one
            if archive.offset + tarfile.BLOCKSIZE > size:
                raise tarfile.ReadError("the end mark is missing, so members may be")
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        hint = " (compressed shards cannot be read in any order: decompress them)" if last == "the first member" else ""
        faults.append(f"{shard.name}:{last}: no tar file from here on: {error}{hint}")


def _refusal(member: tarfile.TarInfo, name: str) -> str:
    """Why a member is not taken, or nothing."""
    if not member.isreg() or member.issparse():
        return "a link, a device or a sparse file"
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name or "\\" in name:
        return "a name that leads out of the archive"
    return ""


def _label(group: _Group, where: str, faults: list[str]) -> object:
    for kind in LABELS:
        if kind in group.labels:
            try:
                text = group.labels[kind].decode("utf-8").strip()
                if kind == "cls":
                    return int(text)
                value = json.loads(text)["label"] if kind == "json" else text
                if isinstance(value, bool) or not isinstance(value, int | str):
                    raise ValueError(f"a label is a number or a name, not {value!r}")
                return value
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                faults.append(f"{where}.{kind}: this is no label ({error!r})")
                return None
    faults.append(f"{where}: no label ({', '.join(f'.{kind}' for kind in LABELS)})")
    return None


def _numbered(whole: Gathering, raw: list[tuple[str, ShardMember, object]], classes: Classes) -> Listing:
    labels = [label for _, _, label in raw]
    if not classes and any(isinstance(label, int) for label in labels):
        raise unnamed("the shards")
    names = tuple(classes) or tuple(sorted({str(label) for label in labels}))
    numbers = {name: number for number, name in enumerate(names)}
    for where, media, label in raw:
        number = label if isinstance(label, int) else numbers.get(str(label))
        if number is None:
            whole.faults.append(f"{where}: {label!r} is none of the {len(names)} classes")
        elif not 0 <= number < len(names):
            whole.faults.append(f"{where}: the label {number} is outside 0 to {len(names) - 1}")
        else:
            whole.add(Sample(media, (number,), where, video=str(media)))
    return Listing(tuple(whole.samples), names, tuple(whole.faults))
