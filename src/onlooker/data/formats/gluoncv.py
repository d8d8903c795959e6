"""GluonCV's lists: `path num_frames label`, of videos or of folders of frames."""

from __future__ import annotations

from pathlib import Path

from onlooker.data.formats.common import Classes, Gathering, numbered_lines, unnamed
from onlooker.data.images import frame_files
from onlooker.data.media import FrameFolder, VideoFile
from onlooker.data.places import is_folder
from onlooker.data.samples import Listing, Sample


def read_gluoncv(
    path: str | Path, *, root: str | Path | None = None, classes: Classes = (), rate: float = 30.0
) -> Listing:
    """Lines `relative/path num_frames label` without a header, labels numbers of `classes`.

    A path that is a folder holds frames at `rate` a second; then the number of frames must be right. Of videos the
    number is not believed (GluonCV itself ignores it). Paths are relative to `root`, by default the list's folder; a
    slash at its end makes no difference.
    """
    path = Path(path)
    if not classes:
        raise unnamed(path.name)
    into, folder = Gathering(path, classes), path.parent if root is None else Path(root)
    for line, text in numbered_lines(path):
        if not text.strip():
            continue
        words = text.rsplit(maxsplit=2)
        if len(words) != 3 or not words[1].isdigit():
            into.fault(line, f"{text[:80]!r} is no `path num_frames label`")
            continue
        label, count, place = into.numbered(line, words[2]), int(words[1]), folder / words[0].strip()
        if label is None or "\0" in words[0]:
            continue
        if not is_folder(place):
            into.add(Sample(VideoFile(place), (label,), into.where(line), video=str(place), frames=count))
            continue
        if (real := len(frame_files(place))) != count:
            into.fault(line, f"the list says {count} frames, the folder has {real}: {place}")
        into.add(Sample(FrameFolder(place, rate), (label,), into.where(line), video=str(place), frames=count))
    return into.listing()
