"""The demonstration: a rendered street with walkers, analysed like any other video and compared with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onlooker.analysis.job import Tell, analyze_video
from onlooker.analysis.options import Options
from onlooker.metrics.tracking import evaluate
from onlooker.records import Run
from onlooker.world import World, render

NAME = "street"


@dataclass(frozen=True)
class Demonstration:
    """What came out, and how far it is from the truth."""

    run: Run
    video: Path
    accuracy: dict[str, Any]


def demonstrate(out: Path, *, seconds: float, people: int, seed: int, progress: Tell | None = None) -> Demonstration:
    """Render the scene into `out`, analyse it, compare. The same seed gives the same scene; a complete run is kept."""
    out.mkdir(parents=True, exist_ok=True)
    world = World(stage="street", people=people, seconds=seconds, seed=seed)
    video = out / f"{NAME}-{seed}-{people}-{seconds:g}s.mp4"
    if not video.exists():
        render(world, video)
    run = analyze_video(
        str(video), video.with_suffix(".onlooker"), Options.parse({}), name=video.name, progress=progress
    )
    truth = world.truth_tables(video=video.name)["tracks"]
    scores = evaluate(truth, run.tracks)
    found = len(set(run.tracks["track_id"].to_pylist()))
    counted = {"truth": len(set(truth["track_id"].to_pylist())), "found": found}
    return Demonstration(run, video, {"people": counted, **scores})
