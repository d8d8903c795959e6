"""`onlooker bench trajectories`: how many seconds of video one second of this machine works through."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories.apart import OFFICE
from onlooker.methods.recognition.dense_trajectories.config import VARIANTS
from onlooker.methods.recognition.dense_trajectories.model import DenseTrajectories, build
from onlooker.methods.recognition.dense_trajectories.rows import Trajectories
from onlooker.video import Video
from onlooker.video.conformance.machine import machine, now
from onlooker.world import World

SIZE, RATE = (320, 240), 25.0
NAMES = ("improved", "plain")

Progress = Callable[[str, int, int], None]


def trajectories_benchmark(
    *, video: Path | None = None, seconds: float = 8.0, repeat: int = 3, progress: Progress | None = None
) -> dict[str, Any]:
    """Time frames to Fisher vector; the result is a JSON document.

    The input is `video`, decoded first, or a rendered street before a shaking camera; both at 320 x 240. A ratio is
    seconds of video over seconds on the clock (median of `repeat` after one warm-up): above 1 is faster than real time.
    `ratio_two_cores` takes processor seconds of all threads and of the helper process, halved, instead: what two free
    cores would reach if the work split evenly, and comparable on a machine that does other work. `threads_seconds` is
    one run on the clock by two threads, which is how a process begins; `helper` says whether the others had a helper.
    Raises ConfigError, MediaError.
    """
    if repeat < 1 or not seconds > 0:
        raise ConfigError(f"{repeat} repetitions of {seconds} s cannot be timed: give at least one, and some time.")
    frames, rate = _rendered(seconds) if video is None else _decoded(video, seconds)
    result: dict[str, Any] = {
        "benchmark": "trajectories",
        "date": now(),
        "machine": machine(),
        "input": "rendered street, shaking camera" if video is None else video.name,
        "size": list(frames.shape[2:0:-1]),
        "rate": rate,
        "frames": len(frames),
        "repeat": repeat,
        "reading": "seconds of video over seconds of work, frames to Fisher vector: above 1 is faster than real time",
        "variants": {},
    }
    for number, name in enumerate(NAMES):
        if progress is not None:
            progress(name, number, len(NAMES))
        result["variants"][name] = _time(build(VARIANTS[name]), frames, rate, repeat)
    result["load_after"] = machine()["load"]
    return result


def _time(model: DenseTrajectories, frames: NDArray[np.uint8], rate: float, repeat: int) -> dict[str, Any]:
    model.features(frames)
    helper = OFFICE.settled()
    clock, processor = [], []
    counts: list[int] = []
    for _ in range(repeat):
        seconds, spent, counts = _run(model, frames)
        clock.append(seconds)
        processor.append(spent)
    with OFFICE.hire():  # nobody else can
        threads, _, _ = _run(model, frames)
    duration = len(frames) / rate
    return {
        "median_seconds": round(statistics.median(clock), 4),
        "min_seconds": round(min(clock), 4),
        "max_seconds": round(max(clock), 4),
        "processor_seconds": round(statistics.median(processor), 4),
        "frames_per_second": round(len(frames) / statistics.median(clock), 2),
        "ratio": round(duration / statistics.median(clock), 3),
        "ratio_best": round(duration / min(clock), 3),
        "ratio_two_cores": round(duration / (statistics.median(processor) / 2), 3),
        "threads_seconds": round(threads, 4),
        "helper": helper,
        "trajectories": sum(counts),
    }


def _run(model: DenseTrajectories, frames: NDArray[np.uint8]) -> tuple[float, float, list[int]]:
    """Seconds on the clock and of processors, and how many trajectories ended at each frame."""
    counts: list[int] = []
    started, spent = time.perf_counter(), time.process_time() + OFFICE.seconds
    model.encode(_counted(model.trajectories(frames), counts))
    return time.perf_counter() - started, time.process_time() + OFFICE.seconds - spent, counts


def _counted(parts: Iterable[Trajectories], counts: list[int]) -> Iterator[Trajectories]:
    for part in parts:
        counts.append(len(part))
        yield part


def _rendered(seconds: float) -> tuple[NDArray[np.uint8], float]:
    world = World("street", people=4, seconds=seconds, seed=3, size=SIZE, rate=RATE, camera="shake")
    return np.stack([image for image, _ in world.frames()]), RATE


def _decoded(path: Path, seconds: float) -> tuple[NDArray[np.uint8], float]:
    with Video(path) as video:
        rate = len(video) / video.index.end
        count = max(1, min(len(video), round(seconds * rate)))
        return video.read(range(count), size=SIZE[::-1]).images, rate
