"""Frames of an index in ascending order, decoded from the nearest key frame, each with its status.

Two decoders share the work. The fast one uses threads and gives a frame only when everything that was decoded before
it is sound. At the first sign of damage the careful one takes over for that group of pictures: one thread and a new
decoder, started at the group's own key frame, so that what it makes of the damage doesn't depend on where reading
began. (Decoding on through damage does: FFmpeg's H.264 decoder repairs sound pictures behind it as well.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.video.frames import CONCEALED, MISSING, OK
from onlooker.video.index import FrameIndex, Int64
from onlooker.video.limits import Limits
from onlooker.video.passes import SLACK, Pass
from onlooker.video.source import Source

UNKNOWN = 255
"""Status of a frame that was not decoded yet."""
_LOOKAHEAD = 20
"""Later pictures after which a frame that hasn't come counts as missing; no codec reorders by more than 16."""
_ENTRIES = 8
"""Groups to go back at most when a key frame gives no picture."""

Decoded = tuple[int, Any, int]


class _Damage(Exception):
    """The fast decoder met something doubtful; the careful one decides."""


class Decoder:
    """Decoded pictures of one stream by frame index.

    `status` uint8 (frames,) holds what is known so far: 0 ok, 1 concealed, 2 missing, 255 not decoded yet.
    """

    def __init__(self, source: Source, index: FrameIndex, threads: int, limits: Limits) -> None:
        self._index = index
        self._fast = Pass(source, index, threads, limits)
        self._careful = Pass(source, index, 1, limits)
        self._entry: dict[int, int] = {}  # per doubtful group, the group where decoding starts
        self.status: NDArray[np.uint8] = np.full(len(index), UNKNOWN, np.uint8)

    def frames(self, wanted: Sequence[int]) -> Iterator[Decoded]:
        """(index, picture or None, status) for ascending, distinct frame indices."""
        runs = self._runs(wanted)
        for number, run in enumerate(runs):
            position = 0
            while position < len(run):
                try:
                    for frame, picture in self._sound(run[position:], drain=number + 1 < len(runs)):
                        self.status[frame] = OK
                        position += 1
                        yield frame, picture, OK
                except _Damage:
                    self._fast.close()
                    group = self._group(run[position])
                    for item in self._repaired(self._leading(run[position:], group), group):
                        position += 1
                        yield item

    def _leading(self, frames: Sequence[int], group: int) -> list[int]:
        """The frames up to the first one of another group."""
        return list(takewhile(lambda frame: self._group(frame) == group, frames))

    def _group(self, frame: int) -> int:
        return max(0, int(self._index.group[self._index.ordinal[frame]]))

    def _runs(self, wanted: Sequence[int]) -> list[list[int]]:
        """The wanted frames in stretches, each of which is decoded without a jump."""
        runs: list[list[int]] = []
        reached = -1
        for frame in wanted:
            if not runs or self._index.keys[self._group(frame)] > reached + SLACK:
                runs.append([])
            runs[-1].append(frame)
            reached = max(reached, int(self._index.ordinal[frame]))
        return runs

    def _sound(self, run: Sequence[int], *, drain: bool) -> Iterator[tuple[int, Any]]:
        """The pictures of one run from the fast decoder; _Damage instead of one that depends on anything doubtful.

        With `drain` nothing behind the last frame is decoded, and the decoder has to jump afterwards.
        """
        fast, index = self._fast, self._index
        last = int(index.ordinal[list(run)].max())
        wanted = set(run)
        ordinals = set(index.ordinal[list(run)].tolist())
        for frame in run:
            anchor = int(index.keys[self._group(frame)])
            if not fast.can_continue(frame, anchor):  # at the start, and when other frames were read in between
                fast.go_to(anchor)
            ordinal, overtaken = int(index.ordinal[frame]), 0
            while not (frame in fast.ready and next(iter(fast.waiting), ordinal) >= ordinal):
                if fast.drained or overtaken > _LOOKAHEAD:
                    raise _Damage
                if drain and fast.next > last:
                    step = fast.drain()
                else:
                    step = fast.step(ordinals if fast.next < last else None)
                if step.failed or step.flagged:
                    raise _Damage
                for number, picture in step.pictures:
                    shown = int(index.frame_of[number])
                    overtaken += shown > frame
                    if shown in wanted or shown > run[-1]:
                        fast.ready[shown] = picture
            yield frame, fast.ready.pop(frame)

    def _repaired(self, wanted: Sequence[int], group: int) -> Iterator[Decoded]:
        """Frames of a doubtful group with what the careful decoder makes of them."""
        self._assess(group)
        index, careful = self._index, self._careful
        present = {int(index.ordinal[frame]): frame for frame in wanted if self.status[frame] != MISSING}
        start = int(index.keys[self._entry[group]])
        careful.go_to(start)
        visit, last = careful.visits, self._members(group)[-1]
        for frame in wanted:
            ordinal = int(index.ordinal[frame])
            if visit != careful.visits:  # other frames were read in between
                careful.go_to(start)
                visit = careful.visits
            while ordinal in present and frame not in careful.ready and not careful.drained:
                step = careful.step() if careful.next <= last else careful.drain()
                careful.ready |= {present[number]: picture for number, picture in step.pictures if number in present}
            yield frame, careful.ready.pop(frame, None), int(self.status[frame])

    def _assess(self, group: int) -> None:
        """Decode a group carefully and note the status of each of its frames, and from which group to start.

        A key frame that gives no picture may be no real one, but a point from which the picture is renewed bit by bit
        (intra refresh): then an earlier start makes the group whole.
        """
        own = self._members(group)
        broken, shown = self._survey(group, own[-1])
        self._entry[group] = group
        if broken and min(broken) == own[0]:
            for first in range(group - 1, max(-1, group - 1 - _ENTRIES), -1):
                damaged, earlier = self._survey(first, own[-1])
                if not damaged & set(own.tolist()):
                    broken, shown = damaged, earlier
                    self._entry[group] = first
                    break
        self._note(group, broken, shown)

    def _survey(self, first: int, last: int) -> tuple[set[int], set[int]]:
        """Ordinals from the start of a group to `last` that are broken or missing, and of those that give a picture."""
        careful = self._careful
        careful.go_to(int(self._index.keys[first]))
        broken: set[int] = set()
        shown: set[int] = set()
        while not careful.drained:
            step = careful.step() if careful.next <= last else careful.drain()
            if step.failed and step.sent is not None:
                broken.add(step.sent)
            broken |= step.flagged
            shown.update(number for number, _ in step.pictures)
        return broken | set(careful.waiting), shown

    def _members(self, group: int) -> Int64:
        """Ordinals of the packets of a group."""
        return np.flatnonzero(np.maximum(self._index.group, 0) == group)

    def _note(self, group: int, broken: set[int], shown: set[int]) -> None:
        """Set the status of a group: what is decoded after a broken packet that others refer to is from damage."""
        index = self._index
        members = self._members(group)
        damaged = np.isin(members, list(broken))
        own = np.searchsorted(index.keys, members, side="right") - 1
        # pictures that lead into the next key frame refer to that frame as well
        damaged |= (own > group) & np.isin(index.keys[own], list(broken))
        follows = np.logical_or.accumulate(damaged & ~index.packet_disposable[members])
        status = np.where(damaged | follows, CONCEALED, OK)
        status[~np.isin(members, list(shown))] = MISSING
        frames = index.frame_of[members]
        visible = frames >= 0
        self.status[frames[visible]] = status[visible]

    def close(self) -> None:
        """Free the decoders, their threads and descriptors."""
        self._fast.close()
        self._careful.close()
