"""Where the pictures of a sample lie: a video file, a folder of frames, or a member of a tar shard."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from onlooker.data.places import is_file, is_folder, true_path
from onlooker.errors import CorruptMedia, MediaError, UnsupportedMedia
from onlooker.video import Video
from onlooker.video.limits import Limits
from onlooker.video.views import clip_times

VIDEOS = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv")
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm")

Images = NDArray[np.uint8]


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
        yield ImageSequence(frame_files(self.path), self.rate, self.path.name)


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
        yield ImageSequence(self.files, self.rate, str(self.path))


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


class ImageSequence:
    """Images as `Opened`, called `name` in messages. Raises UnsupportedMedia when there are none."""

    def __init__(self, files: tuple[Path, ...], rate: float, name: str) -> None:
        self._files, self._rate, self._name = files, rate, name
        if not self._files:
            raise UnsupportedMedia(f"{name}: there are no images ({', '.join(IMAGES)}).")

    @property
    def duration(self) -> float:
        """Frames over rate."""
        return len(self._files) / self._rate

    @property
    def count(self) -> int:
        """How many images."""
        return len(self._files)

    def clip(self, start: float, end: float, *, frames: int, size: int | None = None, generator: Any = None) -> Images:
        """The images on screen at the chosen moments. Raises CorruptMedia, also for images of unlike sizes."""
        times = clip_times(start, min(end, self.duration), frames=frames, generator=generator)
        # a billionth of a frame of grace: k / rate * rate may fall just short of k
        numbers = np.clip((times * self._rate + 1e-9).astype(np.int64), 0, len(self._files) - 1)
        read: dict[int, Images] = {}
        for number in numbers.tolist():
            if number not in read:
                read[number] = self._image(number, size)
        return self._stacked([read[number] for number in numbers.tolist()])

    def decode(self) -> None:
        """Read every image."""
        shape = self._image(0, None).shape
        for number in range(1, len(self._files)):
            if self._image(number, None).shape != shape:
                raise CorruptMedia(self._unlike())

    def damage(self) -> str:
        """Numbers that are missing between the first and the last image."""
        numbers = [frame_number(file) for file in self._files]
        gaps = [one for one, next_one in pairwise(numbers) if next_one != one + 1]
        more = f" and at {len(gaps) - 1} more places" if len(gaps) > 1 else ""
        return f"{self._name}: no image with the number {gaps[0] + 1}{more}" if gaps else ""

    def _image(self, number: int, size: int | None) -> Images:
        image = read_image(self._files[number])
        return image if size is None else short_side(image, size)

    def _stacked(self, images: list[Images]) -> Images:
        if len({image.shape for image in images}) > 1:
            raise CorruptMedia(self._unlike())
        return np.stack(images)

    def _unlike(self) -> str:
        return f"{self._name}: the images have unlike sizes: extract the frames of one video again."


def read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """uint8 RGB. Raises CorruptMedia, LimitExceeded."""
    try:
        with Image.open(path) as image:
            Limits().check_picture(*image.size, path.name)
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CorruptMedia(f"{path.parent.name}/{path.name}: this image cannot be read ({error}).") from error


def short_side(image: Images, size: int) -> Images:
    """The image with a short side of `size` pixels."""
    height, width = image.shape[:2]
    scale = size / min(height, width)
    wanted = max(size, round(height * scale)), max(size, round(width * scale))
    if wanted == (height, width):
        return image
    how = cv2.INTER_AREA if size < min(height, width) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, wanted[::-1], interpolation=how))


@lru_cache(maxsize=4096)
def _listed(path: str, changed: int) -> tuple[Path, ...]:
    del changed
    files = [file for file in Path(path).iterdir() if file.suffix.lower() in IMAGES]
    return tuple(sorted(files, key=lambda file: (frame_number(file), file.name)))


def frame_files(path: Path) -> tuple[Path, ...]:
    """The images of a folder in the order of their numbers."""
    try:
        return _listed(str(path), path.stat().st_mtime_ns)
    except OSError as error:
        raise MediaError(f"{path.name}: this folder cannot be read ({error}).") from error


def frame_number(path: Path) -> int:
    """The last number in a file's name, -1 without one.

    >>> frame_number(Path("P01_01/frame_0000000042.jpg"))
    42
    """
    found = re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else -1
