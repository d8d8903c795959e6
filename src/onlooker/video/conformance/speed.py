"""`onlooker bench decode`: how fast readers give RGB frames, measured side by side in one run.

Repetitions alternate between the readers, so that a change of load meets all of them; each repetition opens the file
anew. A ratio is the peer's median time divided by the reader's: above 1 the reader is faster than the peer. Processor
seconds of all threads are given beside: they stay comparable on a machine that does other work.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from onlooker.errors import ConfigError
from onlooker.video.conformance.frames_benchmark import Progress, chosen_readers, describe
from onlooker.video.conformance.machine import machine, now
from onlooker.video.conformance.numbers import Image, read
from onlooker.video.conformance.readers import OpenCVSession, Reader, quiet_libraries
from onlooker.video.conformance.speed_clips import SpeedClip, hour

SPARSE = 16
SIZES = {
    # frames per clip, pictures, seconds of the long video and its picture
    "tiny": (60, ((160, 96),), 60, (64, 48)),
    "small": (600, ((640, 360), (1280, 720)), 3600, (64, 48)),
    "full": (1800, ((640, 360), (1280, 720), (1920, 1080)), 3600, (640, 360)),
}

Work = Callable[[], tuple[int, int]]
"""Does the task once; gives (frames delivered, wrong frames)."""


@dataclass(frozen=True)
class Task:
    """One thing that is timed: `work[reader]` does it once."""

    name: str
    what: str
    work: dict[str, Work]
    unit: str = "frames/s"


def decode_benchmark(
    *,
    readers: Sequence[str] = (),
    size: str = "small",
    repeat: int = 3,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Time sequential decoding, sparse reads and the index of a long video; the result is a JSON document.

    `size` is a key of `SIZES`; `repeat` the timed repetitions per reader after one warm-up.
    """
    if size not in SIZES:
        raise ConfigError(f"no size {size!r}; there are {', '.join(SIZES)}")
    quiet_libraries()
    tested = chosen_readers(readers)
    facts = describe(tested)
    running = [reader for reader in tested if facts[reader.name]["version"]]
    before = machine()
    tasks = _tasks(running, size, cache, progress)
    rows = []
    for done, task in enumerate(tasks):
        if progress is not None:
            progress(f"timing {task.name}", done, len(tasks))
        rows.append(_measured(task, repeat))
    return {
        "benchmark": "decode",
        "date": now(),
        "machine": before,
        "load_after": machine()["load"],
        "size": size,
        "repeat": repeat,
        "reading": "ratios above 1 mean that Onlooker is faster; seconds include opening the file",
        "readers": facts,
        "cases": rows,
        "ratio_to_opencv": {row["name"]: row["ratio_to_opencv"] for row in rows},
    }


def _tasks(running: Sequence[Reader], size: str, cache: Path | None, progress: Progress | None) -> list[Task]:
    frames, pictures, seconds, small = SIZES[size]
    clips = [
        SpeedClip(f"{width}x{height}_{frames}_gop{gop}", width, height, frames, gop)
        for width, height in pictures
        for gop in (250, 30)
    ]
    tasks = []
    for done, clip in enumerate(clips):
        if progress is not None:
            progress(f"writing {clip.name}", done, len(clips) + 2)
        path = clip.make(cache)
        tasks += [_sequential(clip, path, running), _sparse(clip, path, running)]
    for kind in ("mp4", "mkv"):
        if progress is not None:
            progress(f"writing {seconds} s of {kind}", len(clips), len(clips) + 2)
        tasks.append(_index(hour(kind, seconds, *small, cache), kind, seconds, running))
    return tasks


def _sequential(clip: SpeedClip, path: Path, running: Sequence[Reader]) -> Task:
    def through(opener: Callable[[Path], Any]) -> Work:
        def work() -> tuple[int, int]:
            session = opener(path)
            count = sum(1 for _ in session.frames())
            session.close()
            return count, abs(clip.frames - count)

        return work

    work = {reader.name: through(reader.opener) for reader in running}
    if "onlooker" in work:
        work["onlooker"] = lambda: _onlooker_chunks(path, clip.frames)
    if "opencv" in work:
        work["opencv-bgr"] = lambda: _opencv_bgr(path, clip.frames)
    what = f"{clip.frames} frames of {clip.width}x{clip.height}, a key frame every {clip.gop}, in order, to RGB"
    return Task(f"sequential_{clip.height}p_gop{clip.gop}", what, work)


def _sparse(clip: SpeedClip, path: Path, running: Sequence[Reader]) -> Task:
    indices = [int(k) for k in np.linspace(0, clip.frames - 1, SPARSE + 2).round()[1:-1]]

    def through(opener: Callable[[Path], Any]) -> Work:
        def work() -> tuple[int, int]:
            session = opener(path)
            images = [session.at_index(index) for index in indices]
            session.close()
            return len(images), _wrong([None if seen is None else seen.image for seen in images], indices)

        return work

    work = {reader.name: through(reader.opener) for reader in running}
    if "onlooker" in work:
        work["onlooker"] = lambda: _onlooker_sparse(path, indices)
    what = f"{SPARSE} of {clip.frames} frames of {clip.width}x{clip.height}, a key frame every {clip.gop}"
    return Task(f"sparse_{clip.height}p_gop{clip.gop}", what, work)


