"""Every error that Onlooker raises on purpose. Each message says what went wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence


class OnlookerError(Exception):
    """Base of all errors below; `exit_code` is what the command line returns for it."""

    exit_code = 1


class MediaError(OnlookerError):
    """A video, sound or stream could not be read."""


class UnsupportedMedia(MediaError):
    """The content is not a video that can be decoded here (decided by content, never by file name)."""


class TruncatedMedia(MediaError):
    """The file ends before its content does."""


class CorruptMedia(MediaError):
    """Damaged data inside the file. `at` is the time in seconds; `recoverable` says whether later frames decode."""

    def __init__(self, message: str, *, at: float | None = None, recoverable: bool = False) -> None:
        super().__init__(message)
        self.at = at
        self.recoverable = recoverable


class LimitExceeded(MediaError):
    """The input is larger than a configured limit; nothing of that size was allocated."""

    def __init__(self, message: str, *, limit: str, value: float) -> None:
        super().__init__(message)
        self.limit = limit
        self.value = value


class SourceLost(MediaError):
    """A live source ended or refused the connection."""


class SourceTimeout(MediaError):
    """A live source or a decoder gave nothing within its time limit."""


class ConfigError(OnlookerError):
    """The request is wrong: an unknown key, a wrong type, an impossible combination."""

    exit_code = 2


class MissingDependency(ConfigError):
    """An optional package is needed; the message names the extra to install."""


class WeightsError(OnlookerError):
    """A checkpoint could not be used."""


class UnsafeCheckpoint(WeightsError):
    """The file would run code, or its header is not to be trusted."""


class IncompatibleCheckpoint(WeightsError):
    """The file holds another architecture. All three lists are complete."""

    def __init__(
        self,
        message: str,
        *,
        missing: Sequence[str] = (),
        unexpected: Sequence[str] = (),
        mismatched: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.unexpected = tuple(unexpected)
        self.mismatched = tuple(mismatched)


class LicenceError(WeightsError):
    """Code, weights or data forbid the use that was asked for."""


class StorageError(OnlookerError):
    """Results could not be written or read; what was there before is unchanged."""


class DiskFull(StorageError):
    """No space left; temporary files were removed and the final name was not touched."""


class PermissionDenied(StorageError):
    """The folder cannot be written."""


class RunLocked(StorageError):
    """Another live process writes to this run folder."""


class RecordError(OnlookerError):
    """A table or annotation file breaks its schema; the message lists every fault with file and line."""
