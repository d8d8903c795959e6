"""Who is the same from frame to frame?

`load_tracker` gives any online tracker behind one contract, `Tracker`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.records.frames import Detections, FrameTracks

State = dict[str, Any]


class Tracker(Protocol):
    """Links detections frame by frame. The state is bounded and holds only plain values and NumPy arrays."""

    @property
    def source(self) -> str:
        """Method, variant and weights, for example `kalman/default@none`."""
        ...

    def init_state(self, width: int, height: int) -> State:
        """The state before the first frame of a video of this displayed size."""
        ...

    def step(
        self, image: NDArray[np.uint8] | None, time: float, detections: Detections, state: State
    ) -> tuple[FrameTracks, State]:
        """Tracks of one frame: `image` uint8 RGB `(height, width, 3)` (None: boxes only), `time` in seconds."""
        ...

    def cut(self, state: State) -> State:
        """The state at a shot boundary or after a break in time: motion is forgotten, appearance is kept."""
        ...


def load_tracker(name: str = "default") -> Tracker:
    """The tracker that `name` asks for: `default` (the same as `kalman`).

    Errors: ConfigError for an unknown name.

    >>> load_tracker().source
    'kalman/default@none'
    """
    if name in ("default", "kalman"):
        from onlooker.methods.tracking.kalman import KalmanTracker

        return KalmanTracker()
    raise ConfigError(f"there is no tracker '{name}': choose default or kalman.")


__all__ = ["State", "Tracker", "load_tracker"]
