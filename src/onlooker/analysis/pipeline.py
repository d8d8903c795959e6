"""Runs stages over chunks: each stage on its own thread, in chunk order, waiting only for what it needs.

At most `IN_FLIGHT` chunks exist at a time, so memory does not depend on the length of the video.
"""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from onlooker.analysis.stage import Inputs, Output, Stage, State
from onlooker.video import Clip

IN_FLIGHT = 3


@dataclass(frozen=True)
class Chunk:
    """Frames to work on. `checkpoint` asks for a copy of every state after this chunk."""

    clip: Clip
    first: bool
    last: bool
    epoch: int = 0
    checkpoint: bool = False


@dataclass(frozen=True)
class Result:
    """What all stages gave for one chunk; `states` only where the chunk asked for a checkpoint."""

    chunk: Chunk
    tables: dict[str, list[pa.Table]]
    states: dict[str, State] | None


class Pipeline:
    """Stages in dependency order with their states. `busy` counts the seconds each stage worked."""

    def __init__(self, stages: Sequence[Stage], states: dict[str, State] | None = None) -> None:
        self._stages = list(stages)
        self._states = states or {stage.name: stage.start() for stage in stages}
        self.busy = {"decode": 0.0, **{stage.name: 0.0 for stage in stages}}

    def run(self, chunks: Iterator[Chunk]) -> Iterator[Result]:
        """Results in chunk order; an error in any stage or in the source ends the iteration with that error."""
        pools = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in self.busy}
        pending: deque[tuple[Chunk, dict[str, Future[tuple[Output, State | None]]]]] = deque()
        try:
            for chunk in self._ahead(chunks, pools["decode"]):
                pending.append((chunk, self._submit(chunk, pools)))
                if len(pending) >= IN_FLIGHT:
                    yield self._collect(*pending.popleft())
            while pending:
                yield self._collect(*pending.popleft())
        finally:
            for pool in pools.values():
                pool.shutdown(wait=True, cancel_futures=True)

    def _ahead(self, chunks: Iterator[Chunk], pool: ThreadPoolExecutor) -> Iterator[Chunk]:
        """The same chunks, the next one being decoded while this one is worked on."""

        def decode() -> Chunk | None:
            began = time.perf_counter()
            chunk = next(chunks, None)
            self.busy["decode"] += time.perf_counter() - began
            return chunk

        coming = pool.submit(decode)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(decode)
            yield chunk

    def _submit(
        self, chunk: Chunk, pools: dict[str, ThreadPoolExecutor]
    ) -> dict[str, Future[tuple[Output, State | None]]]:
        futures: dict[str, Future[tuple[Output, State | None]]] = {}
        for stage in self._stages:
            needed = [futures[s.name] for s in self._stages if s.name in futures and set(s.gives) & set(stage.needs)]
            futures[stage.name] = pools[stage.name].submit(self._work, stage, chunk, needed)
        return futures

    def _work(
        self, stage: Stage, chunk: Chunk, needed: list[Future[tuple[Output, State | None]]]
    ) -> tuple[Output, State | None]:
        given = {name: value for future in needed for name, value in future.result()[0].values.items()}
        began = time.perf_counter()
        inputs = Inputs(chunk.clip, given, chunk.first, chunk.last, chunk.epoch)
        output, self._states[stage.name] = stage.run(inputs, self._states[stage.name])
        # copied here, on the stage's own thread, before the next chunk may change it
        state = copy.deepcopy(self._states[stage.name]) if chunk.checkpoint else None
        self.busy[stage.name] += time.perf_counter() - began
        return output, state

    def _collect(self, chunk: Chunk, futures: dict[str, Future[tuple[Output, State | None]]]) -> Result:
        tables: dict[str, list[pa.Table]] = {}
        states: dict[str, State] = {}
        for name, future in futures.items():
            output, state = future.result()
            for table, rows in output.tables.items():
                tables.setdefault(table, []).append(rows)
            if state is not None:
                states[name] = state
        return Result(chunk, tables, states if chunk.checkpoint else None)
