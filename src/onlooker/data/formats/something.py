"""Something-Something V2: a JSON list of clips with templates, a JSON of class numbers, WebM videos or frames."""

from __future__ import annotations

from pathlib import Path

from onlooker.data.faults import raise_faults
from onlooker.data.formats.common import Classes, Gathering, beside, find_media, json_entries, media_root
from onlooker.data.samples import Listing, Sample

LABELS = ("something-something-v2-labels.json", "labels.json")
FOLDERS = ("20bn-something-something-v2", "../20bn-something-something-v2", "videos", "frames")


def read_something(
    path: str | Path, *, root: str | Path | None = None, classes: Classes = (), rate: float = 12.0
) -> Listing:
    """`[{"id": "78687", "template": "Holding [something] next to [something]", ...}, ...]`.

    The class is the template without brackets; its number is in the labels file beside the list
    (`something-something-v2-labels.json` or `labels.json`, name -> number). Videos are `root/ID.webm` (or another
    suffix), frames `root/ID/*.jpg` at `rate` a second.
    """
    path = Path(path)
    names = tuple(classes) or _labels(beside(path, LABELS, "the file of class numbers"))
    into, folder = Gathering(path, names), media_root(path, root, FOLDERS)
    for line, _, entry in json_entries(path, into.faults):
        if not isinstance(entry, dict) or not str(entry.get("id", "")):
            into.fault(line, "an entry without an id")
            continue
        video, template = str(entry["id"]), entry.get("template")
        if not isinstance(template, str):
            into.fault(line, f"clip {video} has no template, so no class (lists of the test set have none)")
            continue
        label = into.named(line, template.replace("[", "").replace("]", ""))
        if label is not None and into.inside(line, folder, video):
            media = find_media(folder, video, rate, (".webm", ".mp4", ".mkv", ".avi"))
            into.add(Sample(media, (label,), into.where(line), video=video))
    return into.listing()


def _labels(path: Path) -> tuple[str, ...]:
    """Names in the order of their numbers, which must run from 0 on."""
    numbers: dict[int, str] = {}
    faults: list[str] = []
    for line, name, value in json_entries(path, faults):
        if not str(value).isdigit() or int(value) in numbers:
            faults.append(f"{path.name}:{line}: {name!r} has the number {value!r}, which is none or taken")
        else:
            numbers[int(value)] = name
    if not faults and sorted(numbers) != list(range(len(numbers))):
        faults.append(f"{path.name}:1: the numbers do not run from 0 to {len(numbers) - 1}")
    raise_faults(faults)
    return tuple(numbers[number] for number in range(len(numbers)))
