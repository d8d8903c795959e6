"""A detector goes through the same training as a classifier: losses, accuracy, weights that load."""

from __future__ import annotations

import json

import pytest

from onlooker.errors import ConfigError
from onlooker.methods.loading import load
from onlooker.training.evaluation import DetectionAccuracy
from onlooker.training.recipe import build_recipe
from onlooker.training.run import train

RECIPE = {
    "name": "tiny-people",
    "model": {
        "method": "small_people",
        "settings": {"widths": [4, 4, 4, 4, 4], "depths": [0, 0, 0, 0], "neck": 4, "size": 64, "pixels": 9216},
    },
    "data": {
        "train": {"kind": "world_people", "split": "train", "scenes": 2, "per_scene": 2, "stages": ["shop"]},
        "val": {"kind": "world_people", "split": "val", "scenes": 1, "per_scene": 2, "stages": ["shop"]},
    },
    "optimizer": {"lr": 0.01},
    "loop": {"epochs": 1, "batch": 2, "ema": 0.9},
}


def recipe(tmp_path, **changes):
    values = json.loads(json.dumps(RECIPE))
    for split in values["data"].values():
        split["cache"] = str(tmp_path / "cache")
    return build_recipe({**values, **changes})


def test_a_detector_trains_and_repeats_itself(tmp_path):
    first, second = (train(recipe(tmp_path), tmp_path / name, device="cpu") for name in ("one", "two"))
    assert isinstance(first.accuracy, DetectionAccuracy)
    assert first.accuracy.videos == 2
    assert first.accuracy.people > 0
    assert first.accuracy.top1 == first.accuracy.ap50
    losses = [
        [json.loads(line)["loss"] for line in (run.folder / "log.jsonl").read_text().splitlines()]
        for run in (first, second)
    ]
    assert losses[0] == losses[1]
    assert load("small_people", weights=first.folder / "model.safetensors").config.neck == 4


def test_unknown_keys_of_people_data_get_an_offer():
    wrong = json.loads(json.dumps(RECIPE))
    wrong["data"]["train"]["scene"] = 3
    with pytest.raises(ConfigError, match="scenes"):
        build_recipe(wrong)
