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
    """`memory`, `shape_memory` and `person_memory`: seconds over which a pixel is relearnt that is empty, that lies in
    a moving area, and where a person was found.

    A pixel is foreground beyond `floor` grey values and `sigmas` standard deviations. More than `chaos` of the picture
    changed: the camera moved or the shot changed, the background starts again and is not trusted for `settle` seconds.
    """

    memory: float = 12.0
    shape_memory: float = 240.0
    person_memory: float = 900.0
    floor: float = 20.0
    sigmas: float = 3.5
    chaos: float = 0.35
    settle: float = 0.6


def init_background() -> State:
    """No picture seen yet."""
    return {"mean": np.zeros((0, 0, 3), np.float32), "variance": np.zeros((0, 0), np.float32), "age": 0.0}


def step_background(
    small: NDArray[np.uint8],
    elapsed: float,
    shapes: NDArray[np.bool_],
    people: NDArray[np.bool_],
    state: State,
    config: BackgroundConfig,
) -> tuple[NDArray[np.uint8], float, State]:
    """Foreground mask (0 or 1) of `small`, how far to trust it (0..1), and the next state.

    `elapsed`: seconds since the frame before. `shapes` and `people` `(h, w)`: where moving areas and people were found
    last; there the background is learnt slowly, so that someone who stands still does not fade.
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
    slow, slowest = (1 - np.exp(-elapsed / seconds) for seconds in (config.shape_memory, config.person_memory))
    occupied = (shapes | people) if age > 2.0 else np.zeros_like(people)
    mean = mean.copy()
    for rate, where in ((fast, ~occupied), (slow, occupied & ~people), (slowest, occupied & people)):
        cv2.accumulateWeighted(small, mean, rate, where.astype(np.uint8))
    calm = ((mask == 0) & ~occupied).astype(np.uint8)
    cv2.accumulateWeighted(squared, variance := variance.copy(), min(fast, 0.1), calm)
    trust = float(np.clip((age - config.settle) / 2.0, 0, 1))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    ghosts = _ghosts(small, mean, mask)
    mean[ghosts] = small[ghosts]
    mask[ghosts] = 0
    return mask, trust, {"mean": mean, "variance": variance, "age": age}


def _ghosts(small: NDArray[np.uint8], mean: NDArray[np.float32], mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Foreground left by something that was in the learnt background and went away.

    There the outline of the area is an edge in the background and not in the picture.
    """
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    outline = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    # Outline pixels just outside an area belong to the area next to them.
    owner = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int64)[outline]
    now, learnt = (
        np.bincount(owner, weights=_edges(picture)[outline], minlength=count)
        for picture in (small, cv2.convertScaleAbs(mean))
    )
    pixels = np.maximum(np.bincount(owner, minlength=count), 1)
    ghost = (now < 0.6 * learnt) & (now < 40 * pixels)
    ghost[0] = False
    return np.asarray(ghost[labels])


def _edges(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)))


def _start(small: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, State]:
    shape = small.shape[:2]
    fresh = {"mean": small.astype(np.float32), "variance": np.full(shape, 16, np.float32), "age": 0.0}
    return np.zeros(shape, np.uint8), 0.0, fresh


def moving_boxes(mask: NDArray[np.uint8], smallest: float) -> NDArray[np.float64]:
    """Bounding boxes xyxy of the connected moving areas of at least `smallest` pixels.

    Areas one above the other count as one: a belt or a bright shirt before a bright wall cuts people in two.
    """
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((max(mask.shape[0] // 40, 3), 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    stats = stats[1:]
    stats = stats[stats[:, cv2.CC_STAT_AREA] >= smallest]
    left, top, width, height = (stats[:, i].astype(float) for i in range(4))
    return np.stack([left, top, left + width, top + height], 1)
