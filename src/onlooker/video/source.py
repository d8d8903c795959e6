"""Where the bytes of a video come from: a path, a URL, bytes or a file object, seekable or not."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import av

from onlooker.errors import ConfigError, MediaError, TruncatedMedia, UnsupportedMedia
from onlooker.video.fetch import download
from onlooker.video.limits import Limits
from onlooker.video.sniff import detected_type, mp4_boxes

VideoSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

# Containers that hold their own media. Playlists, concatenation scripts, image sequences, devices and text renderers
# are left out: they read other files or other hosts.
_DEMUXERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vvc,av1,obu,ivf,vc1,flv,asf,ogg,gif,mjpeg,rm,wtv,"
    "mxf,gxf,nut,dv,yuv4mpegpipe,wav,w64,flac,mp3,aac,ac3,eac3,aiff,au,caf,amr,ape,wv,tta,dts"
)
_SPOOL_CHUNK = 1 << 20


class Source:
    """The bytes of one input, which can be opened several times at once.

    `name` is what messages call it (a base name, never the whole path), `size` is in bytes.
    Raises ConfigError (no such file, a protocol that is not allowed), TruncatedMedia (empty), LimitExceeded.
    """

    def __init__(self, source: VideoSource, limits: Limits) -> None:
        self._limits = limits
        self._path: str | None = None
        self._data: bytes | None = None
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()
        self._temporary: str | None = None
        self.name = "<bytes>"
        try:
            self._bind(source)
            self.size = self._measure()
            limits.check_file(self.size, self.name)
            if self.size == 0:
                raise TruncatedMedia(f"{self.name}: the file is empty (0 bytes). Copy or record it again.")
        except BaseException:
            self.close()
            raise

    def _bind(self, source: VideoSource) -> None:
        if isinstance(source, bytes | bytearray | memoryview):
            self._data = bytes(source)
        elif isinstance(source, str | os.PathLike):
            self._bind_name(os.fspath(source))
        elif hasattr(source, "read"):
            self._bind_file(source)
        else:
            raise ConfigError(f"A video is a path, a URL, bytes or a binary file object, not {type(source).__name__}.")

    def _bind_name(self, text: str) -> None:
        scheme, found, rest = text.partition("://")
        if found and not os.path.exists(text):
            if scheme.lower() == "file":
                text = urllib.parse.unquote(urllib.parse.urlsplit(text).path)
            elif scheme.lower() in ("http", "https"):
                self.name = os.path.basename(urllib.parse.urlsplit(text).path) or rest.split("/")[0].rpartition("@")[2]
                self._temporary = self._path = download(text, self.name, self._limits)
                return
            else:
                raise ConfigError(
                    f"The protocol {scheme!r} is not read as a file. Allowed: a path, file://, http://, https://; "
                    "for a camera or another live source use onlooker.Stream."
                )
        if "\0" in text:
            raise ConfigError("A file name cannot hold a NUL character.")
        self.name = os.path.basename(text.rstrip("/")) or text
        try:
            mode = os.stat(text).st_mode
        except FileNotFoundError:
            folder = Path(text).absolute().parent
            raise ConfigError(f"{self.name}: there is no such file (looked in {folder}).") from None
        except OSError as error:
            raise ConfigError(f"{self.name}: cannot be opened: {error.strerror}.") from None
        if stat.S_ISDIR(mode):
            raise ConfigError(f"{self.name}: is a folder. Name a video file in it.")
        if stat.S_ISREG(mode):
            self._path = os.path.abspath(text)
            return
        with open(text, "rb") as pipe:
            self._spool(pipe)

    def _bind_file(self, file: BinaryIO) -> None:
        self.name = os.path.basename(str(getattr(file, "name", "<file object>")))
        seekable = getattr(file, "seekable", None)
        if hasattr(file, "seek") and hasattr(file, "tell") and (seekable is None or seekable()):
            self._file = file
        else:
            self._spool(file)

    def _spool(self, file: BinaryIO) -> None:
        """Copy what can be read only once to a temporary file, as exact access needs to go back."""
        handle, self._temporary = tempfile.mkstemp(prefix="onlooker-", suffix=".media")
        self._path, total = self._temporary, 0
        with os.fdopen(handle, "wb") as out:
            while chunk := file.read(_SPOOL_CHUNK):
                if not isinstance(chunk, bytes | bytearray | memoryview):
                    raise ConfigError(f'{self.name}: a file object must be opened in binary mode ("rb").')
                total += len(chunk)
                self._limits.check_file(total, self.name)
                out.write(chunk)

    def _measure(self) -> int:
        if self._data is not None:
            return len(self._data)
        if self._path is not None:
            return os.stat(self._path).st_size
        with self.reader() as file:
            return file.seek(0, os.SEEK_END)

    @contextmanager
    def reader(self) -> Iterator[BinaryIO]:
        """A binary file of its own position over the bytes."""
        file = self._view()
        try:
            yield file
        finally:
            file.close()

    def _view(self) -> BinaryIO:
        if self._path is not None:
            try:
                return open(self._path, "rb")
            except OSError as error:
                raise MediaError(f"{self.name}: cannot be read: {error.strerror}.") from error
        if self._data is not None:
            return io.BytesIO(self._data)
        assert self._file is not None
        return cast(BinaryIO, _SharedFile(self._file, self._lock))

    def open(self) -> Any:
        """A new PyAV input container. Raises UnsupportedMedia or TruncatedMedia when it isn't readable media."""
        restrictions = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file" if self._path else "none"}
        decoding = {"max_pixels": str(self._limits.pixels)}
        target: Any = f"file:{self._path}" if self._path is not None else self._view()
        try:
            return av.open(target, options=decoding, container_options=restrictions)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> MediaError:
        """Why the content cannot be opened, in words for the person who named the file."""
        if isinstance(error, PermissionError):
            return MediaError(f"{self.name}: permission denied. Check who may read the file.")
        with self.reader() as file:
            head = file.read(4096)
            boxes = [name for name, _ in mp4_boxes(file, self.size)]
        kind = detected_type(head)
        if kind is not None:
            return UnsupportedMedia(f"{self.name}: this is {kind}, not a video (judged by its content).")
        if boxes and b"moov" not in boxes:
            return TruncatedMedia(
                f"{self.name}: the MP4 index (moov) is missing, so the download or recording was cut short. "
                "Fetch the file again, or rebuild the index with a repair tool from another file of the same camera."
            )
        if boxes or self.size < 64:
            return TruncatedMedia(f"{self.name}: the file breaks off inside its header. Fetch the file again.")
        return UnsupportedMedia(f"{self.name}: no known video format was found in the content ({self.size} bytes).")

    def fingerprint(self) -> str:
        """A hash that changes when the content does: size, both ends and samples between, read in milliseconds."""
        digest = hashlib.sha256(str(self.size).encode())
        with self.reader() as file:
            for k in range(17):
                file.seek(max(0, (self.size - (1 << 16)) * k // 16))
                digest.update(file.read(1 << 16))
        return digest.hexdigest()

    def close(self) -> None:
        """Remove the temporary copy, if there is one."""
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)

    def __del__(self) -> None:
        self.close()


class _SharedFile(io.RawIOBase):
    """One of several readers of a single seekable file object, each with its own position."""

    def __init__(self, file: BinaryIO, lock: threading.Lock) -> None:
        self._file, self._lock, self._position = file, lock, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            with self._lock:
                offset = self._file.seek(offset, os.SEEK_END) or self._file.tell()
        self._position = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        with self._lock:
            self._file.seek(self._position)
            data = self._file.read(size)
        self._position += len(data)
        return data
