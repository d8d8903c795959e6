"""From what was typed to the videos that are meant, and the run folder of each."""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onlooker.errors import ConfigError

_SUFFIX_NAMES = """
3gp asf avi dv flv gif h264 h265 hevc ivf m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpeg mpg mts mxf ogv ts vob webm wmv y4m
"""
VIDEO_SUFFIXES = frozenset(f".{name}" for name in _SUFFIX_NAMES.split())
LIST_SUFFIXES = frozenset({".txt", ".lst"})
RUN_SUFFIX = ".onlooker"
SCHEMES = ("http://", "https://", "rtsp://", "rtsps://", "file://")


@dataclass(frozen=True)
class Item:
    """One video to analyse: what the reader opens, where its results go, and how tables and messages call it."""

    source: str
    folder: Path
    name: str


def expand(inputs: Sequence[str]) -> list[str]:
    """Files, folders (searched in depth for video), globs, lists (`.txt`, one input a line) and URLs, each once.

    Errors: ConfigError for an input that names nothing; a missing file inside a list is kept, to be reported by name.
    """
    found = [source for text in inputs for source in _expand_one(text, listed=False)]
    return list(dict.fromkeys(found))


def _expand_one(text: str, *, listed: bool) -> Iterator[str]:
    if text == "-" or text.lower().startswith(SCHEMES):
        yield text
        return
    path = Path(text)
    if path.is_dir():
        videos = sorted(str(p) for p in _videos_under(path))
        if not videos:
            raise ConfigError(f"{text}: no video in this folder. Name a file, or a folder that holds some.")
        yield from videos
    elif path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        yield from _read_list(path)
    elif path.exists() or (listed and not glob.has_magic(text)):
        yield text
    else:
        matches = sorted(glob.glob(text, recursive=True)) if glob.has_magic(text) else []
        if not matches:
            raise ConfigError(f"{text}: no such file, folder or pattern. Check the spelling and the current folder.")
        for match in matches:
            if not match.endswith(RUN_SUFFIX):
                yield from _expand_one(match, listed=False)


def _videos_under(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            if path.suffix != RUN_SUFFIX:
                yield from _videos_under(path)
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            yield path


def _read_list(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path.name}: not a UTF-8 text list of inputs ({error.reason} at byte {error.start})."
        ) from None
    for line in lines:
        entry = line.strip()
        if entry and not entry.startswith("#"):
            relative = not entry.lower().startswith(SCHEMES) and not Path(entry).is_absolute()
            yield from _expand_one(str(path.parent / entry) if relative else entry, listed=True)


def assign_folders(sources: Sequence[str], out: Path | None) -> list[Item]:
    """A run folder for each source: `<stem>.onlooker` in `out` or beside the input; what clashes gets a longer name."""
    stems = _distinct(sources, (_stem, _full_name, _hashed_name), lambda source: str(_parent(source, out)))
    names = _distinct(sources, (_full_name, _hashed_name), lambda source: "")
    return [Item(s, _parent(s, out) / (stems[s] + RUN_SUFFIX), names[s]) for s in sources]


def _distinct(
    sources: Sequence[str], spellings: Sequence[Callable[[str], str]], scope: Callable[[str], str]
) -> dict[str, str]:
    """A name for each source, unique within its scope: the first spelling, and the next for those that clash."""
    names = {source: spellings[0](source) for source in sources}
    for longer in spellings[1:]:
        count = Counter((scope(source), names[source]) for source in sources)
        names = {s: longer(s) if count[scope(s), name] > 1 else name for s, name in names.items()}
    return names


def _parent(source: str, out: Path | None) -> Path:
    if out is not None:
        return out
    local = source != "-" and "://" not in source
    return Path(source).parent if local else Path()


def _full_name(source: str) -> str:
    if source == "-":
        return "stdin"
    if "://" not in source:
        return Path(source).name
    # a URL without a path ends in its host, which may carry credentials: they never become part of a name
    last = source.split("://", 1)[1].split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    return last.rsplit("@", 1)[-1].replace(":", "_") or "stream"


def _stem(source: str) -> str:
    return Path(_full_name(source)).stem


def _hashed_name(source: str) -> str:
    key = source if "://" in source else str(Path(source).resolve())
    return f"{_full_name(source)}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
