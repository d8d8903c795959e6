"""Makes the background that comes with Onlooker: the mean of every action of the procedural world.

python -m onlooker.methods.recognition.taught.rendered OUT.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from onlooker.methods.recognition.clips import to_views
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.methods.recognition.taught.background import card_of, scale_of
from onlooker.methods.recognition.taught.model import features_of_clip
from onlooker.weights.saving import save_weights
from onlooker.world.dataset import Recipe, WorldClips
from onlooker.world.edition import edition
from onlooker.world.scripts.solo import SOLO

Tell = Callable[[str], None]
SETTINGS: dict[str, Any] = {
    "width": 160,  # of the backbone
    "clips_per_action": 4,
    "frames": 64,
    "rate": 30.0,
    "size": 200,
    "people": 2,
    "cameras": ["static", "shake", "pan", "orbit", "near"],
    "seed": 77,
    "grain": 10.0,  # standard deviation at most, of 255
    "fewest": 100,  # trajectories of a clip that counts
}


def mean_of(recogniser: Recogniser, settings: Mapping[str, Any], tell: Tell) -> tuple[torch.Tensor, int]:
    """The mean of the unit features of rendered clips, and of how many."""
    scale = torch.from_numpy(scale_of(recogniser.model.config.gaussians))
    total, count = torch.zeros(len(scale), dtype=torch.float64), 0
    for name, images in _clips(settings):
        view = to_views(images, recogniser.spec)
        vector = features_of_clip(recogniser.model, view, fewest=settings["fewest"])[0].double() * scale
        tell(f"{name}: {'counts' if vector.any() else 'next to nothing moves'}")
        if vector.any():
            total, count = total + vector / vector.norm(), count + 1
    return total / max(count, 1), count


def _clips(settings: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Every other clip mirrored, each with a grain of its own."""
    recipe = Recipe(
        labels=tuple(SOLO),
        frames=settings["frames"],
        rate=settings["rate"],
        size=settings["size"],
        people=settings["people"],
        cameras=tuple(settings["cameras"]),
    )
    length = len(SOLO) * settings["clips_per_action"]
    clips = WorldClips(recipe, "train", length, seed=settings["seed"])
    for index in range(length):
        rng = np.random.default_rng((settings["seed"], index))
        sample = clips[index]
        images = sample.clip[:, :, :: -1 if index % 2 else 1]
        grain = rng.normal(0, rng.uniform(0, settings["grain"]), images.shape)
        yield sample.name, np.clip(images + grain, 0, 255).round().astype(np.uint8)


def main(arguments: list[str] | None = None) -> None:
    """The command above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    given = parser.parse_args(arguments)
    recogniser = open_recogniser("dense_trajectories", settings={"width": SETTINGS["width"]})
    mean, count = mean_of(recogniser, SETTINGS, _say)
    origin = f"{count} rendered clips, world edition {edition()}, on {recogniser.source}"
    save_weights(given.out, {"mean": mean.half()}, card_of(recogniser.digest, origin, SETTINGS))
    _say(f"{given.out}: {origin}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
