"""Velocity of a person from the last boxes, in body heights per second, robust against what detectors do.

A box edge jumps when legs or an arm are hidden; a person who moves takes both opposite edges along. So each axis uses
the slower of its two edges, zero when they disagree in direction, and a robust slope for each edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onlooker.events.motion.config import TICK, MotionConfig

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Velocity:
    """At `time` (the window's middle): picture velocity, `nearing` (> 0: towards the camera), body `height` in px."""

    time: float
    vx: float
    vy: float
    nearing: float
    height: float

    @property
    def speed(self) -> float:
        return math.sqrt(self.vx**2 + self.vy**2 + self.nearing**2)


@lru_cache(maxsize=128)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(count, 1)


def robust_slopes(times: Array, values: Array) -> Array:
    """Theil-Sen slopes (k,) of values (n, k) over times (n,): the median over pairs at least a third of the span apart.

    >>> robust_slopes(np.arange(5.0), np.array([[0.0], [2.0], [99.0], [6.0], [8.0]]))
    array([2.])
    """
    first, second = _pairs(len(times))
    steps = times[second] - times[first]
    far = steps >= (times[-1] - times[0]) / 3 - TICK
    slopes = (values[second[far]] - values[first[far]]) / steps[far, None]
    return np.asarray(np.median(slopes, axis=0))


def measure(samples: Array, size: tuple[float, float], config: MotionConfig) -> Velocity | None:
    """Velocity from samples (n, 5) of time, x1, y1, x2, y2, oldest first; None when they do not span enough time."""
    recent = _recent(samples, config.window)
    times, boxes = recent[:, 0], recent[:, 1:]
    if len(recent) < 3 or times[-1] - times[0] < 0.6 * config.window - TICK:
        return None
    height = max(float(np.median(boxes[:, 3] - boxes[:, 1])), 1.0)
    sx1, sy1, sx2, sy2 = (robust_slopes(times, boxes) / height).tolist()
    middle = np.median(boxes, axis=0)
    return Velocity(
        time=float(times.mean()),
        vx=_common(sx1, sx2, middle[0], size[0] - middle[2], config.border * size[0]),
        vy=_common(sy1, sy2, middle[1], size[1] - middle[3], config.border * size[1]),
        nearing=_nearing(samples, height, size, config),
        height=height,
    )


def _recent(samples: Array, window: float) -> Array:
    """The samples within the window, at least the last four (slow frame rates) unless they reach back too far."""
    start = min(int(np.searchsorted(samples[:, 0], samples[-1, 0] - window - TICK)), max(len(samples) - 4, 0))
    recent = samples[start:]
    return recent if recent[-1, 0] - recent[0, 0] <= 3 * window + TICK else recent[-1:]


def _common(low: float, high: float, low_gap: float, high_gap: float, touch: float) -> float:
    """The motion that both edges share; an edge that lies on the picture's border cannot move and is left out."""
    if low_gap <= touch < high_gap:
        return high
    if high_gap <= touch < low_gap:
        return low
    if low * high <= 0:
        return 0.0
    return min(low, high, key=abs)


def _nearing(samples: Array, height: float, size: tuple[float, float], config: MotionConfig) -> float:
    """Speed along the line of sight: height = focal / distance, so d(distance)/dt = -distance * d(log height)/dt.

    Height and width must agree, as hidden legs change only one, and only what exceeds the noise counts, because the
    factor is large.
    """
    times = samples[:, 0]
    touch = config.border * size[1]
    cut = (samples[:, 2] <= touch) | (samples[:, 4] >= size[1] - touch)
    if times[-1] - times[0] < 0.75 * config.depth_window - TICK or len(times) < 6 or cut.any():
        return 0.0
    tall, wide = (_certain_growth(times, samples[:, high] - samples[:, low]) for low, high in ((2, 4), (1, 3)))
    growth = _common(tall, wide, 1.0, 1.0, 0.0)
    if abs(growth) < config.least_growth:
        return 0.0
    return growth * min(config.focal * max(size) / height, config.max_depth_gain)


def _certain_growth(times: Array, lengths: Array) -> float:
    """The part of d(log length)/dt that exceeds three standard errors."""
    logs = np.log(np.maximum(lengths, 1.0))
    slope = float(robust_slopes(times, logs[:, None])[0])
    centred = times - times.mean()
    rest = logs - slope * centred
    spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    error = spread / math.sqrt(float((centred**2).sum()))
    return math.copysign(max(0.0, abs(slope) - 3 * error), slope)


DIRECTIONS = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")


def direction(velocity: Velocity, previous: str | None = None) -> str:
    """One of eight picture directions, or "nearer"/"farther" where motion in depth dominates.

    `previous` is kept until the angle leaves its sector by more than 15 degrees.
    """
    if abs(velocity.nearing) > 2 * math.hypot(velocity.vx, velocity.vy):
        return "nearer" if velocity.nearing > 0 else "farther"
    return compass(velocity.vx, velocity.vy, previous)


def compass(dx: float, dy: float, previous: str | None = None) -> str:
    """The picture direction of a vector; y points down.

    >>> compass(3.0, 0.2), compass(0.0, -1.0)
    ('right', 'up')
    """
    angle = math.degrees(math.atan2(dy, dx))
    if previous in DIRECTIONS:
        off = (angle - 45 * DIRECTIONS.index(previous) + 180) % 360 - 180
        if abs(off) <= 22.5 + 15:
            return previous
    return DIRECTIONS[round(angle / 45) % 8]
