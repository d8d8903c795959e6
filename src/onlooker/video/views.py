"""Which moments of a stretch of video make up a clip; pure functions of the interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError


def clip_times(
    start: float, end: float, *, frames: int | None = None, fps: float | None = None, generator: Any = None
) -> NDArray[np.float64]:
    """Seconds in [start, end): the middles of `frames` equal parts, or every 1/fps from `start` on.

    With `generator` each part gives a random moment, and `fps` a random phase.

    >>> clip_times(0.0, 8.0, frames=4).tolist()
    [1.0, 3.0, 5.0, 7.0]
    >>> clip_times(0.0, 1.0, fps=4).tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    times: Any
    if frames is not None:
        if frames < 1:
            raise ConfigError(f"frames is at least 1, not {frames!r}.")
        offsets = np.full(frames, 0.5) if generator is None else uniform(generator, frames)
        times = start + (np.arange(frames) + offsets) * ((end - start) / frames)
    else:
        if fps is None or not fps > 0:
            raise ConfigError(f"fps is a positive number, not {fps!r}.")
        phase = 0.0 if generator is None else float(uniform(generator, 1)[0])
        count = max(1, int(np.ceil((end - start) * fps - phase - 1e-9)))
        times = start + (np.arange(count) + phase) / fps
    return np.asarray(np.minimum(times, np.nextafter(end, start)), np.float64)


def stride_offset(stride: int, count: int, generator: Any = None) -> int:
    """Where to start so that each stride-th of `count` frames is taken."""
    if stride < 1:
        raise ConfigError(f"stride is at least 1, not {stride!r}.")
    if generator is None:
        return 0
    return int(uniform(generator, 1)[0] * min(stride, count))


def uniform(generator: Any, count: int) -> NDArray[np.float64]:
    """`count` numbers in [0, 1) from a torch.Generator, a numpy Generator or an int seed."""
    if isinstance(generator, int):
        generator = np.random.default_rng(generator)
    if isinstance(generator, np.random.Generator):
        return generator.random(count)
    import torch

    if not isinstance(generator, torch.Generator):
        raise ConfigError(f"generator is a torch.Generator, a numpy Generator or a seed, not {type(generator)}.")
    numbers: NDArray[np.float64] = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
    return numbers
