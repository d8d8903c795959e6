"""The packet index of one video stream: which frames there are, when each is shown, and how to reach it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import PermissionDenied, StorageError

VERSION = 1
_PACKET_ARRAYS = (
    "packet_pts",
    "packet_dts",
    "packet_pos",
    "packet_size",
    "packet_key",
    "packet_skip",
    "packet_damaged",
    "packet_disposable",
)
_FRAME_ARRAYS = ("pts", "time", "duration", "ordinal")
_FACTS = ("stream", "fingerprint", "strict", "truncated", "warnings", "seekable")

Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of one video in the order they are shown, and the packets in the order they are decoded.

    Per frame, all (frames,): `pts` int64 in `time_base` units as the container has them, `time` float64 seconds since
    the file's presentation starts, `duration` float64 seconds until the next frame, `ordinal` int64 the position of
    its packet in decoding order, `key` bool. Frames that are never shown (cut away by an edit list, VP8/VP9 reference
    frames) are not in it. Per packet, all (packets,): `packet_pts`, `packet_dts`, `packet_pos`, `packet_size`,
    `packet_key`, `packet_skip` (gives no visible frame), `packet_damaged` (known to be, or to
    follow a loss), `packet_disposable` (no other picture refers to it; only known for H.264).

    `strict`: slices that don't end with their data count as damage. Built by `scan_index`; kept with `save` and `load`.
    """

    pts: Int64
    time: NDArray[np.float64]
    duration: NDArray[np.float64]
    ordinal: Int64
    packet_pts: Int64
    packet_dts: Int64
    packet_pos: Int64
    packet_size: Int64
    packet_key: NDArray[np.bool_]
    packet_skip: NDArray[np.bool_]
    packet_damaged: NDArray[np.bool_]
    packet_disposable: NDArray[np.bool_]
    time_base: Fraction
    origin: Fraction
    stream: int
    fingerprint: str
    strict: bool = False
    truncated: bool = False
    seekable: bool = True
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def key(self) -> NDArray[np.bool_]:
        """Whether decoding can start at the frame."""
        return self.packet_key[self.ordinal]

    @property
    def start(self) -> float:
        """When the first frame appears, in seconds."""
        return float(self.time[0]) if len(self) else 0.0

    @property
    def end(self) -> float:
        """When the last frame disappears, in seconds."""
        return float(self.time[-1] + self.duration[-1]) if len(self) else 0.0

    @property
    def average_rate(self) -> float:
        """Frames per second over the whole video; 0 for an empty one."""
        length = self.end - self.start
        return len(self) / length if length > 0 else 0.0

    @property
    def is_vfr(self) -> bool:
        """Whether the steps between frames differ by more than the rounding of the time stamps."""
        return steps_vary(self.time[:-1], self.duration[:-1], float(self.time_base))

    def at(self, seconds: float) -> int:
        """The index of the frame on screen at `seconds`; before the first frame it is the first."""
        return max(0, int(np.searchsorted(self.time, seconds + 1e-9, side="right")) - 1)

    def between(self, start: float, end: float) -> Int64:
        """Indices of the frames that appear in [start, end)."""
        first, last = np.searchsorted(self.time, (start - 1e-9, end - 1e-9))
        return np.arange(first, last, dtype=np.int64)

    @cached_property
    def frame_of(self) -> Int64:
        """Per packet, the index of its frame, or -1 where it gives none."""
        frames = np.full(len(self.packet_pts), -1, np.int64)
        frames[self.ordinal] = np.arange(len(self))
        return frames

    @cached_property
    def keys(self) -> Int64:
        """Ordinals of the packets where decoding can start; the first packet when there is no key packet at all."""
        keys = np.flatnonzero(self.packet_key)
        return keys if len(keys) else np.zeros(1, np.int64)

    @cached_property
    def group(self) -> Int64:
        """Per packet, which key packet (position in `keys`) its frame needs, -1 before the first.

        A picture that is decoded after a key frame but shown before it leads into it from the group before (open
        GOP): it belongs to that earlier key.
        """
        own = np.searchsorted(self.keys, np.arange(len(self.packet_pts)), side="right") - 1
        while True:
            leading = (own > 0) & (self.packet_pts < self.packet_pts[self.keys[own]])
            if not leading.any():
                return own
            own[leading] -= 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index as .npz: a temporary file, then renamed. Raises StorageError."""
        target = Path(path)
        facts: dict[str, Any] = {name: getattr(self, name) for name in _FACTS}
        facts |= {"version": VERSION, "time_base": str(self.time_base), "origin": str(self.origin)}
        arrays = {name: getattr(self, name) for name in _FRAME_ARRAYS + _PACKET_ARRAYS}
        temporary = None
        try:
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
                temporary = Path(file.name)
                np.savez(file, facts=np.array(json.dumps(facts)), allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except PermissionError as error:
            raise PermissionDenied(f"{target.name}: the folder {target.parent} cannot be written.") from error
        except OSError as error:
            raise StorageError(f"{target.name}: the frame index cannot be written: {error.strerror}.") from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FrameIndex:
        """Read what `save` wrote. Raises StorageError when it is something else."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                facts = json.loads(str(stored["facts"]))
                if facts.pop("version") != VERSION:
                    raise ValueError("it has another version")
                arrays = {name: stored[name] for name in _FRAME_ARRAYS + _PACKET_ARRAYS}
                facts["warnings"] = tuple(facts["warnings"])
                facts["time_base"], facts["origin"] = Fraction(facts["time_base"]), Fraction(facts["origin"])
                return cls(**arrays, **facts)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise StorageError(
                f"{os.path.basename(path)}: not a usable frame index ({error}). Delete it; it is rebuilt in seconds."
            ) from error


def steps_vary(times: NDArray[np.float64], steps: NDArray[np.float64], tick: float) -> bool:
    """Whether frame steps (seconds) differ by more than time stamps rounded to `tick` can explain."""
    if len(steps) < 2:
        return False
    allowed = max(1.5 * tick, min(0.0015, 0.1 * float(np.median(steps))))  # tools round to a millisecond
    straight = times[0] + np.median(steps) * np.arange(len(times))
    fitted = times[0] + (times[-1] - times[0]) / (len(times) - 1) * np.arange(len(times))
    wobble = min(np.abs(times - line).max() for line in (straight, fitted))
    return bool(wobble > allowed and np.ptp(steps) > 1.5 * allowed)
