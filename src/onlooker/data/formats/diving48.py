"""Diving48: a JSON list of trimmed videos with class numbers, and a vocabulary of dives."""

from __future__ import annotations

from pathlib import Path

from onlooker.data.faults import raise_faults
from onlooker.data.formats.common import Classes, Gathering, beside, find_media, json_entries, media_root
from onlooker.data.samples import Listing, Sample


def read_diving48(
    path: str | Path, *, root: str | Path | None = None, classes: Classes = (), rate: float = 30.0
) -> Listing:
    """`[{"vid_name": "kAbXyyzzQ_00012", "label": 26, "start_frame": 0, "end_frame": 128}, ...]`.

    Names of the classes are the entries of `Diving48_vocab.json` beside the list, joined by spaces. A sample is the
    whole trimmed video `root/NAME.mp4` (or frames in `root/NAME/` at `rate` a second); its group is the competition's
    recording, the name without its last number.
    """
    path = Path(path)
    names = tuple(classes) or _vocabulary(beside(path, ["Diving48_vocab.json"], "the vocabulary"))
    into, folder = Gathering(path, names), media_root(path, root, ["rgb", "../rgb", "videos"])
    for line, _, entry in json_entries(path, into.faults):
        try:
            name, number = str(entry["vid_name"]), entry["label"]
            start, end = int(entry["start_frame"]), int(entry["end_frame"])
        except (KeyError, TypeError, ValueError):
            into.fault(line, "an entry needs vid_name, label, start_frame and end_frame")
            continue
        label = into.numbered(line, number)
        if not 0 <= start < end:
            into.fault(line, f"{name}: the part from frame {start} to {end} is empty")
        elif label is not None and into.inside(line, folder, name):
            group = name.rpartition("_")[0] or name
            into.add(Sample(find_media(folder, name, rate), (label,), into.where(line), video=name, group=group))
    return into.listing()


def _vocabulary(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    faults: list[str] = []
    for line, _, words in json_entries(path, faults):
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            faults.append(f"{path.name}:{line}: a class is a list of words, such as ['Back', '15som', ...]")
        else:
            names.append(" ".join(words))
    raise_faults(faults)
    return tuple(names)
