"""What must be true of lists of video before they are used; every fault is found, with its file and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from onlooker.data.faults import by_place, raise_faults
from onlooker.data.media import Media, ShardMember, VideoFile
from onlooker.data.places import is_file
from onlooker.data.samples import Listing, Sample
from onlooker.data.source import ClipSource, MultiLabelSource
from onlooker.errors import OnlookerError, UnsupportedMedia
from onlooker.storage import sha256_of

Look = Literal["exist", "open", "decode"]
"""How closely videos are looked at: whether they are there, whether they open (index and first frame), every frame."""

THREADS = 8
SLACK = 1.0
"""Seconds by which a part may reach beyond the end of its video; lists round, and containers end late."""

Tell = Callable[[int, int], None]


@dataclass(slots=True)
class Found:
    """Everything that is wrong, and what may be; `file:line: what` wherever there is a line."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_splits(splits: Mapping[str, ClipSource], *, content: bool = True, look: Look = "exist") -> list[str]:
    """Check all splits together; gives warnings. Raises RecordError listing every fault; see `inspect`."""
    found = inspect({name: _as_listing(source) for name, source in splits.items()}, content=content, look=look)
    raise_faults(found.faults)
    return found.warnings


def inspect(
    splits: Mapping[str, Listing], *, content: bool = True, look: Look = "exist", tell: Tell = lambda *_: None
) -> Found:
    """Look for everything that makes lists unfit for training or testing.

    Faults: what the readers found; labels out of range; a class of a split called train without a sample; splits with
    unlike classes; videos that are missing, empty, cut off or unreadable (as closely as `look` says, which is told to
    `tell(done, total)`), or that end before their part begins; the same part twice in a split; a video in two splits,
    with `content` also as a copy under another name; a group in two splits where the format promises otherwise.
    Warnings: other classes without a sample, parts and frame counts that do not quite fit.
    """
    found = Found()
    first = next(iter(splits), "")
    for name, listing in splits.items():
        found.faults += listing.faults
        found.warnings += listing.warnings
        if listing.classes != splits[first].classes:
            ours, theirs = _some(listing.classes), _some(splits[first].classes)
            found.faults.append(f"{name}: its classes {ours} are not those of {first}: {theirs}")
        _check_labels(name, listing, found)
    _check_media(splits, look, found, tell)
    _check_overlap(splits, content, found)
    found.faults = sorted(dict.fromkeys(found.faults), key=by_place)
    found.warnings = sorted(dict.fromkeys(found.warnings), key=by_place)
    return found


@dataclass(frozen=True, slots=True)
class _Made:
    """Pictures that no file holds."""

    identity: str
    path: Path = Path()

    def __str__(self) -> str:
        return self.identity

    def missing(self) -> str:
        return ""

    def open(self) -> Any:
        raise UnsupportedMedia(f"{self.identity}: these pictures are rendered; there is no file to open.")


def _as_listing(source: ClipSource) -> Listing:
    listing = getattr(source, "listing", None)
    if isinstance(listing, Listing):
        return listing
    several = isinstance(source, MultiLabelSource) and source.multi_label
    samples = []
    for index in range(len(source)):
        name = source.name(index)
        labels = source.labels(index) if isinstance(source, MultiLabelSource) and several else (source.label(index),)
        samples.append(Sample(_Made(name), labels, name, video=name))
    return Listing(tuple(samples), source.classes, multi_label=several)


def _check_labels(split: str, listing: Listing, found: Found) -> None:
    count, used = len(listing.classes), set[int]()
    for sample in listing.samples:
        used.update(sample.labels)
        wrong = [label for label in sample.labels if not 0 <= label < count]
        if wrong:
            found.faults.append(f"{sample.where}: the label {wrong[0]} is outside 0 to {count - 1}")
        if len(sample.labels) != 1 and not listing.multi_label:
            found.faults.append(f"{sample.where}: {len(sample.labels)} labels where one is needed")
    if not listing.samples:
        found.faults.append(f"{split}: there is no video in it")
        return
    empty = [name for number, name in enumerate(listing.classes) if number not in used]
    if empty:
        into = found.faults if "train" in split else found.warnings
        into.append(f"{split}: no video of {len(empty)} classes: {_some(empty)}")


