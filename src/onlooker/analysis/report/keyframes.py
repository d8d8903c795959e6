"""Which frames stand for the video: at least one of each shot, more of long ones, where most people are in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onlooker.analysis.people import Person, count_inside
from onlooker.analysis.report.timeline import chapters
from onlooker.records import Run
from onlooker.video import Video

MOST_SHOTS = 60
KEY_FRAMES = 12  # spread over a video of few shots
CANDIDATES = 9  # looked at in each part


@dataclass(frozen=True)
class KeyFrame:
    """A frame to show: its index and time, the number of its shot, and how that shot begins if this is its first."""

    index: int
    time: float
    shot: int
    transition: str | None
    seconds: float
    people: int


def choose_key_frames(run: Run, video: Video, people: Sequence[Person]) -> list[KeyFrame]:
    """Key frames in order of time."""
    shots = chapters(run, MOST_SHOTS)
    total = sum(shot["end"] - shot["start"] for shot in shots) or 1.0
    found = []
    for shot in shots:
        seconds = shot["end"] - shot["start"]
        parts = max(1, round(KEY_FRAMES * seconds / total)) if len(shots) < KEY_FRAMES else 1
        edges = np.linspace(shot["start"], shot["end"], parts + 1)
        for k in range(parts):
            # away from the edges of the part: near a cut the picture is often half faded
            times = np.linspace(edges[k], edges[k + 1], CANDIDATES + 2)[1:-1]
            counts = count_inside(people, times)
            middle = CANDIDATES // 2
            best = int(max(range(CANDIDATES), key=lambda i: (counts[i], -abs(i - middle))))
            index = _frame_at(video, float(times[best]), shot["start_frame"], shot["end_frame"])
            begins = shot["transition"] if k == 0 else None
            time = float(video.index.time[index])
            found.append(KeyFrame(index, time, shot["shot"], begins, seconds, int(counts[best])))
    return found


def _frame_at(video: Video, time: float, first: int, stop: int) -> int:
    shown = int(np.searchsorted(video.index.time, time, side="right")) - 1
    return min(max(shown, first), stop - 1)
