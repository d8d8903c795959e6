"""How right the shipped network is on photographs, of which its training had none.

    python -m onlooker.methods.detection.small_people.photographs CLIPS_FOLDER

prints the figures of README.md: the hand-drawn frames of `embedded_people/labels.json`, one by one, the network alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from onlooker.methods.detection.embedded_people.calibrate import LABELS
from onlooker.methods.detection.small_people.accuracy import (
    FrameScore,
    average_precision,
    precision,
    recall,
    score_frame,
)
from onlooker.methods.detection.small_people.shipped import load_shipped
from onlooker.methods.detection.small_people.source import LEAST
from onlooker.video import Video


def main(clips: str) -> dict[str, Any]:
    """Figures for each clip and for all of them."""
    network, _ = load_shipped()
    by_clip: dict[str, list[FrameScore]] = {}
    for name, entry in json.loads(LABELS.read_text())["clips"].items():
        video = Video(Path(clips) / name)
        for number, truth in entry["frames"].items():
            found = network.detect(video[int(number)].image, report=LEAST)
            people, ignore = (np.array(truth.get(key, []), float).reshape(-1, 4) for key in ("people", "ignore"))
            row = score_frame(int(number), found.boxes, found.scores, people, ignore)
            by_clip.setdefault(name, []).append(row)
    everything = [row for rows in by_clip.values() for row in rows]
    return {name: _figures(rows) for name, rows in {**by_clip, "all": everything}.items()}


def _figures(rows: list[FrameScore]) -> dict[str, float]:
    found, people = recall(rows, 0.3)
    wrong = sum(score >= 0.3 and not right for row in rows for score, right in zip(row.scores, row.right, strict=True))
    return {
        "frames": len(rows),
        "people": people,
        "ap50": round(average_precision(rows), 3),
        "recall at 0.3": round(found, 3) if people else 0.0,
        "precision at 0.3": round(precision(rows, 0.3), 3),
        "false at 0.3": wrong,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1]), indent=2) + "\n")
