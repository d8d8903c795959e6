"""Where the pictures of a sample lie: a video file, a folder of frames, or a member of a tar shard."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import UInt8

from onlooker.data.images import Images, ImageSequence, frame_files
from onlooker.data.places import is_file, is_folder, true_path
from onlooker.video import Video

VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv")


class Opened(Protocol):
    """Pictures that can be read by time."""

    @property
    def duration(self) -> float:
        """Seconds until the last frame disappears."""
        ...

    @property
    def count(self) -> int:
        """How many frames there are."""
        ...

    def clip(
        self, start: float, end: float, *, frames: int, size: int | None = None, generator: Any = None
    ) -> UInt8[np.ndarray, "time height width 3"]:
        """`frames` frames spread over [start, end) as `Video.clip` spreads them, `size` being their short side."""
        ...

    def decode(self) -> None:
        """Read every frame once. Raises MediaError for the first that cannot be read."""
        ...

    def damage(self) -> str:
        """What is missing, as far as it is known without decoding, or nothing."""
        ...


class Media(Protocol):
    """Pictures that are not opened yet; `str()` names them for people."""

    @property
    def path(self) -> Path:
        """The file or folder that holds them."""
        ...

    @property
    def identity(self) -> str:
        """Equal for equal pictures under one path, whatever links lead there."""
        ...

    def missing(self) -> str:
        """Why there is nothing to open, or nothing."""
        ...

    def open(self) -> Any:
        """A context that gives an `Opened`. Raises MediaError."""
        ...


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video in a file of its own."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The file without links."""
        return true_path(self.path)

    def missing(self) -> str:
        """No such file, or an empty one."""
        if not is_file(self.path):
            return f"no such file: {self.path}"
        return "" if self.path.stat().st_size else f"the file is empty: {self.path}"

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """The decoded file."""
        with Video(self.path) as video:
            yield DecodedVideo(video)


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """Numbered images in a folder, `rate` of them a second, in the order of the last number in their names."""

    path: Path
    rate: float

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The folder without links."""
        return true_path(self.path)

    def missing(self) -> str:
        """No such folder, or one without images."""
        if not is_folder(self.path):
            return f"no such folder of frames: {self.path}"
        return "" if frame_files(self.path) else f"no images in the folder: {self.path}"

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """The images; each is read when it is asked for."""
        yield ImageSequence(self.path, frame_files(self.path), self.rate, self.path.name, numbered=True)


@dataclass(frozen=True, slots=True)
class ImageList:
    """Images that a list names one by one, `rate` of them a second; `path` is what the video is called."""

    path: Path
    files: tuple[Path, ...]
    rate: float

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The first and the last image without links."""
        return f"{true_path(self.files[0])} to {true_path(self.files[-1])}"

    def missing(self) -> str:
        """The first image that is not there."""
        lacking = [file for file in self.files if not is_file(file)]
        more = f", nor {len(lacking) - 1} others" if len(lacking) > 1 else ""
        return f"no such image: {lacking[0]}{more}" if lacking else ""

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """The images; each is read when it is asked for."""
        yield ImageSequence(Path(), [str(file) for file in self.files], self.rate, str(self.path), numbered=False)


@dataclass(frozen=True, slots=True)
class ShardMember:
    """A video inside an uncompressed tar file: `size` bytes from `offset` on."""

    path: Path
    member: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path}!{self.member}"

    @property
    def identity(self) -> str:
        """The shard without links, and the member."""
        return f"{true_path(self.path)}!{self.member}"

    def missing(self) -> str:
        """The shard is gone, or the member holds nothing."""
        if not is_file(self.path):
            return f"no such file: {self.path}"
        return "" if self.size else f"the member is empty: {self}"

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """The decoded member, read into memory."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            content = io.BytesIO(file.read(self.size))
        content.name = self.member  # type: ignore[attr-defined] # what messages call it
        with Video(content) as video:
            yield DecodedVideo(video)


class DecodedVideo:
    """`Video` as `Opened`."""

    def __init__(self, video: Video) -> None:
        self._video = video

    @property
    def duration(self) -> float:
        """From the verified index."""
        return float(self._video.index.end)

    @property
    def count(self) -> int:
        """From the verified index."""
        return len(self._video)

    def clip(self, start: float, end: float, *, frames: int, size: int | None = None, generator: Any = None) -> Images:
        """As `Video.clip`."""
        return self._video.clip(start, end, frames=frames, size=size, generator=generator).images

    def decode(self) -> None:
        """Decode everything; a file that is cut off raises TruncatedMedia."""
        for _ in self._video.chunks(16):
            pass

    def damage(self) -> str:
        """Whether the file ends before its content does."""
        index = self._video.index
        return f"{self._video.name}: the file is cut off after {index.end:.3f} s" if index.truncated else ""
