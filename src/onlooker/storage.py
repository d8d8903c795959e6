"""Writing so that a power cut leaves the old file or the new one: temp file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from onlooker.errors import DiskFull, PermissionDenied, StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
TEMP_PREFIX = ".tmp-"


@contextmanager
def storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Inside, an OSError becomes DiskFull, PermissionDenied or StorageError that names the file and says what to do."""
    try:
        yield
    except OSError as error:
        raise as_storage_error(error.errno, error.strerror or str(error), path, doing) from error


def as_storage_error(number: int | None, reason: str, path: Path, doing: str) -> StorageError:
    """The error of Onlooker for an error number of the system, met while `doing` something with `path`."""
    where = f"could not {doing} {path.name!r} in {path.parent}"
    if number in _FULL:
        return DiskFull(f"{where}: no space left. What was there before is unchanged; free some space and run again.")
    if number in _DENIED:
        return PermissionDenied(f"{where}: {reason}. Choose a folder that you may write, or change its rights.")
    if number == errno.ENOENT:
        return StorageError(f"{where}: no such file or folder. Check the path.")
    return StorageError(f"{where}: {reason}. What was there before is unchanged.")


def fsync_folder(folder: Path) -> None:
    """Make renames and deletions in the folder survive a power cut (nothing to do where folders cannot be opened)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def atomic_write(path: str | Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file so that its name shows either the old content or the whole new one.

    `content` is the bytes, or a function that writes to the open binary file it is given. Whatever goes wrong,
    the temporary file is removed and the final name is untouched. Errors: DiskFull, PermissionDenied, StorageError.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> atomic_write(target, b"one")
    >>> atomic_write(target, lambda file: file.write(b"two"))
    >>> target.read_bytes()
    b'two'
    """
    path = Path(path)
    with storage_errors(path, "write"):
        descriptor, name = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
        fsync_folder(path.parent)


def _umask() -> int:
    # mkstemp makes files that nobody else may read; results get the rights that `open` would have given them
    current = os.umask(0o022)
    os.umask(current)
    return current


def make_folder(folder: str | Path) -> Path:
    """Create the folder (and its parents) if needed and check that it can be written, before any work is done."""
    folder = Path(folder)
    with storage_errors(folder, "create"):
        folder.mkdir(parents=True, exist_ok=True)
    with storage_errors(folder, "write to"):
        descriptor, name = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=folder)
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)  # another process that starts here may already have tidied it away
    return folder


def require_space(folder: str | Path, needed: int) -> None:
    """Refuse with DiskFull when fewer than `needed` bytes are free where `folder` lies (or will lie)."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise DiskFull(
            f"{folder} needs about {needed / 1e6:.1f} MB but only {free / 1e6:.1f} MB are free: "
            "free some space or choose another folder with --out."
        )


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that a killed writer left in the folder (not in its subfolders)."""
    for path in folder.glob(TEMP_PREFIX + "*"):
        with suppress(OSError):
            path.unlink()


def sha256_of(path: str | Path) -> str:
    """Hex digest of a file's content, read in blocks."""
    path = Path(path)
    with storage_errors(path, "read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
