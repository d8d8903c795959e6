"""`onlooker bench recognition`: clips a second and memory, against the same networks of transformers.

Each contender lives in a process of its own, so that its peak of memory is its own. All get the same random weights
(drawn once in the peer, converted by the method's `convert.py`) and the same clip; repetitions alternate between
the contenders and turn their order round each time. A ratio is the peer's median time divided by ours: above 1 we are
faster. Processor seconds of all threads are given beside: they stay comparable on a machine that does other work.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError, MissingDependency
from onlooker.video.conformance.machine import machine, now

Progress = Callable[[str, int, int], None]
BAR_EAGER, BAR_SDPA = 1.2, 1.0
AGREEMENT = 1e-3  # largest difference of logits, relative to the largest of them
OURS = "onlooker"


@dataclass(frozen=True, slots=True)
class Size:
    """A network to compare; `frames`, `size` pixels, `patch`, `dim`, `depth` and `heads` are those of a transformer."""

    frames: int
    size: int
    patch: int = 16
    dim: int = 768
    depth: int = 12
    heads: int = 12
    classes: int = 400


CASES: dict[str, dict[str, Size]] = {
    "timesformer": {"tiny": Size(4, 32, 8, 48, 2, 3, 7), "small": Size(8, 224, depth=3), "full": Size(8, 224)},
    "videomae": {"tiny": Size(4, 32, 8, 48, 2, 3, 7), "small": Size(16, 224, depth=3), "full": Size(16, 224)},
}
CONTENDERS = {
    "timesformer": (OURS, "transformers-eager"),  # transformers has no other attention for it
    "videomae": (OURS, "transformers-eager", "transformers-sdpa"),
}


def recognition_benchmark(
    *,
    models: Sequence[str] = (),
    size: str = "full",
    batch: int = 1,
    repeat: int = 5,
    threads: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Time forward passes of `models` (all of `CASES` by default) side by side; the result is a JSON document.

    `size` is "tiny" (a test), "small" (a quarter of the depth) or "full" (the published base model), `batch` the clips
    in a pass, `repeat` the timed passes after one warm-up, `threads` those of each contender (all cores by default).
    Raises ConfigError, and MissingDependency without transformers.
    """
    wanted = list(models) or list(CASES)
    if unknown := [name for name in wanted if name not in CASES]:
        raise ConfigError(f"no peer to compare {unknown[0]!r} with: choose {', '.join(CASES)}.")
    if size not in CASES[wanted[0]]:
        raise ConfigError(f"no size {size!r}: choose {', '.join(CASES[wanted[0]])}.")
    peer = _peer_version()
    used = threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    before = machine()
    rows = [
        _case(name, CASES[name][size], batch=batch, repeat=repeat, threads=used, seed=seed, progress=progress)
        for name in wanted
    ]
    return {
        "benchmark": "recognition",
        "date": now(),
        "machine": before,
        "load_after": machine()["load"],
        "versions": {"torch": version("torch"), "transformers": peer},
        "device": "cpu",
        "size": size,
        "batch": batch,
        "threads": used,
        "repeat": repeat,
        "seed": seed,
        "reading": "ratios are the peer's median seconds divided by ours: above 1 Onlooker is faster",
        "bar": {"ratio_to_eager": BAR_EAGER, "ratio_to_sdpa": BAR_SDPA},
        "cases": rows,
        "passed": all(row["passed"] for row in rows),
    }


def _peer_version() -> str:
    try:
        return version("transformers")
    except PackageNotFoundError:
        raise MissingDependency(
            'the comparison needs transformers, which is not installed: pip install "onlooker[hub]"'
        ) from None


