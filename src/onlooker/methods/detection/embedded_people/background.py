"""What moves against a slowly learnt background, as plain arrays that can be saved.

Per pixel a running mean of the colour and a running variance of its largest channel difference (Wren et al., Pfinder,
1997, with selective update). OpenCV's own subtractors keep their state hidden, which a resumable run cannot use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

State = dict[str, Any]


@dataclass(frozen=True)
class BackgroundConfig:
    """`memory` and `person_memory`: seconds over which an empty and an occupied pixel are relearnt.

    A pixel is foreground beyond `floor` grey values and `sigmas` standard deviations. More than `chaos` of the picture
    changed: the camera moved or the shot changed, the background starts again and is not trusted for `settle` seconds.
    """

    memory: float = 12.0
    person_memory: float = 90.0
    floor: float = 20.0
    sigmas: float = 3.5
    chaos: float = 0.35
    settle: float = 0.6


def init_background() -> State:
    """No picture seen yet."""
    return {"mean": np.zeros((0, 0, 3), np.float32), "variance": np.zeros((0, 0), np.float32), "age": 0.0}


def step_background(
    small: NDArray[np.uint8], elapsed: float, people: NDArray[np.bool_], state: State, config: BackgroundConfig
) -> tuple[NDArray[np.uint8], float, State]:
    """Foreground mask (0 or 1) of `small`, how far to trust it (0..1), and the next state.

    `elapsed`: seconds since the frame before. `people` `(h, w)`: where people were found lately; there the background
    is learnt slowly, so that someone who stands still does not fade into it.
    """
    if state["mean"].shape[:2] != small.shape[:2]:
        return _start(small)
    mean, variance, age = state["mean"], state["variance"], state["age"]
    difference = cv2.absdiff(small, cv2.convertScaleAbs(mean)).max(axis=2)
    squared = difference.astype(np.float32) ** 2
    limit = np.maximum(config.floor**2, config.sigmas**2 * variance)
    mask = (squared > limit).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    if float(mask.mean()) > config.chaos:
        return _start(small)
    age = age + elapsed
    fast = 1 - np.exp(-elapsed / max(min(age, config.memory), elapsed + 1e-6))
    slow = 1 - np.exp(-elapsed / config.person_memory)
    occupied = people if age > 2.0 else np.zeros_like(people)
    cv2.accumulateWeighted(small, mean := mean.copy(), fast, (~occupied).astype(np.uint8))
    cv2.accumulateWeighted(small, mean, slow, occupied.astype(np.uint8))
    calm = ((mask == 0) & ~occupied).astype(np.uint8)
    cv2.accumulateWeighted(squared, variance := variance.copy(), min(fast, 0.1), calm)
    trust = float(np.clip((age - config.settle) / 2.0, 0, 1))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return mask, trust, {"mean": mean, "variance": variance, "age": age}


def _start(small: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, State]:
    shape = small.shape[:2]
    fresh = {"mean": small.astype(np.float32), "variance": np.full(shape, 16, np.float32), "age": 0.0}
    return np.zeros(shape, np.uint8), 0.0, fresh


def moving_boxes(mask: NDArray[np.uint8], smallest: float) -> NDArray[np.float64]:
    """Bounding boxes xyxy of the connected moving areas of at least `smallest` pixels."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    stats = stats[1:]
    stats = stats[stats[:, cv2.CC_STAT_AREA] >= smallest]
    left, top, width, height = (stats[:, i].astype(float) for i in range(4))
    return np.stack([left, top, left + width, top + height], 1)