def _index(path: Path, kind: str, seconds: int, running: Sequence[Reader]) -> Task:
    expected = seconds * 25
    names = {reader.name for reader in running}
    work: dict[str, Work] = {}
    if "onlooker" in names:
        work["onlooker"] = lambda: _onlooker_count(path, expected)
    if "pyav-naive" in names:
        work["pyav-demux"] = lambda: _demuxed(path, expected)
    megabytes = path.stat().st_size / 1e6
    what = f"the exact frame count and times of {seconds} s of video ({expected} frames, {megabytes:.0f} MB, {kind})"
    return Task(f"index_{seconds}s_{kind}", what, work, unit="packets/s")


def _onlooker_chunks(path: Path, expected: int) -> tuple[int, int]:
    from onlooker.video import Video

    with Video(path) as video:
        count = sum(len(clip) for clip in video.chunks())
    return count, abs(expected - count)


def _onlooker_sparse(path: Path, indices: Sequence[int]) -> tuple[int, int]:
    from onlooker.video import Video

    with Video(path) as video:
        images = list(video.read(indices).images)
    return len(images), _wrong(images, indices)


def _onlooker_count(path: Path, expected: int) -> tuple[int, int]:
    from onlooker.video import Video

    with Video(path) as video:
        count = len(video)
    return count, abs(expected - count)


def _opencv_bgr(path: Path, expected: int) -> tuple[int, int]:
    """OpenCV without the turn from BGR to RGB."""
    session = OpenCVSession(path)
    count = 0
    while session.capture.read()[0]:
        count += 1
    session.close()
    return count, abs(expected - count)


def _demuxed(path: Path, expected: int) -> tuple[int, int]:
    """A loop over the packets with PyAV, which is what anybody would write."""
    with av.open(str(path)) as container:
        times = sorted(p.pts for p in container.demux(container.streams.video[0]) if p.size and p.pts is not None)
    return len(times), abs(expected - len(times))


def _wrong(images: Sequence[Image | None], indices: Sequence[int]) -> int:
    return sum(
        image is None or read(np.asarray(image)).upright != index for image, index in zip(images, indices, strict=True)
    )


def _measured(task: Task, repeat: int) -> dict[str, Any]:
    """Warm-up, then repetitions that alternate between the readers and turn their order round each time."""
    raw: dict[str, list[tuple[float, float]]] = {name: [] for name in task.work}
    delivered: dict[str, tuple[int, int]] = {}
    errors: dict[str, str] = {}
    for turn in range(repeat + 1):
        names = [name for name in task.work if name not in errors]
        for name in names if turn % 2 else reversed(names):
            began, worked = time.perf_counter(), time.process_time()
            try:
                delivered[name] = task.work[name]()
            except Exception as error:  # a peer may raise anything; it is reported and left out
                errors[name] = f"{type(error).__name__}: {str(error)[:160]}"
                continue
            if turn:
                raw[name].append((time.perf_counter() - began, time.process_time() - worked))
    rows = {name: _row(raw[name], delivered[name]) for name in task.work if name not in errors}
    medians = {name: row["median_seconds"] for name, row in rows.items()}
    for name, row in rows.items():
        row["ratio_to_opencv"] = _ratio(medians.get("opencv"), medians[name])
    return {
        "name": task.name,
        "what": task.what,
        "unit": task.unit,
        "readers": rows,
        "errors": errors,
        "ratio_to_opencv": _ratio(medians.get("opencv"), medians.get("onlooker")),
        "ratio_to_opencv_bgr": _ratio(medians.get("opencv-bgr"), medians.get("onlooker")),
        "cpu_ratio_to_opencv": _ratio(
            *(rows[name]["median_cpu_seconds"] if name in rows else None for name in ("opencv", "onlooker"))
        ),
        "ratio_to_fastest_peer": _ratio(
            min((value for name, value in medians.items() if name != "onlooker"), default=None),
            medians.get("onlooker"),
        ),
    }


def _row(measured: Sequence[tuple[float, float]], delivered: tuple[int, int]) -> dict[str, Any]:
    seconds = [wall for wall, _ in measured]
    median = statistics.median(seconds)
    return {
        "median_seconds": round(median, 6),
        "min_seconds": round(min(seconds), 6),
        "max_seconds": round(max(seconds), 6),
        "median_cpu_seconds": round(statistics.median(cpu for _, cpu in measured), 6),
        "per_second": round(delivered[0] / median, 1),
        "wrong": delivered[1],
        "raw_seconds": [round(value, 6) for value in seconds],
    }


def _ratio(peer: float | None, own: float | None) -> float | None:
    return round(peer / own, 3) if peer is not None and own else None
