"""Where are people and things?

`load_detector` gives any people detector behind one contract, `PeopleDetector`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onlooker.records.frames import Detections

State = dict[str, Any]


class PeopleDetector(Protocol):
    """Finds people in consecutive frames.

    The state holds only numbers, strings, lists, dicts and NumPy arrays. The result does not depend on how the frames
    are split into calls of `run`.
    """

    @property
    def source(self) -> str:
        """Method, variant and weights, for example `embedded_people/default@none`."""
        ...

    def init_state(self, width: int, height: int) -> State:
        """The state before the first frame of a video of this displayed size."""
        ...

    def run(
        self, images: NDArray[np.uint8], times: NDArray[np.float64], state: State
    ) -> tuple[list[Detections], State]:
        """One `Detections` per frame of `images` uint8 RGB `(time, height, width, 3)` at `times` seconds."""
        ...


class NoDetector:
    """Finds nobody: for runs that need only shots, sound or imported detections."""

    source = "none/none@none"

    def init_state(self, width: int, height: int) -> State:
        """An empty state."""
        return {}

    def run(
        self, images: NDArray[np.uint8], times: NDArray[np.float64], state: State
    ) -> tuple[list[Detections], State]:
        """Empty `Detections` for each frame."""
        return [Detections() for _ in range(len(images))], state


def load_detector(name: str = "embedded") -> PeopleDetector:
    """The people detector that `name` asks for.

    `embedded` (nothing to download, low accuracy), `none`, the path of a local folder in transformers format, or
    `hf://org/name` for a public checkpoint (extra `hub`; the only one that uses the network).

    Errors: ConfigError for an unknown name; MissingDependency without the extra; IncompatibleCheckpoint for weights
    that do not fit their configuration.

    >>> load_detector("none").source
    'none/none@none'
    """
    if name == "embedded":
        from onlooker.methods.detection.embedded_people import EmbeddedPeople

        return EmbeddedPeople()
    if name == "none":
        return NoDetector()
    from onlooker.methods.detection.detr import load_detr

    return load_detr(name)


__all__ = ["NoDetector", "PeopleDetector", "State", "load_detector"]