def _case(
    name: str, size: Size, *, batch: int, repeat: int, threads: int, seed: int, progress: Progress | None
) -> dict[str, Any]:
    tell = progress or (lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="onlooker-bench-") as folder, ExitStack() as stack:
        tell(f"{name}: drawing weights", 0, repeat + 1)
        job = {"model": name, "size": asdict(size), "folder": folder, "batch": batch, "threads": threads, "seed": seed}
        with _Contender({**job, "contender": "prepare"}):
            pass
        running = {one: stack.enter_context(_Contender({**job, "contender": one})) for one in CONTENDERS[name]}
        raw: dict[str, list[dict[str, Any]]] = {one: [] for one in running}
        for turn in range(repeat + 1):
            tell(f"{name}: timing", turn, repeat + 1)
            for one in running if turn % 2 else reversed(running):
                raw[one].append(running[one].ask())
    return _summary(name, size, raw, batch)


def _summary(name: str, size: Size, raw: dict[str, list[dict[str, Any]]], batch: int) -> dict[str, Any]:
    rows = {one: _row(answers, batch) for one, answers in raw.items()}
    own = raw[OURS][-1]["logits"]
    largest = max(abs(value) for row in own for value in row)
    apart = {
        one: max(
            abs(a - b) for mine, theirs in zip(own, answers[-1]["logits"], strict=True)
            for a, b in zip(mine, theirs, strict=True)
        ) / largest
        for one, answers in raw.items() if one != OURS
    }  # fmt: skip
    result: dict[str, Any] = {
        "name": name,
        "what": f"{size.frames} frames of {size.size} pixels, patches of {size.patch}, width {size.dim}, "
        f"{size.depth} blocks, {size.heads} heads",
        "runners": rows,
        "logits_apart": apart,
        "same_logits": all(value <= AGREEMENT for value in apart.values()),
    }
    for kind in ("eager", "sdpa"):
        there = rows.get(f"transformers-{kind}")
        for key, prefix in (("median_seconds", ""), ("median_cpu_seconds", "cpu_")):
            ratio = None if there is None else round(there[key] / rows[OURS][key], 3)
            result[f"{prefix}ratio_to_{kind}"] = ratio
    if result["ratio_to_sdpa"] is None:
        result["no_sdpa"] = "transformers has no sdpa attention for this model"
    eager, sdpa = result["ratio_to_eager"], result["ratio_to_sdpa"]
    result["passed"] = result["same_logits"] and eager >= BAR_EAGER and (sdpa is None or sdpa >= BAR_SDPA)
    return result


def _row(answers: Sequence[dict[str, Any]], batch: int) -> dict[str, Any]:
    timed = answers[1:]
    seconds = [answer["seconds"] for answer in timed]
    median = statistics.median(seconds)
    return {
        "median_seconds": round(median, 6),
        "min_seconds": round(min(seconds), 6),
        "max_seconds": round(max(seconds), 6),
        "median_cpu_seconds": round(statistics.median(answer["cpu_seconds"] for answer in timed), 6),
        "clips_per_second": round(batch / median, 4),
        "peak_memory_mb": round(max(answer["peak_mb"] for answer in answers), 1),
        "memory_before_mb": round(answers[0]["before_mb"], 1),
        "raw_seconds": [round(value, 6) for value in seconds],
    }


class _Contender:
    """A process with one model in it, which makes a forward pass whenever it is asked."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job

    def __enter__(self) -> _Contender:
        self._errors = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "onlooker.methods.recognition.benchmark_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(self._job["threads"]), "HF_HUB_OFFLINE": "1"},
        )
        self._send(json.dumps(self._job))
        self._answer()
        return self

    def ask(self) -> dict[str, Any]:
        """Seconds, processor seconds, memory and logits of one pass."""
        self._send("run")
        return self._answer()

    def _send(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            self._child.wait()
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise ConfigError(f"{self._job['model']}, {self._job['contender']}: it could not run ({last[0]}).")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __exit__(self, *_: object) -> None:
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._errors.close()


def weights_path(folder: str | Path, contender: str) -> Path:
    """Where the weights of a contender lie: ours, or those of transformers' class."""
    return Path(folder) / ("ours.safetensors" if contender == OURS else "theirs.safetensors")
