"""Takes a training run's weights into the package, with their card and the accuracy that the tests hold them to.

    python -m onlooker.methods.detection.small_people.ship runs/embedded-people [CACHE]

measures on the test split of the world, which neither training nor the choice of anything looked at.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onlooker.data.world_detection import WorldFrames
from onlooker.methods.detection.small_people.accuracy import HEIGHTS, average_precision, precision, recall
from onlooker.methods.detection.small_people.model import SmallPeople
from onlooker.methods.detection.small_people.shipped import CARD, WEIGHTS
from onlooker.methods.detection.small_people.source import PeopleSource
from onlooker.methods.loading import load
from onlooker.records.jsonsafe import pretty_json
from onlooker.storage import atomic_write, sha256_of
from onlooker.weights.card import Card
from onlooker.weights.saving import save_weights

TEST = {"split": "test", "scenes": 60, "per_scene": 4, "seed": 0}
QUICK = {"split": "test", "scenes": 10, "per_scene": 1, "seed": 1}  # what the tests measure again
COMMAND = "onlooker train recipes/embedded/people.yaml"


def measure_on(detector: SmallPeople, recipe: dict[str, Any], cache: str | None = None) -> dict[str, Any]:
    """Average precision at IoU 0.5, precision and recall at scores 0.3 and 0.5, recall at 0.3 by height in pixels."""
    frames = WorldFrames(
        recipe["split"], recipe["scenes"], per_scene=recipe["per_scene"], seed=recipe["seed"], cache=cache
    )
    source = PeopleSource(frames)
    rows = [source.score(detector, index) for index in range(len(source))]
    by_height = {f"{low:g} to {high:g}": recall(rows, 0.3, low, high) for low, high in HEIGHTS}
    return {
        **recipe,
        "frames": len(rows),
        "people": recall(rows, 0.3)[1],
        "ap50": round(average_precision(rows), 3),
        "recall": {str(at): round(recall(rows, at)[0], 3) for at in (0.3, 0.5)},
        "precision": {str(at): round(precision(rows, at), 3) for at in (0.3, 0.5)},
        "recall at 0.3 by height": {key: [round(share, 3), count] for key, (share, count) in by_height.items()},
    }


def main(run: str, cache: str | None = None) -> dict[str, Any]:
    """Measure, then write weights and card into the package."""
    model: SmallPeople = load("small_people", weights=Path(run) / "model.safetensors")
    result = json.loads((Path(run) / "result.json").read_text())
    card = Card(
        method="small_people",
        variant="",
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        data_licence="none",
        origin=f"{COMMAND}, seed 0, procedural world only",
        config=json.dumps(asdict(model.config), sort_keys=True),
        spec=model.spec,
        labels=model.labels,
    )
    save_weights(WEIGHTS, model.state_dict(), card)
    detector = model.fused()
    facts = {
        "sha256": sha256_of(WEIGHTS),
        "data": "single frames of the procedural world, split train, seed 0; no photograph",
        "seed": 0,
        "command": COMMAND,
        "steps": result["steps"],
        "validation": result["accuracy"],
        "test": measure_on(detector, TEST, cache),
        "quick": measure_on(detector, QUICK, cache),
    }
    atomic_write(CARD, pretty_json(facts))
    return facts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:]), indent=2) + "\n")
