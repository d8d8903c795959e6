"""HMDB51's split files: one per class and split, lines `video.avi 1` with 0 unused, 1 training, 2 testing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from onlooker.data.formats.common import Classes, Gathering, media_root, numbered_lines
from onlooker.data.media import VideoFile
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError

FLAGS = {"train": "1", "test": "2"}


def read_hmdb51(
    path: str | Path,
    *,
    part: Literal["train", "test"],
    split: int = 1,
    root: str | Path | None = None,
    classes: Classes = (),
) -> Listing:
    """One part of one split from the folder of `CLASS_test_splitN.txt` files.

    Classes are the files' names, sorted; the videos lie in `root/CLASS/`, by default beside the split files. Raises
    ConfigError when the folder has no file of this split.
    """
    path = Path(path)
    files = sorted(path.glob(f"*_test_split{split}.txt"))
    if not files:
        raise ConfigError(f"{path}: no *_test_split{split}.txt in it. Give the folder of HMDB51's split files.")
    named = {re.sub(r"_test_split\d+$", "", file.stem): file for file in files}
    names = tuple(classes) or tuple(named)
    whole = Gathering(path, names)
    folder = media_root(path / "x", root, ["../hmdb51", "../videos", "../hmdb51_org"])
    for name, file in named.items():
        into = Gathering(file, names)
        label = into.named(1, name)
        for line, text in numbered_lines(file):
            words = text.split()
            if not words:
                continue
            if len(words) != 2 or words[1] not in ("0", "1", "2"):
                into.fault(line, f"{text[:80]!r} is not `video.avi` and 0, 1 or 2")
            elif words[1] == FLAGS[part] and label is not None:
                path_of = into.inside(line, folder, f"{name}/{words[0]}")
                if path_of is not None:
                    into.add(Sample(VideoFile(path_of), (label,), into.where(line), video=f"{name}/{words[0]}"))
        whole.faults += into.faults
        whole.samples += into.samples
    return whole.listing()
