"""What a stage of the analysis is: it declares what it needs and what it gives, and keeps its state in the open."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from onlooker.analysis.options import Options
from onlooker.video import Clip, Video

State = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What a stage may know about the job before the first frame. Sizes are displayed pixels."""

    video: str
    width: int
    height: int
    duration: float | None
    rate: float
    has_sound: bool
    options: Options
    open_video: Callable[[], Video]
    warnings: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def warn(self, message: str) -> None:
        """Note something the reader of the results must know; it ends up in the manifest and the report."""
        with self.lock:
            self.warnings.add(message)


@dataclass(frozen=True)
class Inputs:
    """One chunk: its frames and what the needed stages gave for it. A new `epoch` begins after a break in time."""

    clip: Clip
    given: Mapping[str, Any]
    first: bool
    last: bool
    epoch: int = 0


@dataclass(frozen=True)
class Output:
    """`values` go to the stages that need them, `tables` into the run folder."""

    values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


class Stage(ABC):
    """One step over bounded chunks. `run` sees the chunks in order; everything it remembers is in `state`, which
    holds only numbers, strings, lists, dicts and NumPy arrays, so that a killed run can go on from it.

    `needs` and `gives` name values (see `Output.values`), not other stages: any stage that gives "detections" can
    stand in for the embedded detector.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    gives: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def licences(self) -> Mapping[str, str]:
        """What the results of this stage rest on, by source; empty for code of Onlooker's own."""
        return {}

    def start(self) -> State:
        """The state before the first chunk."""
        return {}

    @abstractmethod
    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """Work on one chunk; on the last one, also give what was held back."""


STAGES: dict[str, type[Stage]] = {}


def register(stage: type[Stage]) -> type[Stage]:
    """Class decorator: makes a stage known under its name."""
    STAGES[stage.name] = stage
    return stage
