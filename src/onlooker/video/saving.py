"""A media file that appears under its name only when it is whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

from onlooker.storage import TEMP_PREFIX, as_storage_error, fsync_folder, storage_errors


class PendingFile:
    """A temporary name beside `path`: `commit` renames it, `discard` removes it.

    Errors: StorageError for a folder that does not exist, PermissionDenied for one that cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.temp = self.path.parent / f"{TEMP_PREFIX}{secrets.token_hex(6)}"
        with storage_errors(self.path, "write"):
            os.close(os.open(self.temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    @property
    def url(self) -> str:
        """The temporary file for FFmpeg, which must not read a colon or a leading dash as something else."""
        return f"file:{self.temp}"

    def commit(self) -> None:
        """Flush to disk, then rename: a power cut leaves the old file or the new one."""
        with storage_errors(self.path, "write"):
            _fsync(self.temp)
            os.replace(self.temp, self.path)
            fsync_folder(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file; the final name is as it was."""
        with suppress(OSError):
            self.temp.unlink()


@contextmanager
def encoding_errors(path: Path) -> Iterator[None]:
    """Inside, an error of the system or of FFmpeg becomes DiskFull, PermissionDenied or StorageError naming `path`."""
    try:
        with storage_errors(path, "write"):
            yield
    except av.FFmpegError as error:
        raise as_storage_error(error.errno, error.strerror or str(error), path, "write") from error


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