def _check_media(splits: Mapping[str, Listing], look: Look, found: Found, tell: Tell) -> None:
    users: dict[Media, list[Sample]] = defaultdict(list)
    for listing in splits.values():
        for sample in listing.samples:
            users[sample.media].append(sample)
    there: list[Media] = []
    for media, samples in users.items():
        problem = "" if isinstance(media, _Made) else media.missing()
        found.faults += [f"{sample.where}: {problem}" for sample in samples if problem]
        if not problem and not isinstance(media, _Made):
            there.append(media)
    if look == "exist":
        return
    with ThreadPoolExecutor(THREADS, "onlooker-check") as pool:
        for done, (media, seen) in enumerate(zip(there, pool.map(lambda one: _seen(one, look), there), strict=True), 1):
            _compare(seen, users[media], found)
            tell(done, len(there))


@dataclass(frozen=True, slots=True)
class _Seen:
    problem: str = ""
    duration: float = 0.0
    count: int = 0


def _seen(media: Media, look: Look) -> _Seen:
    try:
        with media.open() as opened:
            seen = _Seen(opened.damage(), opened.duration, opened.count)
            if look == "decode":
                opened.decode()
            else:
                opened.clip(0.0, min(opened.duration, 1e-3), frames=1)
            return seen
    except (OnlookerError, OSError) as error:
        return _Seen(str(error))


def _compare(seen: _Seen, samples: Iterable[Sample], found: Found) -> None:
    for sample in samples:
        if seen.problem:
            found.faults.append(f"{sample.where}: {seen.problem}")
        elif sample.start >= seen.duration:
            found.faults.append(
                f"{sample.where}: the part from {sample.start:g} s on lies behind the end of {sample.media}, "
                f"{seen.duration:.3f} s"
            )
        elif sample.end is not None and sample.end > seen.duration + SLACK:
            found.warnings.append(
                f"{sample.where}: the part ends at {sample.end:g} s, the video at {seen.duration:.3f} s: {sample.media}"
            )
        elif sample.frames and sample.frames != seen.count:
            found.warnings.append(f"{sample.where}: the list says {sample.frames} frames, there are {seen.count}")


def _check_overlap(splits: Mapping[str, Listing], content: bool, found: Found) -> None:
    digests = _digests(splits) if content else {}
    recordings: dict[str, tuple[str, Sample]] = {}
    groups: dict[str, tuple[str, Sample]] = {}
    for split, listing in splits.items():
        parts: dict[tuple[str, float, float | None], Sample] = {}
        for sample in listing.samples:
            same = digests.get(sample.media.identity, sample.media.identity)
            other = parts.setdefault((same, sample.start, sample.end), sample)
            if other is not sample and not listing.repeats:
                what = "is already at" if other.labels == sample.labels else "has another label at"
                found.faults.append(f"{sample.where}: the same video {what} {other.where}: {sample.name}")
            for key in {same, sample.video or same}:
                one_split, one = recordings.setdefault(key, (split, sample))
                if one_split != split:
                    # parts of one video count as the video: a neighbouring part nearly gives the answer away
                    found.faults.append(
                        f"{sample.where}: the same video is in {one_split} ({one.where}): {sample.name}"
                    )
                    break
            if listing.disjoint_groups and sample.group:
                one_split, one = groups.setdefault(sample.group, (split, sample))
                if one_split != split:
                    found.faults.append(
                        f"{sample.where}: the group {sample.group} is also in {one_split} ({one.where}), which the "
                        "format's splits never do"
                    )


def _digests(splits: Mapping[str, Listing]) -> dict[str, str]:
    """Digest of each video that is as large as another one."""
    by_size: dict[int, dict[str, Media]] = defaultdict(dict)
    for listing in splits.values():
        for sample in listing.samples:
            if size := _size(sample.media):
                by_size[size][sample.media.identity] = sample.media
    return {name: _digest(one) for alike in by_size.values() if len(alike) > 1 for name, one in alike.items()}


def _size(media: Media) -> int:
    if isinstance(media, ShardMember):
        return media.size
    return media.path.stat().st_size if isinstance(media, VideoFile) and is_file(media.path) else 0


def _digest(media: Media) -> str:
    if not isinstance(media, ShardMember):
        return sha256_of(media.path)
    with media.path.open("rb") as file:
        file.seek(media.offset)
        return sha256(file.read(media.size)).hexdigest()


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
