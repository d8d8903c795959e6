"""Frame lists: a row per image with the video that it belongs to, its number and its labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from onlooker.data.formats.common import Classes, Gathering, table, unnamed
from onlooker.data.media import ImageList
from onlooker.data.samples import Listing, Sample

COLUMNS = ("frame_id", "path", "labels")
NAMES = ("original_vido_id", "original_video_id")
"""The released lists spell it the first way."""


@dataclass(slots=True)
class _Frames:
    """The rows of one video so far."""

    line: int
    files: dict[int, Path] = field(default_factory=dict)
    labels: set[int] = field(default_factory=set)


def read_frame_list(
    path: str | Path, *, root: str | Path | None = None, classes: Classes = (), rate: float = 24.0
) -> Listing:
    """`original_vido_id video_id frame_id path labels`, separated by spaces, labels `"3,17"` or `""`.

    A sample is a video with the classes of all its frames (none is possible); frames are ordered by their number and
    shown at `rate` a second. Paths are relative to `root`, by default the list's folder. `where` is the video's first
    row. Source: the frame lists of Charades that PySlowFast and PyTorchVideo read [recalled].
    """
    path = Path(path)
    if not classes:
        raise unnamed(path.name)
    into, folder = Gathering(path, classes), path.parent if root is None else Path(root)
    videos: dict[str, _Frames] = {}
    for line, row in table(path, COLUMNS, into.faults, delimiter=" "):
        video = next((row[name] for name in NAMES if name in row), "")
        file, number = into.inside(line, folder, row["path"]), row["frame_id"]
        if not video or not number.isdecimal():
            into.fault(line, f"a frame needs a video and a number, not {video!r} and {number!r}")
            continue
        frames = videos.setdefault(video, _Frames(line))
        if int(number) in frames.files:
            into.fault(line, f"frame {number} of {video} is already there")
        elif file is not None:
            frames.files[int(number)] = file
        labels = [into.numbered(line, word) for word in row["labels"].split(",") if word.strip()]
        frames.labels.update(label for label in labels if label is not None)
    for video, frames in videos.items():
        if frames.files:
            media = ImageList(Path(video), tuple(file for _, file in sorted(frames.files.items())), rate)
            into.add(Sample(media, tuple(sorted(frames.labels)), into.where(frames.line), video=video))
    return into.listing(multi_label=True)
