"""UCF101's split files: `trainlist01.txt` with a class number behind each path, `testlist01.txt` without."""

from __future__ import annotations

import re
from pathlib import Path

from onlooker.data.formats.common import Classes, Gathering, beside, media_root, numbered_lines
from onlooker.data.media import VideoFile
from onlooker.data.samples import Listing, Sample
from onlooker.errors import RecordError


def read_ucf101(path: str | Path, *, root: str | Path | None = None, classes: Classes = ()) -> Listing:
    """Lines `Class/v_Class_g08_c01.avi 1`, numbers from 1 on as `classInd.txt` beside the list says.

    The class is the folder's name; a number that contradicts it is a fault. Samples of one class and one `gNN` show the
    same people and place and form a group, which the splits promise to keep together. `root` is by default the folder
    `UCF-101` beside the list, else the list's own.
    """
    path = Path(path)
    names = tuple(classes) or _class_index(beside(path, ["classInd.txt"], "the list of classes"))
    into, folder = Gathering(path, names), media_root(path, root, ["UCF-101", "../UCF-101", "UCF101"])
    for line, text in numbered_lines(path):
        if not text.strip():
            continue
        words = text.split()
        name, number = (words[0], words[1]) if len(words) == 2 else (text.strip(), "")
        if "/" not in name or len(words) > 2:
            into.fault(line, f"{text[:80]!r} is no `Class/file.avi` with or without a number")
            continue
        label = into.named(line, name.split("/")[0])
        if label is None:
            continue
        if number and number != str(label + 1):
            into.fault(line, f"the class {name.split('/')[0]!r} has the number {label + 1}, not {number}")
            continue
        file = into.inside(line, folder, name)
        if file is None:
            continue
        group = re.search(r"_g(\d+)_c\d+", name)
        together = f"{names[label]}/g{group[1]}" if group else ""
        into.add(Sample(VideoFile(file), (label,), into.where(line), video=name, group=together))
    return into.listing(disjoint_groups=True)


def _class_index(path: Path) -> tuple[str, ...]:
    """`1 ApplyEyeMakeup`, one a line, numbers in order."""
    names: list[str] = []
    for line, text in numbered_lines(path):
        if not text.strip():
            continue
        words = text.split()
        if len(words) != 2 or words[0] != str(len(names) + 1) or words[1] in names:
            raise RecordError(f"{path.name}:{line}: {text!r} is not `{len(names) + 1} ClassName`, each name once.")
        names.append(words[1])
    return tuple(names)
