"""index.html over a corpus: every video with its picture, people, length and state, and the way to its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.report.build import ANNOTATED, environment
from onlooker.analysis.report.pictures import DULL, data_uri
from onlooker.errors import OnlookerError
from onlooker.records import Entry
from onlooker.storage import atomic_write
from onlooker.video import Video

PAGE = "index.html"
OTHER_PAGE = "onlooker-index.html"
MARK = b'<meta name="generator" content="Onlooker">'
THUMBNAIL_SIDE = 120  # short side in pixels
THUMBNAIL_QUALITY = 70
MOST_THUMBNAILS = 400
MOST_ROWS = 5000


@dataclass(frozen=True)
class _Row:
    entry: Entry
    link: str | None
    thumbnail: str | None


def write_corpus_report(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write the page over `entries` into `folder` and return its path: `index.html`, or another name when that file is
    not ours.

    Thumbnails come from each run's annotated.mp4, in which whoever is to be hidden is hidden. Errors: StorageError.
    """
    rows = []
    left = MOST_THUMBNAILS
    for entry in entries[:MOST_ROWS]:
        thumbnail = _thumbnail(entry, folder) if left > 0 else None
        left -= thumbnail is not None
        rows.append(_Row(entry, _link(entry, folder), thumbnail))
    complete = [entry for entry in entries if entry.status == "complete"]
    page = (
        environment()
        .get_template("corpus.html")
        .render(
            name=folder.resolve().name or str(folder),
            rows=rows,
            total=len(entries),
            complete=len(complete),
            failed=len(entries) - len(complete),
            people=sum(entry.counts.get("people", 0) for entry in complete),
            seconds=sum(entry.duration or 0.0 for entry in complete),
        )
    )
    path = folder / _free_name(folder)
    atomic_write(path, page.encode())
    return path


def _free_name(folder: Path) -> str:
    """A page that somebody else wrote is never replaced."""
    path = folder / PAGE
    if not path.exists():
        return PAGE
    with path.open("rb") as file:
        return PAGE if MARK in file.read(2048) else OTHER_PAGE


def _link(entry: Entry, folder: Path) -> str | None:
    if entry.status != "complete" or entry.folder is None or not (folder / entry.folder / "report.html").exists():
        return None
    return "./" + quote(f"{entry.folder}/report.html")


def _thumbnail(entry: Entry, folder: Path) -> str | None:
    if entry.status != "complete" or entry.folder is None:
        return None
    movie = folder / entry.folder / ANNOTATED
    if not movie.exists():
        return None
    try:
        with Video(movie) as video:
            return data_uri(_lively(video), THUMBNAIL_QUALITY)
    except OnlookerError:
        # the page is worth having without this picture; the run itself is fine
        return None


def _lively(video: Video) -> NDArray[np.uint8]:
    """A small picture from the middle, or from elsewhere where the middle shows nothing."""
    side = min(THUMBNAIL_SIDE, video.info.width, video.info.height)
    for quarter in (2, 1, 3):
        image: NDArray[np.uint8] = video.read([(len(video) - 1) * quarter // 4], size=side).images[0]
        if image.std() >= DULL:
            break
    return image
