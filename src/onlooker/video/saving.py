"""A media file that appears under its name only when it is whole."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

from onlooker.errors import DiskFull, OnlookerError, PermissionDenied, StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
# leftovers of a killed process carry the same prefix in every room, so that one sweep finds them all
_TEMP_PREFIX = ".tmp-"


class PendingFile:
    """A temporary name beside `path`: `commit` renames it, `discard` removes it.

    Errors: StorageError for a folder that does not exist, PermissionDenied for one that cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.temp = self.path.parent / f"{_TEMP_PREFIX}{secrets.token_hex(6)}"
        with storage_errors(self.path):
            os.close(os.open(self.temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    @property
    def url(self) -> str:
        """The temporary file for FFmpeg, which must not read a colon or a leading dash as something else."""
        return f"file:{self.temp}"

    def commit(self) -> None:
        """Flush to disk, then rename: a power cut leaves the old file or the new one."""
        with storage_errors(self.path):
            _fsync(self.temp)
            os.replace(self.temp, self.path)
            if os.name != "nt":
                _fsync(self.path.parent)

    def discard(self) -> None:
        """Remove the temporary file; the final name is as it was."""
        with suppress(OSError):
            self.temp.unlink()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Inside, an error of the system or of FFmpeg becomes DiskFull, PermissionDenied or StorageError naming `path`."""
    try:
        yield
    except OnlookerError:
        raise
    except (OSError, av.FFmpegError) as error:
        raise _translate(error, path) from error


def _translate(error: OSError | av.FFmpegError, path: Path) -> StorageError:
    where = f"could not write {path.name!r} in {path.parent}"
    if error.errno in _FULL:
        return DiskFull(f"{where}: no space left. What was there before is unchanged; free some space and run again.")
    if error.errno in _DENIED:
        return PermissionDenied(f"{where}: {error.strerror}. Choose a folder that you may write, or change its rights.")
    if error.errno == errno.ENOENT:
        return StorageError(f"{where}: no such folder. Create it first.")
    return StorageError(f"{where}: {error.strerror or error}. What was there before is unchanged.")


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
