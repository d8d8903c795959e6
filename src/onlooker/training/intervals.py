"""Mean and confidence interval of a few measurements (Student's t)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from onlooker.errors import ConfigError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """`mean` and the two-sided t-interval [`low`, `high`] around it."""

    mean: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether all of the interval is above zero."""
        return self.low > 0


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The interval that holds the true mean with `confidence`, for independent normal measurements.

    Order does not matter. Raises ConfigError for fewer than two values, which say nothing about their spread.

    >>> interval = t_interval([1.0, 2.0, 3.0])
    >>> interval.mean, round(interval.low, 3), round(interval.high, 3)
    (2.0, -0.484, 4.484)
    """
    count = len(values)
    if count < 2:
        raise ConfigError(f"an interval needs at least two measurements, not {count}: use more seeds.")
    from scipy.stats import t

    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = float(t.ppf((1 + confidence) / 2, count - 1)) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)
