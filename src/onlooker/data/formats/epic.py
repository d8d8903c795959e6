"""EPIC-KITCHENS (55 and 100): a csv with a row per narrated action, with verb and noun; videos or frames."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Literal

from onlooker.data.formats.common import Classes, Gathering, beside, find_media, media_root, table
from onlooker.data.media import FrameFolder, Media
from onlooker.data.places import is_folder
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError

COLUMNS = ("participant_id", "video_id", "start_timestamp", "stop_timestamp", "start_frame", "stop_frame")
Target = Literal["verb", "noun", "action"]


def read_epic(
    path: str | Path,
    *,
    target: Target,
    root: str | Path | None = None,
    classes: Classes = (),
    rate: float = 60.0,
) -> Listing:
    """`narration_id,participant_id,video_id,...,start_timestamp,stop_timestamp,...,verb_class,...,noun_class,...`.

    Classes come from `EPIC_100_{verb,noun}_classes.csv` (or the file of EPIC-55) beside the list, names by number. The
    class of an action is the pair of its verb and noun, number verb * nouns + noun. Groups are participants. Videos are
    looked for as `root/P01/videos/P01_01.MP4` and in shorter forms of that path; frames as
    `root/P01/rgb_frames/P01_01/frame_0000000001.jpg`, at the rate of `EPIC_100_video_info.csv` beside the list where it
    is there, else at `rate` a second. Parts are those of the time stamps, for folders of frames too.
    """
    path = Path(path)
    parts = ("verb", "noun") if target == "action" else (target,)
    if target == "action" and classes:
        raise ConfigError(
            "the classes of actions are all pairs of the verbs and nouns beside the list: leave labels out."
        )
    names = [tuple(classes) or _names(path, part) for part in parts]
    into = Gathering(path, names[0] if len(names) == 1 else tuple(f"{verb} {noun}" for verb, noun in product(*names)))
    folder, rates = media_root(path, root, ["EPIC-KITCHENS", "../EPIC-KITCHENS"]), _rates(path)
    seen: dict[str, int] = {}
    found: dict[str, Media] = {}
    for line, row in table(path, (*COLUMNS, *(f"{part}_class" for part in parts)), into.faults):
        name, person, video = row.get("narration_id") or row.get("uid", ""), row["participant_id"], row["video_id"]
        if name and seen.setdefault(name, line) != line:
            into.fault(line, f"the narration {name} is already in line {seen[name]}")
        if not video.startswith(f"{person}_"):
            into.fault(line, f"the video {video!r} is none of the participant {person!r}")
            continue
        start, end = (into.seconds(line, row[column]) for column in ("start_timestamp", "stop_timestamp"))
        numbers = [into.numbered(line, row[f"{p}_class"], len(n)) for p, n in zip(parts, names, strict=True)]
        label = _pair(numbers, len(names[-1]))
        if label is None or not into.part(line, start, end) or not into.inside(line, folder, video):
            continue
        if video not in found:
            found[video] = _media(folder, person, video, rates.get(video, rate))
        into.add(Sample(found[video], (label,), into.where(line), float(start or 0), end, video, person))
    return into.listing(repeats=True)


def _names(path: Path, part: str) -> tuple[str, ...]:
    tables = [f"EPIC_100_{part}_classes.csv", f"EPIC_100_{part}_classes_v2.csv", f"EPIC_{part}_classes.csv"]
    return _classes(beside(path, tables, f"the list of {part} classes"))


def _pair(numbers: list[int | None], last: int) -> int | None:
    """One number of one or two; None where one of them is missing."""
    label = 0
    for number in numbers:
        if number is None:
            return None
        label = label * last + number
    return label


def _media(root: Path, person: str, video: str, rate: float) -> Media:
    for name in (f"{person}/rgb_frames/{video}", f"{person}/{video}", f"rgb_frames/{video}", video):
        if is_folder(root / name):
            return FrameFolder(root / name, rate)
    for place in (root / person / "videos", root / person, root / "videos", root):
        media = find_media(place, video, rate, (".MP4", ".mp4", ".mkv", ".avi"))
        if not media.missing():
            return media
    return find_media(root / person / "videos", video, rate, (".MP4",))


def _classes(path: Path) -> tuple[str, ...]:
    """Column `key` (`class_key` in EPIC-55) by number."""
    into, names = Gathering(path, ()), list[str]()
    for line, row in table(path, (), into.faults):
        name = row.get("key") or row.get("class_key") or ""
        number = row.get("id") or row.get(next(iter(row)), "")
        if number != str(len(names)) or not name:
            into.fault(line, f"the class {name!r} has the number {number!r}, expected {len(names)}")
        names.append(name)
    into.listing().checked()
    return tuple(names)


def _rates(path: Path) -> dict[str, float]:
    info = path.parent / "EPIC_100_video_info.csv"
    if not info.is_file():
        return {}
    into, rates = Gathering(info, ()), dict[str, float]()
    for line, row in table(info, ("video_id", "fps"), into.faults):
        rate = into.seconds(line, row["fps"])
        if rate is not None and rate > 0:
            rates[row["video_id"]] = rate
        elif rate is not None:
            into.fault(line, f"{row['fps']!r} is no frame rate")
    into.listing().checked()
    return rates
