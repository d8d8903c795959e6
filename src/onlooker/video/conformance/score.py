"""Counting wrong frames: each reader is asked for the frames of each sample in several orders."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from onlooker.video.conformance.corpus import Sample
from onlooker.video.conformance.numbers import Image, read
from onlooker.video.conformance.readers import OPENING, Reader, Seen, Session

MODES = ("sequential", "random", "reverse", "time")


@dataclass
class Count:
    """What became of the frames asked for.

    `wrong`: another picture than the truth, and nothing said about it. `missing`: nothing given. `errors`: an
    exception. `flagged`: given with a warning (only where damage may show; elsewhere that is `missing`). `unequal`:
    the right number, but not the same pixels as in sequence.
    """

    asked: int = 0
    right: int = 0
    wrong: int = 0
    missing: int = 0
    errors: int = 0
    flagged: int = 0
    unequal: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        return self.wrong == self.missing == self.errors == self.unequal == 0

    def add(self, other: Count) -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Result:
    """One reader on one sample: a count per mode; `refused` when the file could not be opened, with the reason."""

    modes: dict[str, Count]
    refused: str | None = None
    note: str | None = None

    def total(self) -> Count:
        """All modes together."""
        total = Count()
        for count in self.modes.values():
            total.add(count)
        return total

    def as_dict(self) -> dict[str, Any]:
        """For JSON; counts of zero are left out."""
        return {
            "refused": self.refused,
            "note": self.note,
            "modes": {name: {k: v for k, v in asdict(count).items() if v} for name, count in self.modes.items()},
        }


def examine(reader: Reader, sample: Sample, *, seed: int = 0, queries: int = 24) -> Result:
    """Ask one reader for the frames of one sample, each mode on a newly opened file.

    `queries` frames are asked for in the modes out of order. Damaged files are asked by time only: what the index of a
    frame is in a file that has lost some is a matter of taste.
    """
    truth = sample.truth
    examination = _Examination(sample, seed, queries)
    modes = {"sequential": examination.sequential}
    if truth.readable:
        modes["time"] = examination.by_time
        if not truth.damaged:
            modes |= {"random": examination.in_random_order, "reverse": examination.in_reverse}
    counts: dict[str, Count] = {}
    for mode in MODES:
        if mode not in modes:
            continue
        try:
            session = reader.opener(sample.path)
        except Exception as error:  # a peer may raise anything; each kind is a refusal
            return Result({"sequential": _refused(sample)}, refused=_say(error, sample))
        try:
            counts[mode] = modes[mode](session)
        finally:
            session.close()
    return Result(counts, note=examination.note)


def _refused(sample: Sample) -> Count:
    """A refusal is right for a file that cannot be read, and one error for each frame of any other."""
    frames = sum(sample.truth.sound)
    return Count(asked=frames, errors=frames) if sample.truth.readable else Count(asked=1, right=1)


class _Examination:
    """The questions about one sample; remembers the pixels of the sequential pass."""

    def __init__(self, sample: Sample, seed: int, queries: int) -> None:
        self._sample, self._truth = sample, sample.truth
        self._pixels: dict[int, Image] = {}
        self.note: str | None = None
        sound = np.flatnonzero(np.array(sample.truth.sound, bool))
        rng = np.random.default_rng([seed, zlib.crc32(sample.case.name.encode())])
        self._picks = [int(k) for k in rng.permutation(sound)[:queries]]

    def sequential(self, session: Session) -> Count:
        """All frames in order, each held against the truth at its place (by its time in a damaged file)."""
        truth, count = self._truth, Count(asked=len(self._truth.numbers))
        met: set[int] = set()
        for position, seen in enumerate(self._guarded(session, count)):
            place = self._place(position, seen)
            if place is None or place in met:
                count.wrong += not seen.flagged  # a frame that the file does not show
                continue
            met.add(place)
            if self._judge(count, place, seen):
                self._pixels[place] = seen.image
        count.missing += sum(sound and place not in met for place, sound in enumerate(truth.sound))
        return count

    def in_random_order(self, session: Session) -> Count:
        """Frames by index, there and back through the file."""
        return self._asked(self._picks, session.at_index)

    def in_reverse(self, session: Session) -> Count:
        """Frames by index, from the last to the first."""
        return self._asked(sorted(self._picks, reverse=True), session.at_index)

    def by_time(self, session: Session) -> Count:
        """Frames by a time shortly behind their start."""
        times = self._truth.times
        # how long the last frame lasts is not in the truth: the question stays close to its start
        ends = [*times[1:], times[-1] + 0.0008 / OPENING]

        def ask(pick: int) -> Seen | None:
            return session.at_time(times[pick] + OPENING * (ends[pick] - times[pick]))

        return self._asked(self._picks, ask)

    def _asked(self, picks: Sequence[int], ask: Callable[[int], Seen | None]) -> Count:
        count = Count(asked=len(picks))
        for pick in picks:
            try:
                seen = ask(pick)
            except Exception as error:  # a peer may raise anything
                count.errors += 1
                self.note = self.note or _say(error, self._sample)
                continue
            if seen is None:
                count.missing += 1
                continue
            right = self._judge(count, pick, seen)
            if right and pick in self._pixels and not np.array_equal(self._pixels[pick], seen.image):
                count.right -= 1
                count.unequal += 1
        return count

    def _judge(self, count: Count, place: int, seen: Seen) -> bool:
        """Count one frame; whether it is right."""
        right = not seen.flagged and read(seen.image).upright == self._truth.numbers[place]
        if right:
            count.right += 1
        elif not seen.flagged:
            count.wrong += 1
        elif self._truth.sound[place]:
            count.missing += 1
        else:
            count.flagged += 1
        return right

    def _place(self, position: int, seen: Seen) -> int | None:
        """The frame of the truth that a frame in sequence claims to be."""
        truth = self._truth
        if not truth.damaged or seen.time is None:
            return position if position < len(truth.numbers) else None
        nearest = int(np.argmin(np.abs(np.array(truth.times) - seen.time))) if truth.times else -1
        return nearest if nearest >= 0 and abs(truth.times[nearest] - seen.time) < 0.005 else None

    def _guarded(self, session: Session, count: Count) -> Iterator[Seen]:
        """The frames in sequence up to the first exception, which counts as one error."""
        frames: Iterable[Seen] = session.frames()
        try:
            yield from frames
        except Exception as error:  # a peer may raise anything
            self.note = _say(error, self._sample)
            count.errors += 1


def _say(error: Exception, sample: Sample) -> str:
    """One line, without the folder that the sample happens to lie in."""
    lines = str(error).replace(f"{sample.path.parent}{os.sep}", "").strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160] if lines else ''}"
