"""What runs in the helper process (see `apart`), and the memory that both processes see."""

from __future__ import annotations

import mmap
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.recognition.dense_trajectories.camera import Boxes, Matrix
from onlooker.methods.recognition.dense_trajectories.farneback import Flow
from onlooker.methods.recognition.dense_trajectories.memory import LINE
from onlooker.methods.recognition.dense_trajectories.motion import Matches, Motion, Pair, View
from onlooker.methods.recognition.dense_trajectories.pyramid import Grey, Level

Answer = tuple[bool, Matrix | None]


def table_bytes(sizes: tuple[Level, ...], slots: int) -> int:
    """What a `Table` needs."""
    return slots * sum(_bytes(shape, kind) for shape, kind in _parts(sizes))


def _parts(sizes: tuple[Level, ...]) -> Iterator[tuple[tuple[int, ...], type[np.generic]]]:
    for _ in range(2):
        yield (sizes[0].height, sizes[0].width), np.uint8
    for _ in range(2):
        for level in sizes:
            yield (level.height, level.width, 2), np.float32


def _bytes(shape: tuple[int, ...], kind: type[np.generic]) -> int:
    return -(-int(np.prod(shape)) * np.dtype(kind).itemsize // LINE) * LINE


class Table:
    """Slots in shared memory, of two frames and two flows on all levels each."""

    def __init__(self, memory: int, sizes: tuple[Level, ...], slots: int) -> None:
        held, offset = mmap.mmap(memory, table_bytes(sizes, slots)), 0
        self.frames: list[list[Grey]] = []
        self.flows: list[list[list[Flow]]] = []
        for _ in range(slots):
            arrays: list[NDArray[Any]] = []
            for shape, kind in _parts(sizes):
                arrays.append(np.frombuffer(held, kind, int(np.prod(shape)), offset).reshape(shape))
                offset += _bytes(shape, kind)
            self.frames.append(arrays[:2])
            self.flows.append([arrays[2 : 2 + len(sizes)], arrays[2 + len(sizes) :]])

    def put(self, slot: int, pair: Pair) -> Answer:
        """Write the flow; gives what else there is to say."""
        apart = pair.residual is not pair.flow
        for held, found in zip(self.flows[slot], (pair.flow, pair.residual)[: 1 + apart], strict=False):
            for into, flow in zip(held, found, strict=True):
                into[:] = flow
        return apart, pair.matrix

    def pair(self, slot: int, before: View, after: View, answer: Answer) -> Pair:
        """Undoes `put`, with a copy of the flow."""
        apart, matrix = answer
        flow, *rest = ([part.copy() for part in held] for held in self.flows[slot][: 1 + apart])
        return Pair(before, after, flow, rest[0] if rest else flow, matrix)


@dataclass(slots=True)
class _Desk:
    """What the helper works with, and the frame it saw last in the `serial`th video."""

    motion: Motion
    table: Table
    last: View | None = None
    serial: int = -1

    def do(self, serial: int, slot: int, index: int, boxes: Boxes, matches: Matches) -> Answer | None:
        """Find the flow between the frames of a slot; None if that fails."""
        one, other = (grey.copy() for grey in self.table.frames[slot])
        try:
            before, after = self.motion.view(index, one, boxes), self.motion.view(index + 1, other, boxes)
            if self.last is not None and (self.serial, self.last.index) == (serial, index):
                before = self.last
            pair = self.motion.flow(before, after, matches)
        except Exception:  # the other process will find out why
            return None
        self.last, self.serial = pair.after, serial
        return self.table.put(slot, pair)


def main() -> None:
    """Answer until the other end closes, or is silent for long.

    Receives settings and the sizes of levels, or a slot to work on. Its arguments are the open files of the connection
    and of the memory, and seconds.
    """
    import torch

    from onlooker.methods.recognition.dense_trajectories.ahead import DEPTH

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    connection, memory, idle = Connection(int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
    desk: _Desk | None = None
    try:
        connection.send("ready")
        while connection.poll(idle):
            asked = connection.recv()
            if len(asked) == 2:
                desk = _Desk(Motion(*asked), Table(memory, asked[1], DEPTH))
            elif desk is not None:
                connection.send((desk.do(*asked), time.process_time()))
    except (EOFError, OSError):
        return
