"""The learning rate as a pure function of the epoch, so that a resumed run needs no scheduler state but the step."""

from __future__ import annotations

import math

from onlooker.training.recipe import Schedule


def rate_factor(schedule: Schedule, epoch: float, epochs: float) -> float:
    """What the base learning rate is multiplied by at `epoch` (with its fraction) of `epochs`.

    >>> rate_factor(Schedule(name="step", milestones=(11, 14)), 12.5, 15)
    0.1
    >>> rate_factor(Schedule(name="cosine", warmup_epochs=2), 1.0, 10)
    0.5
    """
    warmup = schedule.warmup_epochs
    if epoch < warmup:
        # towards the value that the schedule itself has where warm-up ends
        target = _after_warmup(schedule, warmup, epochs)
        start = schedule.warmup_start
        return start + (target - start) * epoch / warmup
    return _after_warmup(schedule, epoch, epochs)


def _after_warmup(schedule: Schedule, epoch: float, epochs: float) -> float:
    if schedule.name == "constant":
        return 1.0
    if schedule.name == "step":
        passed = sum(epoch >= milestone for milestone in schedule.milestones)
        return float(schedule.gamma**passed)
    done = min(max((epoch - schedule.warmup_epochs) / max(epochs - schedule.warmup_epochs, 1e-9), 0.0), 1.0)
    return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * done))
