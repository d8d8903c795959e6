"""What a reader does about damaged frames: raise, leave them out, or show the picture before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError, CorruptMedia
from onlooker.video.decode import Decoded, Decoder
from onlooker.video.frames import MISSING, OK, STATUS_NAMES
from onlooker.video.index import FrameIndex
from onlooker.video.limits import Limits
from onlooker.video.source import Source

OnCorrupt = Literal["raise", "skip", "hold_last"]


class CheckedFrames:
    """The decoded pictures of a stream under one policy for damage, see `onlooker.video.Video`."""

    def __init__(
        self,
        source: Source,
        index: FrameIndex,
        threads: int,
        limits: Limits,
        *,
        on_corrupt: OnCorrupt,
        max_bad_ratio: float,
    ) -> None:
        self._source, self._index, self._limits = source, index, limits
        self._on_corrupt, self._max_bad_ratio = on_corrupt, max_bad_ratio
        self._decoder = Decoder(source, index, threads, limits)
        self._held: tuple[int, Any] | None = None

    @staticmethod
    def check(on_corrupt: OnCorrupt, max_bad_ratio: float) -> None:
        """Raises ConfigError for a policy that there isn't."""
        if on_corrupt not in ("raise", "skip", "hold_last"):
            raise ConfigError(f"on_corrupt is raise, skip or hold_last, not {on_corrupt!r}.")
        if not 0 <= max_bad_ratio <= 1:
            raise ConfigError(f"max_bad_ratio is a share between 0 and 1, not {max_bad_ratio!r}.")

    @property
    def status(self) -> NDArray[np.uint8]:
        """Per frame what is known so far: 0 ok, 1 concealed, 2 missing, 255 not decoded yet."""
        return self._decoder.status

    def assess(self, wanted: Sequence[int]) -> None:
        """Decode ascending distinct indices to learn their status; damage is no error here."""
        for _ in self._decoder.frames(wanted):
            pass

    def frames(self, wanted: Sequence[int]) -> Iterator[Decoded]:
        """(index, picture, status) of ascending distinct indices; the picture is None where nothing came before it.

        Raises CorruptMedia where the policy, or the extent of the damage, asks for it.
        """
        for index, picture, status in self._decoder.frames(wanted):
            if status != OK:
                self._judge(index, status)
            if picture is not None:
                if self._on_corrupt == "hold_last":
                    self._held = (index, picture)
                yield index, picture, status
            elif self._on_corrupt == "hold_last":
                yield index, self._before(index), MISSING

    def _judge(self, index: int, status: int) -> None:
        at = float(self._index.time[index])
        if self._on_corrupt == "raise":
            raise CorruptMedia(
                f"{self._source.name}: frame {index} at {at:.3f} s is damaged ({STATUS_NAMES[status]}). Use "
                "on_corrupt='skip' or 'hold_last' to read on; Video.bad_intervals lists the damage.",
                at=at,
                recoverable=True,
            )
        missing = int((self.status == MISSING).sum())
        if missing > self._max_bad_ratio * len(self._index):
            raise CorruptMedia(
                f"{self._source.name}: {missing} of {len(self._index)} frames cannot be decoded, more than "
                f"max_bad_ratio={self._max_bad_ratio:g} allows (at {at:.3f} s).",
                at=at,
                recoverable=True,
            )

    def _before(self, index: int) -> Any:
        """The last picture before `index` that can be decoded; None when there is none."""
        for earlier in range(index - 1, -1, -1):
            if self._held is not None and self._held[0] == earlier:
                return self._held[1]
            if self.status[earlier] == MISSING:
                continue
            other = Decoder(self._source, self._index, 1, self._limits)  # ours is in the middle of something
            try:
                for _, picture, _ in other.frames([earlier]):
                    if picture is not None:
                        self._held = (earlier, picture)
                        return picture
            finally:
                other.close()
        return None

    def close(self) -> None:
        """Free the decoders, their threads and descriptors, and the picture that is held."""
        self._decoder.close()
        self._held = None
