"""Labelled clips by index: what training and evaluation read, wherever the clips come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from onlooker.weights.inputs import InputSpec


class ClipSource(Protocol):
    """A sequence of labelled videos. `classes` are the labels' names in order."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def __len__(self) -> int: ...

    def label(self, index: int) -> int:
        """The class of a video, known without decoding it."""
        ...

    def name(self, index: int) -> str:
        """What tells the video from all others, for people and for the leakage check."""
        ...

    def random_clip(self, index: int, spec: InputSpec, draw: int) -> UInt8[np.ndarray, "time height width 3"]:
        """`spec.frames` frames from a moment that the seed `draw` chooses, short side not below `spec.short_side`."""
        ...

    def clips(self, index: int, spec: InputSpec, count: int) -> Sequence[UInt8[np.ndarray, "time height width 3"]]:
        """`count` clips spread evenly in time (one alone in the middle), for testing."""
        ...


@runtime_checkable
class MultiLabelSource(Protocol):
    """What a source says where a video may have none or several classes; `multi_label` tells whether that is so."""

    @property
    def multi_label(self) -> bool: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    def labels(self, index: int) -> tuple[int, ...]:
        """All classes of a video."""
        ...
