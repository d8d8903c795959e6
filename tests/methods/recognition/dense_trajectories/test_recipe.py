"""A training run from a recipe, and what a wrong recipe is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from onlooker.errors import ConfigError
from onlooker.methods.loading import load
from onlooker.methods.recognition.dense_trajectories.recipe import main, run
from onlooker.video.writer import VideoWriter

torch.set_num_threads(1)

RECIPES = Path(__file__).resolve().parents[4] / "recipes" / "dense_trajectories"


def test_a_list_of_videos_from_codebook_to_file(make: Any, tmp_path: Path) -> None:
    lines = []
    for number, (dx, dy, label) in enumerate([(2, 0, "across"), (0, 2, "down")] * 2):
        with VideoWriter(tmp_path / f"{number} clip.mp4", 80, 64, rate=10.0) as writer:
            for frame in make["moving"](22, dx, dy, seed=number):
                writer.write(frame)
        lines.append(f"{number} clip.mp4 {label}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    data = {"list": "list.txt"}
    recipe = {"name": "tiny", "variant": "plain", "settings": {"gaussians": 2, "scales": 1}, "samples": 100}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"train": data, "val": data, "cost": 10.0}))
    main([str(tmp_path / "recipe.yaml"), str(tmp_path / "out.safetensors")])
    model = load("dense_trajectories", tmp_path / "out.safetensors")
    assert model.labels == ("across", "down")
    assert model.predict(tmp_path / "1 clip.mp4").top(1)[0][0] == "down"
    outcome = run(recipe | {"train": data, "val": data, "cost": 10.0}, tmp_path)
    assert (outcome.trajectories, outcome.accuracy) == (100, 1.0)


def test_wrong_recipes(tmp_path: Path) -> None:
    good = {"name": "a", "variant": "plain", "train": {"list": "no.txt"}}
    with pytest.raises(ConfigError, match="unknown: epochs, missing: none"):
        run(good | {"epochs": 3}, tmp_path)
    with pytest.raises(ConfigError, match="missing: train"):
        run({"name": "a", "variant": "plain"}, tmp_path)
    with pytest.raises(ConfigError, match="no such list"):
        run(good, tmp_path)
    with pytest.raises(ConfigError, match="data is"):
        run(good | {"train": {"folder": "x"}}, tmp_path)
    (tmp_path / "no.txt").write_text("alone\n")
    with pytest.raises(ConfigError, match=r"no\.txt:1"):
        run(good, tmp_path)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_are_well_formed(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text())
    assert recipe["variant"] in ("improved", "improved_256", "plain", "plain_256")
    assert ("cost" in recipe) == ("val" in recipe)
